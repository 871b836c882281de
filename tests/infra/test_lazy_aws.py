"""The lazy packages have the same names as pulumi_aws, and import only the used modules.

Each test starts an interpreter, because the imports of other tests persist.
"""

import subprocess
import sys

import pytest

from tests.infra.conftest import ROOT


def run_python(code: str) -> str:
    """Run *code* in a new interpreter, and return its output."""
    completed = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return completed.stdout.strip()


def test_the_program_runs_only_the_modules_that_it_needs() -> None:
    loaded = run_python(
        "import sys, infra.stack_outputs\n"
        "from infra.lazy_aws import import_in_background\n"
        "import_in_background().join()\n"
        "print([name for name in sys.modules if name.startswith('pulumi_aws.ec2.')])"
    )
    assert "pulumi_aws.ec2.vpc" in loaded
    assert "pulumi_aws.ec2.instance" not in loaded
    assert len(loaded.split(",")) < 20


@pytest.mark.proof
def test_every_name_is_the_one_of_the_real_package() -> None:
    """A name that does not exist raises AttributeError, too."""
    code = """
from importlib.util import module_from_spec
from infra import lazy_aws
for package in (lazy_aws.cloudwatch, lazy_aws.ec2, lazy_aws.iam, lazy_aws.vpc):
    lazy_getattr = type(package).__getattr__
    real = module_from_spec(package.__spec__)
    package.__spec__.loader.exec_module(real)
    names = [
        name for name, value in vars(real).items()
        if getattr(value, "__module__", "").startswith(real.__name__)
    ]
    assert len(names) > 10, names
    print([name for name in names if lazy_getattr(package, name) is not vars(real)[name]])
    print([name for name in names if getattr(package, name) is not vars(real)[name]])
    print([name for name in ("NoSuchName",) if hasattr(package, name)])
"""
    assert set(run_python(code).splitlines()) == {"[]"}


@pytest.mark.parametrize("first_use", ["", "package.Vpc"], ids=["lazy", "loaded"])
def test_a_package_that_is_already_imported_is_the_same_one(first_use: str) -> None:
    code = f"""
from pulumi_aws import ec2 as package
{first_use}
from infra.lazy_aws import ec2
print(package is ec2, package.Vpc is ec2.Vpc)
"""
    assert run_python(code) == "True True"


def test_the_large_packages_wait_until_the_provider_is_starting() -> None:
    code = """
import sys, infra.stack_outputs, infra.components.spending_stop, infra.destroy_guard
print([name for name in sys.modules if name.startswith(("pulumi_aws.ec2.", "pulumi_aws.iam."))])
"""
    assert run_python(code) == "[]"

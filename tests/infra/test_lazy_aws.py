"""pulumi_aws module by module: the same names for the same things, and no more than is used.

Each test has an interpreter of its own, because what others imported stays imported.
"""

import subprocess
import sys

import pytest

from tests.e2e.sandbox import ROOT


def ran(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_the_program_runs_only_the_modules_that_it_needs() -> None:
    names = "[n for n in sys.modules if n.startswith('pulumi_aws.ec2.')]"
    loaded = ran(
        f"import sys, infra.stack_outputs, infra.account as a; a.ahead().join(); print({names})"
    )
    assert "pulumi_aws.ec2.vpc" in loaded
    assert "pulumi_aws.ec2.instance" not in loaded
    assert len(loaded.split(",")) < 20


@pytest.mark.parametrize("package", ["cloudwatch", "ec2", "iam", "vpc"])
def test_every_name_is_what_the_real_package_has(package: str) -> None:
    code = f"""
from importlib.util import module_from_spec
from infra import aws
ours = aws.{package}
found = type(ours).__getattr__
real = module_from_spec(ours.__spec__)
ours.__spec__.loader.exec_module(real)
own = lambda value: getattr(value, "__module__", "").startswith(real.__name__)
names = [name for name, value in vars(real).items() if own(value)]
assert len(names) > 10, names
print([name for name in names if found(ours, name) is not vars(real)[name]])
print([name for name in names if getattr(ours, name) is not vars(real)[name]])
"""
    assert ran(code) == "[]\n[]"


def test_a_package_that_somebody_has_already_is_the_same_one() -> None:
    code = "from pulumi_aws import ec2 as theirs; from infra.aws import ec2; "
    assert ran(f"{code}print(theirs is ec2, theirs.Vpc is ec2.Vpc)") == "True True"


def test_a_package_that_has_run_stays_as_it_is() -> None:
    code = "from pulumi_aws import ec2 as theirs; theirs.Vpc; from infra.aws import ec2; "
    assert ran(f"{code}print(theirs is ec2, type(ec2).__name__)") == "True module"


def test_the_large_packages_wait_until_the_provider_is_starting() -> None:
    code = "import sys, infra.stack_outputs, infra.costs, infra.destroy_guard; "
    large = "[n for n in sys.modules if n.startswith(('pulumi_aws.ec2.', 'pulumi_aws.iam.'))]"
    assert ran(f"{code}print({large})") == "[]"


def test_a_name_that_nobody_has_is_an_attribute_error() -> None:
    assert ran("from infra.aws import ec2; print(hasattr(ec2, 'Nowhere'))") == "False"

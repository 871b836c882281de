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
    loaded = ran(f"import sys, infra.exports, infra.account as a; a.ahead().join(); print({names})")
    assert "pulumi_aws.ec2.vpc" in loaded
    assert "pulumi_aws.ec2.instance" not in loaded
    assert len(loaded.split(",")) < 20


@pytest.mark.parametrize("package", ["cloudwatch", "ec2", "iam", "vpc"])
def test_every_name_is_what_the_real_package_has(package: str) -> None:
    code = f"""
import importlib, sys
from infra import aws
ours = getattr(aws, {package!r})
first = ours.__getattr__  # of the stand-in, also after all of the package has run
del sys.modules["pulumi_aws.{package}"]
real = importlib.import_module("pulumi_aws.{package}")
sys.modules["pulumi_aws.{package}"] = ours
own = lambda value: getattr(value, "__module__", "").startswith(real.__name__)
names = [name for name, value in vars(real).items() if own(value)]
assert len(names) > 10, names
print([name for name in names if first(name) is not vars(real)[name]])
"""
    assert ran(code) == "[]"


def test_a_name_that_nobody_has_is_an_attribute_error() -> None:
    assert ran("from infra.aws import ec2; print(hasattr(ec2, 'Nowhere'))") == "False"

"""Drift names what differs, what is missing and what is unmanaged, and its exit code says so."""

import json
from collections.abc import Sequence

import pytest

from sandbox import cli
from sandbox.core.errors import ExitCode
from sandbox.drift import comparison
from tests.sandbox.conftest import FakePulumi

URN = "urn:pulumi:dev::sandbox::sandbox:network:Network$"
VPC = f"{URN}aws:ec2/vpc:Vpc::sandbox-vpc"
SUBNET = f"{URN}aws:ec2/subnet:Subnet::sandbox-public-us-east-1a"
NEW = f"{URN}aws:ec2/route:Route::new"
UNMANAGED = "sandbox-manager: MFA device arn:aws:iam::123456789012:mfa/phone"


@pytest.fixture
def deployed(fake_pulumi: FakePulumi, monkeypatch: pytest.MonkeyPatch) -> FakePulumi:
    """A stack of a VPC and a subnet, in an account to which nothing is attached."""
    provider = {
        "urn": "urn:pulumi:dev::sandbox::pulumi:providers:aws::aws",
        "type": "pulumi:providers:aws",
        "inputs": {"region": "us-east-1"},
    }
    resources = [
        provider,
        {"urn": VPC, "type": "aws:ec2/vpc:Vpc", "id": "vpc-1"},
        {"urn": SUBNET, "type": "aws:ec2/subnet:Subnet", "id": "subnet-1"},
    ]
    fake_pulumi.answer("stack export", {"deployment": {"resources": resources}})
    attach(monkeypatch)
    return fake_pulumi


def attach(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    def unmanaged(*_: object) -> Sequence[str]:
        return lines

    monkeypatch.setattr(comparison, "unmanaged", unmanaged)


def preview(fake_pulumi: FakePulumi, *steps: tuple[str, str]) -> None:
    """Let the preview report *steps*: operation and URN."""
    listed = [{"op": operation, "urn": urn} for operation, urn in steps]
    fake_pulumi.answer("preview", {"steps": listed})


def test_an_account_as_the_program_says_ends_with_0(
    deployed: FakePulumi, capsys: pytest.CaptureFixture[str]
) -> None:
    preview(deployed, ("same", VPC), ("same", SUBNET))
    assert cli.run(["drift", "--stack", "dev"]) == ExitCode.DONE
    assert capsys.readouterr().out == ""
    assert any(call.startswith("preview --json --refresh") for call in deployed.calls)


def test_each_difference_is_a_line_and_all_are_counted(
    deployed: FakePulumi, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    preview(deployed, ("update", VPC), ("create", SUBNET), ("create", NEW))
    attach(monkeypatch, UNMANAGED)
    assert cli.run(["drift", "--stack", "dev"]) == ExitCode.ATTENTION
    shown = capsys.readouterr()
    assert shown.out.splitlines() == [
        "differs: update aws:ec2/vpc:Vpc sandbox-vpc",
        "differs: create aws:ec2/route:Route new",  # not deleted: no state has had it
        "missing: aws:ec2/subnet:Subnet sandbox-public-us-east-1a (subnet-1)",
        f"unmanaged: {UNMANAGED}",
    ]
    assert all(count in shown.err for count in ("2 differ", "1 missing", "1 unmanaged"))


def test_json_has_the_same(
    deployed: FakePulumi, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    preview(deployed, ("update", VPC), ("create", SUBNET))
    attach(monkeypatch, UNMANAGED)
    assert cli.run(["drift", "--stack", "dev", "--json"]) == ExitCode.ATTENTION
    assert json.loads(capsys.readouterr().out) == {
        "differing": [{"operation": "update", "type": "aws:ec2/vpc:Vpc", "name": "sandbox-vpc"}],
        "missing": [
            {
                "type": "aws:ec2/subnet:Subnet",
                "name": "sandbox-public-us-east-1a",
                "id": "subnet-1",
            }
        ],
        "unmanaged": [UNMANAGED],
    }

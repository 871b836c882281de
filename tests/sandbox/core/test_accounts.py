"""No command calls an account other than the stack's."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pytest

from infra.aws_clients import AwsClients
from sandbox import cli
from sandbox.core.errors import ExitCode
from tests.sandbox.conftest import FakePulumi
from tests.sandbox.fuzz import command_table
from tests.sandbox.fuzz.command_table import COMMANDS, answer_all, resource

OWN: Final = "123456789012"
OTHER: Final = "999999999999"
ASK_NO_ACCOUNT: Final = frozenset(
    {
        *("diagram", "config", "settings", "secret"),  # they read the stack's files only
        *("permissions table", "permissions documents", "image pins", "keys rollback"),
        "costs",  # they are about the account of the credentials
        "doctor",  # it reports the account in a separate line
        *("adopt check", "adopt apply", "adopt addresses"),  # before the stack has an account
    }
)


@pytest.fixture
def pulumi(fake_pulumi: FakePulumi, monkeypatch: pytest.MonkeyPatch) -> FakePulumi:
    """A stack in the account OWN whose update was killed, and credentials of OTHER."""
    state = command_table.deployment()
    deployment = state["deployment"]
    [vpc] = [entry for entry in deployment["resources"] if entry["type"] == "aws:ec2/vpc:Vpc"]
    vpc["outputs"]["arn"] = f"arn:aws:ec2:us-east-1:{OWN}:vpc/{vpc['id']}"
    user = resource("aws:iam/user:User", "sandbox-manager", inputs={"name": "sandbox-manager"})
    deployment["pending_operations"] = [{"type": "creating", "resource": user}]
    pinned = {"sandbox:account_id": {"value": OWN, "secret": False}}
    answer_all(fake_pulumi)
    fake_pulumi.answer("stack export", state)
    fake_pulumi.answer("config --json", {**command_table.config(), **pinned})

    def no_call(service: str, *_: object, **__: object) -> Any:
        raise AssertionError(f"{service} of another account is asked")

    monkeypatch.setattr(AwsClients, "identity", {"account_id": OTHER, "partition": "aws"})
    monkeypatch.setattr(AwsClients, "_client", staticmethod(no_call))
    return fake_pulumi


@pytest.mark.usefixtures("pulumi")
@pytest.mark.parametrize(
    "command",
    [
        command
        for command in COMMANDS
        if ASK_NO_ACCOUNT.isdisjoint({command[0], " ".join(command[:2])})
    ],
    ids=lambda command: " ".join(command[:3]),
)
def test_credentials_of_another_account_are_refused(
    command: Sequence[str],
    made_up_credentials: Mapping[str, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert made_up_credentials
    code = cli.run([*command])
    shown = capsys.readouterr().err
    assert code == ExitCode.FAILED, shown
    assert f"use credentials of account {OWN}" in shown

"""The adapter to a stack: which stack it selects, and how it reads the engine's answers."""

import json
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from sandbox.core.errors import SandboxError, UsageError
from sandbox.core.pulumi_cli import Lock, PulumiError
from sandbox.core.stack import CALL_LOG, Stack, resources_of
from tests.sandbox.conftest import FakePulumi
from tests.sandbox.lock_error import lock, lock_error

NO_STACK = "error: no stack named 'x' found"
TWO_STACKS = [{"name": "dev"}, {"name": "production"}]


def resource(name: str, **fields: Any) -> dict[str, Any]:
    return {"urn": f"urn:pulumi:dev::sandbox::aws:ec2/vpc:Vpc::{name}", "type": "t", **fields}


def deployment(*resources: dict[str, Any]) -> dict[str, Any]:
    return {"version": 3, "deployment": {"resources": list(resources)}}


def test_the_named_stack_goes_before_the_variable_and_the_variable_before_the_selected(
    fake_pulumi: FakePulumi, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_pulumi.answer("stack --show-name", "selected\n")
    assert Stack.select().name == "selected"
    monkeypatch.setenv("PULUMI_STACK", "variable")
    assert Stack.select().name == "variable"
    assert Stack.select("named").name == "named"


def test_without_a_selected_stack_the_error_lists_those_that_exist(
    fake_pulumi: FakePulumi,
) -> None:
    fake_pulumi.answer("stack --show-name", stderr="error: no stack selected; please …", code=255)
    fake_pulumi.answer("stack ls", TWO_STACKS)
    with pytest.raises(UsageError, match="dev, production"):
        Stack.select()


@pytest.mark.parametrize("name", ["prodution", "acme/sandbox/prodution"])
def test_a_mistyped_stack_is_refused_with_those_that_exist_and_nothing_is_created(
    fake_pulumi: FakePulumi, name: str
) -> None:
    fake_pulumi.answer("stack output", stderr=NO_STACK, code=255)
    fake_pulumi.answer("stack ls", TWO_STACKS)
    with pytest.raises(UsageError, match="dev, production") as refused:
        Stack(name).outputs()
    assert "init" not in str(refused.value)
    assert not [call for call in fake_pulumi.calls if "init" in call]


def test_a_qualified_name_is_passed_on_whole_and_its_file_has_the_short_one(
    fake_pulumi: FakePulumi, tmp_path: Path
) -> None:
    fake_pulumi.answer("stack output", {"vpc_id": "vpc-1"})
    stack = Stack("acme/sandbox/production", folder=tmp_path)
    assert stack.outputs() == {"vpc_id": "vpc-1"}
    assert "--stack acme/sandbox/production" in fake_pulumi.calls[0]
    assert stack.config_file == tmp_path / "Pulumi.production.yaml"


def test_a_setting_stored_as_a_secret_is_refused_by_its_name(fake_pulumi: FakePulumi) -> None:
    fake_pulumi.answer(
        "config", {"sandbox:key_name": {"secret": True}, "sandbox:region": {"value": "us-east-1"}}
    )
    with pytest.raises(SandboxError, match="sandbox:key_name"):
        Stack("dev").config()


def test_config_keeps_texts_for_the_program_and_values_for_an_edit(
    fake_pulumi: FakePulumi,
) -> None:
    fake_pulumi.answer(
        "config",
        {
            "sandbox:protect": {"value": "true"},
            "sandbox:zones": {"value": '{"us-east-1a":0}', "objectValue": {"us-east-1a": 0}},
            "aws:region": {"value": "eu-west-1"},
        },
    )
    assert Stack("dev").config() == {"protect": "true", "zones": '{"us-east-1a":0}'}
    assert Stack("dev").config_values() == {"protect": True, "zones": {"us-east-1a": 0}}


def test_settings_that_are_not_valid_are_refused_with_the_stacks_name(
    fake_pulumi: FakePulumi,
) -> None:
    fake_pulumi.answer("config", {"sandbox:vpc_cidr": {"value": "8.8.8.0/24"}})
    with pytest.raises(SandboxError, match=r"(?s)^stack dev: .*8\.8\.8\.0/24"):
        Stack("dev").settings()


def test_a_secret_that_cannot_be_decrypted_is_an_error_not_null(fake_pulumi: FakePulumi) -> None:
    fake_pulumi.answer("stack output", {"vpc_id": "vpc-1", "sandbox_manager_secret": None})
    with pytest.raises(PulumiError, match=r"sandbox_manager_secret: .*PULUMI_CONFIG_PASSPHRASE"):
        Stack("dev").outputs(secrets=True)
    secret = {"4dabf18193072939515e22adb298388d": "1b47", "plaintext": "null"}
    fake_pulumi.answer("stack export", deployment(resource("vpc", outputs={"secret": secret})))
    with pytest.raises(PulumiError, match="PULUMI_CONFIG_PASSPHRASE"):
        Stack("dev").export(show_secrets=True)


@pytest.mark.parametrize("answer", ["", "null", "[]", "{"])
def test_an_answer_that_is_not_a_json_object_is_an_error(
    fake_pulumi: FakePulumi, answer: str
) -> None:
    fake_pulumi.answer("stack export", answer)
    with pytest.raises(PulumiError, match="stack dev"):
        Stack("dev").export()


def test_a_damaged_state_is_named_with_where_its_backup_is(fake_pulumi: FakePulumi) -> None:
    stderr = "error: failed to load checkpoint: place 1: unexpected end of JSON input"
    fake_pulumi.answer("stack export", stderr=stderr, code=255)
    with pytest.raises(PulumiError, match=r"stack dev: .*\.pulumi/backups"):
        Stack("dev").resources()


def test_resources_of_a_new_stack_are_none_and_those_to_be_deleted_are_left_out() -> None:
    assert resources_of({"version": 3, "deployment": None}) == []
    state = deployment(resource("old", id="vpc-0", delete=True), resource("vpc", id="vpc-1"))
    [vpc] = resources_of(state)
    assert (vpc.name, vpc.id, vpc.outputs) == ("vpc", "vpc-1", {})


def test_clients_work_in_the_providers_region(fake_pulumi: FakePulumi) -> None:
    provider = resource("aws", inputs={"region": "eu-north-1"})
    provider["type"] = "pulumi:providers:aws"
    fake_pulumi.answer("stack export", deployment(provider))
    assert Stack("dev").aws().region == "eu-north-1"
    fake_pulumi.answer("stack export", deployment())
    with pytest.raises(SandboxError, match="pulumi up --stack dev"):
        Stack("dev").aws()


@mock_aws
@pytest.mark.usefixtures("made_up_credentials")
@pytest.mark.parametrize(("account", "refused"), [("123456789012", False), ("9" * 12, True)])
def test_credentials_of_another_account_than_the_stacks_are_refused(
    fake_pulumi: FakePulumi, *, account: str, refused: bool
) -> None:
    provider = resource("aws", inputs={"region": "eu-north-1"})
    provider["type"] = "pulumi:providers:aws"
    vpc = resource("vpc", outputs={"arn": f"arn:aws:ec2:eu-north-1:{account}:vpc/vpc-1"})
    vpc["type"] = "aws:ec2/vpc:Vpc"
    fake_pulumi.answer("stack export", deployment(provider, vpc))
    if not refused:
        assert Stack("dev").aws().region == "eu-north-1"
        return
    with pytest.raises(SandboxError, match=rf"belongs to account {account}.* 123456789012"):
        Stack("dev").aws()


def test_changes_are_what_an_update_would_do(fake_pulumi: FakePulumi) -> None:
    urn = "urn:pulumi:dev::sandbox::sandbox:network:Network$aws:ec2/vpc:Vpc::sandbox-vpc"
    steps = [{"op": operation, "urn": urn} for operation in ("same", "refresh", "read", "update")]
    fake_pulumi.answer("preview", {"steps": steps})
    [change] = Stack("dev").changes("--refresh")
    assert str(change) == "update aws:ec2/vpc:Vpc sandbox-vpc"


def test_a_lock_is_read_without_a_change(fake_pulumi: FakePulumi) -> None:
    fake_pulumi.answer(
        "stack rename",
        stderr="error: a stack named organization/sandbox/dev already exists",
        code=255,
    )
    assert Stack("dev").locks() is None
    fake_pulumi.answer("stack rename", stderr="error: blob (key) (code=PermissionDenied)", code=255)
    with pytest.raises(PulumiError, match="credentials"):
        Stack("dev").locks()
    fake_pulumi.answer(
        "stack rename",
        stderr=lock_error(lock(pid=7)),
        code=255,
    )
    [read] = Stack("dev").locks() or []
    assert isinstance(read, Lock)
    assert read.pid == 7
    fake_pulumi.answer("stack rename", stderr="error: unexpected end of JSON input", code=255)
    assert Stack("dev").locks() == []  # its file is incomplete
    assert set(fake_pulumi.calls) == {"stack rename dev --stack dev --non-interactive"}


def test_config_is_written_in_one_edit(fake_pulumi: FakePulumi) -> None:
    fake_pulumi.answer("config set-all")
    Stack("dev").set_config({})
    Stack("dev").set_config_at({})
    assert fake_pulumi.calls == []
    Stack("dev").set_config_at({"sandbox:zones.us-east-1a": "0", "sandbox:zones.us-east-1b": "1"})
    Stack("dev").set_config({"sandbox:ami": "ami-1", "sandbox:zones": {"us-east-1a": 0}})
    by_path, by_key = fake_pulumi.calls
    assert "sandbox:zones.us-east-1a=0 --plaintext sandbox:zones.us-east-1b=1" in by_path
    entries = json.loads(by_key.split("--json ")[1].split(" --stack")[0])
    assert entries["sandbox:ami"] == {"value": "ami-1", "secret": False}
    assert entries["sandbox:zones"]["objectValue"] == {"us-east-1a": 0}


def test_a_deployment_travels_through_a_pipe_only(fake_pulumi: FakePulumi) -> None:
    fake_pulumi.answer("stack import")
    state = deployment(resource("vpc", outputs={"secret": "canary"}))
    Stack("dev").import_deployment(state)
    assert [json.loads(text) for text in fake_pulumi.inputs] == [state]
    assert "canary" not in " ".join(fake_pulumi.calls)


def test_the_engine_never_gets_the_variable_that_logs_every_call() -> None:
    stack = Stack("dev", environment={CALL_LOG: "/tmp/log", "PATH": "/bin"})
    assert stack.environment == {"PATH": "/bin"}

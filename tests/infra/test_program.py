"""The whole program under the recorder: its outputs, its tags and its structure."""

import json
from typing import Any

from infra.stack_outputs import OUTPUTS
from sandbox_client.config import SandboxConfig
from tests.infra.conftest import PROGRAM, Run

COMMON_TAGS = {
    "Project": "alignment-league",
    "Environment": "production",
    "Purpose": "researcher-sandbox",
}


def is_secret(value: Any) -> bool:
    """Whether *value* is marked as a secret in Pulumi's wire format."""
    marker = "4dabf18193072939515e22adb298388d"
    return isinstance(value, dict) and value.get(marker) == "1b47061264138c4ac30d75fd1eb44270"


def test_the_outputs_are_those_of_the_replaced_module_and_the_configuration(record: Run) -> None:
    outputs = record(key_name="researchers").outputs
    role = record(manager_identity="pod-identity", service_account="default/manager").outputs
    assert outputs.keys() == OUTPUTS.keys() - {"sandbox_manager_role_arn"}
    assert role.keys() == OUTPUTS.keys() - {
        "sandbox_manager_user_name",
        "sandbox_manager_access_key_id",
        "sandbox_manager_secret_access_key",
    }
    config = outputs["sandbox_config"]
    assert config["subnet_ids"] == outputs["public_subnet_ids"]
    assert config["subnet_id"] == config["subnet_ids"][0] == "sandbox-public-us-east-1a-id"
    assert config["key_name"] == "researchers"
    assert config["default_instance_type"] == "g5.12xlarge"
    assert config["region"] == "us-east-1"


def test_the_service_can_read_the_configuration(record: Run) -> None:
    outputs = record(zones={"us-east-1d": 0, "us-east-1a": 1}).outputs
    config = SandboxConfig.from_outputs(outputs)
    assert [subnet.zone for subnet in config.subnets] == ["us-east-1d", "us-east-1a"]
    assert config.required_tags["Environment"] == "production"
    assert outputs["sandbox_config"].keys() == SandboxConfig.model_fields.keys()


def test_a_configured_image_reaches_the_outputs_and_the_policy(record: Run) -> None:
    image = "ami-0123456789abcdef0"
    run = record(sandbox_ami_id=image)
    assert run.outputs["sandbox_config"]["ami_id"] == image
    assert image in run.only("Policy", "sandbox-manager-policy").inputs["policy"]


def test_both_parts_of_the_key_are_secrets_and_no_other_output_holds_them(record: Run) -> None:
    outputs = record().outputs
    secrets = {name for name, value in outputs.items() if is_secret(value)}
    assert secrets == {"sandbox_manager_access_key_id", "sandbox_manager_secret_access_key"}
    open_outputs = {name: value for name, value in outputs.items() if name not in secrets}
    assert "canary" not in json.dumps(open_outputs)
    assert "sandbox-manager-a-id" not in json.dumps(open_outputs)


def test_common_tags_come_from_the_provider_only(record: Run) -> None:
    run = record(environment="staging")
    [provider] = [resource for resource in run.resources if resource.type == "pulumi:providers:aws"]
    default_tags = json.loads(provider.inputs["defaultTags"])["tags"]
    assert default_tags == {**COMMON_TAGS, "Environment": "staging"}
    assert [
        resource.name
        for resource in run.resources
        if COMMON_TAGS.keys() & resource.inputs.get("tags", {}).keys()
    ] == []


def test_every_resource_is_inside_a_component_and_uses_the_one_provider(record: Run) -> None:
    components = {"Network", "FlowLogs", "SshAccess", "Instances", "Manager"}
    for resource in record().resources:
        if resource.type.startswith("aws:"):
            parent_type = resource.parent.split("$")[-1].split("::")[0]
            assert parent_type.rsplit(":", 1)[1] in components
            assert "pulumi:providers:aws::aws" in resource.provider, resource.name


def test_the_program_stays_a_table_of_contents() -> None:
    assert len(PROGRAM.read_text().splitlines()) < 50

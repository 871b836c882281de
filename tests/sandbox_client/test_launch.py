"""The launch request: its content, and the values that it refuses before a call of EC2."""

from typing import Any

import pytest

from sandbox_client.config import SandboxConfigError
from sandbox_client.launch import launch_request
from tests.sandbox_client.frozen_config import frozen_config


def test_a_request_holds_what_the_policy_requires() -> None:
    config = frozen_config()
    request = launch_request(config, "alice")
    assert request.get("MetadataOptions", {}).get("HttpTokens") == "required"
    assert request.get("IamInstanceProfile") == {"Arn": config.instance_profile_arn}
    (device,) = request.get("BlockDeviceMappings", [])
    assert device.get("DeviceName") == config.root_device_name
    assert device.get("Ebs", {}).get("Encrypted") is True
    tags_by_resource = {
        specification.get("ResourceType"): {
            tag.get("Key"): tag.get("Value") for tag in specification.get("Tags", [])
        }
        for specification in request.get("TagSpecifications", [])
    }
    tags = {**config.required_tags, "user_id": "alice"}
    assert tags_by_resource == {"instance": tags, "volume": tags, "network-interface": tags}


def test_a_request_names_the_first_subnet_the_group_and_a_public_address() -> None:
    config = frozen_config()
    (interface,) = launch_request(config, "alice").get("NetworkInterfaces", [])
    assert interface == {
        "DeviceIndex": 0,
        "SubnetId": config.subnet_id,
        "Groups": [config.security_group_id],
        "AssociatePublicIpAddress": True,
        "DeleteOnTermination": True,
    }


def test_the_choices_of_the_caller_reach_the_request() -> None:
    config = frozen_config()
    request = launch_request(
        config,
        "alice",
        instance_type="g6.xlarge",
        subnet_id=config.subnet_ids[1],
        volume_gib=300,
        key_name="alice",
        user_data="#!/bin/sh",
        client_token="once",
    )
    assert request.get("InstanceType") == "g6.xlarge"
    assert request.get("NetworkInterfaces", [{}])[0].get("SubnetId") == config.subnet_ids[1]
    assert request.get("BlockDeviceMappings", [{}])[0].get("Ebs", {}).get("VolumeSize") == 300
    assert request.get("KeyName") == "alice"
    assert request.get("UserData") == "#!/bin/sh"
    assert request.get("ClientToken") == "once"


def test_the_key_pair_of_the_stack_is_used_if_it_has_one() -> None:
    assert "KeyName" not in launch_request(frozen_config(), "alice")
    config = frozen_config().model_copy(update={"key_name": "team"})
    assert launch_request(config, "alice").get("KeyName") == "team"


@pytest.mark.parametrize(
    "choices",
    [
        {"user_id": "*"},
        {"user_id": "b?b"},
        {"user_id": "team[alice] <a@b.org>"},
        {"user_id": "ä" * 256},
        {"user_data": "x" * 16 * 1024},
        {"user_data": "ä" * 8 * 1024},
        {"volume_gib": 1},
        {"volume_gib": 16_384},
        {"client_token": "x" * 64},
    ],
)
def test_a_value_within_the_limits_of_ec2_is_accepted(choices: dict[str, Any]) -> None:
    arguments: dict[str, Any] = {"user_id": "alice", **choices}
    launch_request(frozen_config(), **arguments)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("user_id", ""),
        ("user_id", " "),
        ("user_id", "a" * 257),
        ("user_id", "a\x00b"),
        ("user_id", "a\nb"),
        ("user_id", "a\x85b"),
        ("user_id", "a\ud800"),
        ("user_id", "aws:alice"),
        ("user_id", "AWS:alice"),
        ("user_data", "x" * (16 * 1024 + 1)),
        ("user_data", "ä" * (8 * 1024 + 1)),
        ("user_data", "a\ud800"),
        ("volume_gib", 0),
        ("volume_gib", -1),
        ("volume_gib", 16_385),
        ("client_token", "x" * 65),
        ("client_token", ""),
        ("client_token", "ä"),
        ("client_token", "a\x00"),
        ("key_name", "k" * 256),
        ("key_name", "a\tb"),
        ("instance_type", "p5.48xlarge"),
        ("instance_type", "g5g.xlarge"),
        ("instance_type", "g5.*"),
        ("instance_type", "g5.xlarge\x00"),
        ("subnet_id", "subnet-other"),
    ],
)
def test_a_value_that_ec2_or_the_policy_refuses_is_refused_and_named(
    field: str, value: str | int
) -> None:
    arguments: dict[str, Any] = {"user_id": "alice", field: value}
    with pytest.raises(SandboxConfigError, match=f"^{field}") as caught:
        launch_request(frozen_config(), **arguments)
    text = str(caught.value)
    assert text.isprintable()
    assert len(text) < 300


def test_a_stack_without_an_image_is_refused() -> None:
    config = frozen_config().model_copy(update={"ami_id": ""})
    with pytest.raises(SandboxConfigError, match="sandbox image build"):
        launch_request(config, "alice")


def test_a_volume_is_at_most_as_big_as_the_stack_allows() -> None:
    config = frozen_config().model_copy(update={"max_volume_gib": 2_048})
    launch_request(config, "alice", volume_gib=2_048)
    with pytest.raises(SandboxConfigError, match=r"volume_gib = 2049: .*2048"):
        launch_request(config, "alice", volume_gib=2_049)

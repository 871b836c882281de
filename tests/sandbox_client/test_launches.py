"""The launch that fits to a configuration."""

from pathlib import Path
from typing import Any

import pytest

from sandbox_client.config import SandboxConfig, SandboxConfigError
from sandbox_client.launch import launch_request

CONFIG = SandboxConfig.from_file(Path(__file__).parent / "frozen" / "sandbox_config.v1.json")


def test_a_launch_says_what_the_policy_demands_of_it() -> None:
    request = launch_request(CONFIG, "alice")
    assert request.get("MetadataOptions", {}).get("HttpTokens") == "required"
    assert request.get("IamInstanceProfile") == {"Arn": CONFIG.instance_profile_arn}
    (device,) = request.get("BlockDeviceMappings", [])
    assert device.get("DeviceName") == CONFIG.root_device_name
    assert device.get("Ebs", {}).get("Encrypted") is True
    tagged = {
        one.get("ResourceType"): {tag.get("Key"): tag.get("Value") for tag in one.get("Tags", [])}
        for one in request.get("TagSpecifications", [])
    }
    tags = {**CONFIG.required_tags, "user_id": "alice"}
    assert tagged == {"instance": tags, "volume": tags, "network-interface": tags}


def test_a_launch_goes_into_the_first_subnet_with_the_group_and_a_public_ip() -> None:
    (interface,) = launch_request(CONFIG, "alice").get("NetworkInterfaces", [])
    assert interface == {
        "DeviceIndex": 0,
        "SubnetId": CONFIG.subnet_id,
        "Groups": [CONFIG.security_group_id],
        "AssociatePublicIpAddress": True,
        "DeleteOnTermination": True,
    }


def test_choices_of_the_caller_reach_the_request() -> None:
    request = launch_request(
        CONFIG,
        "alice",
        instance_type="g6.xlarge",
        subnet_id=CONFIG.subnet_ids[1],
        volume_gib=300,
        key_name="alice",
        user_data="#!/bin/sh",
        client_token="once",
    )
    assert request.get("InstanceType") == "g6.xlarge"
    assert request.get("NetworkInterfaces", [{}])[0].get("SubnetId") == CONFIG.subnet_ids[1]
    assert request.get("BlockDeviceMappings", [{}])[0].get("Ebs", {}).get("VolumeSize") == 300
    assert request.get("KeyName") == "alice"
    assert request.get("UserData") == "#!/bin/sh"
    assert request.get("ClientToken") == "once"


def test_the_configured_key_pair_is_used_and_none_is_named_where_there_is_none() -> None:
    assert "KeyName" not in launch_request(CONFIG, "alice")
    config = CONFIG.model_copy(update={"key_name": "team"})
    assert launch_request(config, "alice").get("KeyName") == "team"


@pytest.mark.parametrize(
    ("change", "given", "message"),
    [
        ({"ami_id": ""}, {}, "sandbox_config.ami_id: is empty, there is no image yet"),
        ({}, {"user_id": " "}, "user_id ' ': is no value of tag user_id"),
        ({}, {"user_id": "a" * 257}, "is no value of tag user_id"),
        ({}, {"instance_type": "p5.48xlarge"}, "instance type p5.48xlarge: is none of g5"),
        ({}, {"instance_type": "g5g.xlarge"}, "instance type g5g.xlarge: is none of g5"),
        ({}, {"subnet_id": "subnet-other"}, "subnet subnet-other: is none of the sandbox's"),
    ],
)
def test_what_aws_would_refuse_is_refused_before_it_is_asked(
    change: dict[str, Any], given: dict[str, Any], message: str
) -> None:
    arguments: dict[str, Any] = {"user_id": "alice", **given}
    with pytest.raises(SandboxConfigError, match=message):
        launch_request(CONFIG.model_copy(update=change), **arguments)

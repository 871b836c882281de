"""The launch that fits to a configuration: what the manager's policy accepts, and nothing else.

As ``sandbox_client.config`` it is for the service too, and needs no Pulumi.
"""

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from sandbox_client.config import SandboxConfig, SandboxConfigError

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import (
        RunInstancesRequestTypeDef,
    )

USER_ID_LIMIT: Final = 256
"""Characters of a tag's value (AWS: Tag your Amazon EC2 resources)."""


def launch_request(  # noqa: PLR0913 - each is one choice of the caller, all but the user have defaults
    config: SandboxConfig,
    user_id: str,
    *,
    instance_type: str | None = None,
    subnet_id: str | None = None,
    volume_gib: int | None = None,
    key_name: str | None = None,
    user_data: str | None = None,
    client_token: str | None = None,
) -> "RunInstancesRequestTypeDef":
    """A RunInstances request for one sandbox of *user_id* that the manager's policy accepts.

    The policy refuses a launch without IMDSv2 in the request itself (an image's own setting does
    not count), without the tags on instance and volumes, or with a volume that is not encrypted.

    Raises:
        SandboxConfigError: what was asked would be refused.
    """
    kind = instance_type or config.default_instance_type
    _require_launchable(config, user_id, kind, subnet_id)
    tags = [
        {"Key": key, "Value": value}
        for key, value in {**config.required_tags, config.user_tag: user_id}.items()
    ]
    size = {} if volume_gib is None else {"VolumeSize": volume_gib}
    request: RunInstancesRequestTypeDef = {
        "ImageId": config.ami_id,
        "InstanceType": kind,  # pyright: ignore[reportAssignmentType] - EC2 has newer types than its stubs
        "MinCount": 1,
        "MaxCount": 1,
        "IamInstanceProfile": {"Arn": config.instance_profile_arn},
        "MetadataOptions": {
            "HttpEndpoint": "enabled",
            "HttpTokens": config.metadata_options.http_tokens,
            "HttpPutResponseHopLimit": config.metadata_options.http_put_response_hop_limit,
        },
        "NetworkInterfaces": [
            {
                "DeviceIndex": 0,
                "SubnetId": subnet_id or config.subnet_id,
                "Groups": [config.security_group_id],
                "AssociatePublicIpAddress": config.associate_public_ip,
                "DeleteOnTermination": True,
            }
        ],
        "BlockDeviceMappings": [
            {
                "DeviceName": config.root_device_name,
                "Ebs": {"Encrypted": True, "DeleteOnTermination": True, **size},
            }
        ],
        "TagSpecifications": [
            {"ResourceType": resource, "Tags": tags}
            for resource in ("instance", "volume", "network-interface")
        ],
    }
    if key := key_name or config.key_name:
        request["KeyName"] = key
    if user_data is not None:
        request["UserData"] = user_data
    if client_token is not None:
        request["ClientToken"] = client_token
    return request


def _require_launchable(
    config: SandboxConfig, user_id: str, instance_type: str, subnet_id: str | None
) -> None:
    if not config.ami_id:
        raise SandboxConfigError(
            "sandbox_config.ami_id: is empty, there is no image yet; build one with: "
            "sandbox image build, and update the stack"
        )
    if not user_id.strip() or len(user_id) > USER_ID_LIMIT:
        raise SandboxConfigError(
            f"user_id {user_id!r}: is no value of tag {config.user_tag}; "
            f"give 1 to {USER_ID_LIMIT} characters, not only blanks"
        )
    if not any(fnmatchcase(instance_type, one) for one in config.allowed_instance_types):
        raise SandboxConfigError(
            f"instance type {instance_type}: is none of {', '.join(config.allowed_instance_types)};"
            " choose one of these, or add it to sandbox:allowed_instance_types"
        )
    if subnet_id is not None and subnet_id not in config.subnet_ids:
        raise SandboxConfigError(
            f"subnet {subnet_id}: is none of the sandbox's, {', '.join(config.subnet_ids)}; "
            "choose one of these"
        )

"""Builds RunInstances requests that the manager's policy allows and EC2 accepts. Needs no boto3."""

import re
import unicodedata
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from sandbox_client.config import SandboxConfig, SandboxConfigError

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import (
        EbsBlockDeviceTypeDef,
        RunInstancesRequestTypeDef,
    )

USER_ID_LIMIT: Final = 256
"""Characters of a tag's value.
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions"""
RESERVED_PREFIX: Final = "aws:"
"""AWS keeps tag values that begin with it, in capitals too, for itself. Same page."""
USER_DATA_LIMIT: Final = 16 * 1024
"""Bytes of user data before it is encoded in base64, which boto3 does.
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-add-user-data.html"""
CLIENT_TOKEN_LIMIT: Final = 64
"""ASCII characters.
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html"""
KEY_NAME_LIMIT: Final = 255
"""ASCII characters.
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateKeyPair.html"""
INSTANCE_TYPE: Final = re.compile(r"[a-z0-9-]+\.[a-z0-9-]+")
NOT_TEXT: Final = frozenset({"Cc", "Cs"})
"""Unicode categories that no request can carry: EC2 speaks XML, which has no control characters,
and a lone surrogate has no UTF-8. https://www.w3.org/TR/xml/#charsets"""


def launch_request(  # noqa: PLR0913 - each is one choice of the caller, and has a default
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
    """Build the request that launches one sandbox of *user_id*; pass it to boto3 as it is.

    The manager's policy refuses a launch that does not require IMDSv2 in the request (the image's
    own setting does not count), that leaves out a tag on the instance or its volumes, or whose
    volume is not encrypted.

    Args:
        config: The stack's configuration.
        user_id: 1 to 256 characters, the value of the tag *config.user_tag*.
        instance_type: One that *config.allowed_instance_types* allows; default: the stack's.
        subnet_id: One of *config.subnet_ids*; default: the first.
        volume_gib: The root volume's size, 1 to *config.max_volume_gib* GiB; default: the image's.
        key_name: An EC2 key pair; default: the stack's, if it has one.
        user_data: At most 16384 bytes of UTF-8, not encoded in base64.
        client_token: 1 to 64 ASCII characters; EC2 launches once for each token.

    Raises:
        SandboxConfigError: the policy or EC2 would refuse the request.
    """
    launched_type = instance_type or config.default_instance_type
    key = key_name or config.key_name
    _require_image(config)
    _require_user_id(config, user_id)
    _require_instance_type(config, launched_type)
    _require_subnet(config, subnet_id)
    _require_volume_size(config, volume_gib)
    _require_user_data(user_data)
    _require_ascii("key_name", key or None, KEY_NAME_LIMIT)
    _require_ascii("client_token", client_token, CLIENT_TOKEN_LIMIT)
    tags = [
        {"Key": key, "Value": value}
        for key, value in {**config.required_tags, config.user_tag: user_id}.items()
    ]
    size: EbsBlockDeviceTypeDef = {} if volume_gib is None else {"VolumeSize": volume_gib}
    request: RunInstancesRequestTypeDef = {
        "ImageId": config.ami_id,
        "InstanceType": launched_type,
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
    if key:
        request["KeyName"] = key
    if user_data is not None:
        request["UserData"] = user_data
    if client_token is not None:
        request["ClientToken"] = client_token
    return request


def _require_image(config: SandboxConfig) -> None:
    if not config.ami_id:
        raise SandboxConfigError(
            "sandbox_config.ami_id: is empty, so there is no image to launch; build one with "
            "sandbox image build, then update the stack"
        )


def _require_user_id(config: SandboxConfig, user_id: str) -> None:
    reserved = user_id.lower().startswith(RESERVED_PREFIX)
    length = len(user_id)
    if not user_id.strip() or length > USER_ID_LIMIT or reserved or not _is_text(user_id):
        raise SandboxConfigError(
            f"user_id = {_shown(user_id)}: is not a valid value of the tag {config.user_tag}; use "
            f"1 to {USER_ID_LIMIT} characters, not only blanks, without control characters, and "
            f"not beginning with {RESERVED_PREFIX}"
        )


def _require_instance_type(config: SandboxConfig, instance_type: str) -> None:
    allowed = config.allowed_instance_types
    if not INSTANCE_TYPE.fullmatch(instance_type) or not any(
        fnmatchcase(instance_type, pattern) for pattern in allowed
    ):
        raise SandboxConfigError(
            f"instance_type = {_shown(instance_type)}: is not allowed; use one of "
            f"{', '.join(allowed)}, or add it to sandbox:allowed_instance_types"
        )


def _require_subnet(config: SandboxConfig, subnet_id: str | None) -> None:
    if subnet_id is not None and subnet_id not in config.subnet_ids:
        raise SandboxConfigError(
            f"subnet_id = {_shown(subnet_id)}: is not a subnet of the sandboxes; use one of "
            f"{', '.join(config.subnet_ids)}"
        )


def _require_volume_size(config: SandboxConfig, volume_gib: int | None) -> None:
    if volume_gib is not None and not 1 <= volume_gib <= config.max_volume_gib:
        raise SandboxConfigError(
            f"volume_gib = {volume_gib}: is not a size that the stack allows; use 1 to "
            f"{config.max_volume_gib} GiB, or raise sandbox:max_volume_gib"
        )


def _require_user_data(user_data: str | None) -> None:
    if user_data is None:
        return
    try:
        size = len(user_data.encode())
    except UnicodeEncodeError:
        raise SandboxConfigError("user_data: is not valid Unicode; use text") from None
    if size > USER_DATA_LIMIT:
        raise SandboxConfigError(
            f"user_data: has {size} bytes, and EC2 takes {USER_DATA_LIMIT}; let it fetch the rest, "
            "for example from S3"
        )


def _require_ascii(name: str, value: str | None, limit: int) -> None:
    if value is None:
        return
    if not 1 <= len(value) <= limit or not value.isascii() or not _is_text(value):
        raise SandboxConfigError(
            f"{name} = {_shown(value)}: is not valid; use 1 to {limit} ASCII characters, without "
            "control characters"
        )


def _is_text(value: str) -> bool:
    return not any(unicodedata.category(character) in NOT_TEXT for character in value)


def _shown(value: str) -> str:
    """*value* as an error shows it: escaped, and cut where it is long."""
    longest = 60
    return repr(value if len(value) <= longest else f"{value[:longest]}…")

"""The stack's outputs. ``sandbox_client.config`` describes the fields of `sandbox_config`."""

from collections.abc import Mapping
from typing import Any, Final

import pulumi

from infra import names, tags
from infra.components.instances import Instances
from infra.components.manager import Manager
from infra.components.network import Network
from infra.components.ssh_access import SshAccess
from infra.context import StackContext

OUTPUTS: Final[Mapping[str, str]] = {
    "sandbox_config": (
        "everything that the service needs for a launch, without secrets; "
        "its schema is `docs/sandbox_config.schema.json`"
    ),
    "vpc_id": "id of the VPC",
    "public_subnet_ids": "ids of the subnets, in the order of their slots",
    "security_group_id": "id of the instances' security group",
    "instance_profile_name": "name of the instances' profile",
    "instance_role_arn": "ARN of the instances' role",
    "sandbox_manager_user_name": "name of the manager's user, if the manager is a user",
    "sandbox_manager_role_arn": "ARN of the manager's role, if the manager is a role",
    "sandbox_manager_access_key_id": "id of the access key, if the manager is a user; secret",
    "sandbox_manager_secret_access_key": "the key itself, if the manager is a user; secret",
}
"""Every output with its meaning; the names are those of the replaced Terraform module."""
LOG_STREAM: Final = "{ip_address}/{instance_id}"
"""The log stream of a sandbox, in placeholders of the CloudWatch agent's configuration file; the
policy of `logs_per_instance` asks for the address."""
ROOT_DEVICE: Final = "/dev/sda1"
"""The root device of Ubuntu's images, which the sandboxes' image is built on."""


def stack_outputs(
    context: StackContext,
    network: Network,
    ssh_access: SshAccess,
    instances: Instances,
    manager: Manager,
) -> Mapping[str, pulumi.Input[Any]]:
    """The value of every output that the stack has; a user has no role, and a role has no keys."""
    values = {
        "sandbox_config": _sandbox_config(context, network, ssh_access, instances),
        "vpc_id": network.vpc_id,
        "public_subnet_ids": pulumi.Output.all(*network.subnet_ids.values()),
        "security_group_id": ssh_access.security_group_id,
        "instance_profile_name": instances.profile_name,
        "instance_role_arn": instances.role_arn,
        "sandbox_manager_user_name": manager.user_name,
        "sandbox_manager_role_arn": manager.role_arn,
        "sandbox_manager_access_key_id": manager.access_key_id,
        "sandbox_manager_secret_access_key": manager.secret_access_key,
    }
    return {name: value for name, value in values.items() if value is not None}


def _sandbox_config(
    context: StackContext, network: Network, ssh_access: SshAccess, instances: Instances
) -> Mapping[str, pulumi.Input[Any]]:
    """The fields of ``sandbox_client.config.SandboxConfig``; none of them is a secret."""
    settings = context.settings
    subnets = [
        {"zone": zone, "subnet_id": subnet_id} for zone, subnet_id in network.subnet_ids.items()
    ]
    return {
        "schema_version": 1,
        "environment": settings.environment,
        "region": settings.region,
        "vpc_id": network.vpc_id,
        "subnet_id": subnets[0]["subnet_id"],
        "subnet_ids": [subnet["subnet_id"] for subnet in subnets],
        "subnets": subnets,
        "associate_public_ip": True,
        "security_group_id": ssh_access.security_group_id,
        "instance_profile": instances.profile_name,
        "instance_profile_arn": instances.profile_arn,
        "default_instance_type": settings.default_instance_type,
        "allowed_instance_types": list(settings.launchable_types),
        "max_volume_gib": settings.max_volume_gib,
        "ami_id": settings.sandbox_ami_id,
        "root_device_name": ROOT_DEVICE,
        "key_name": settings.key_name,
        "metadata_options": {"http_tokens": "required", "http_put_response_hop_limit": 1},
        "log_group": names.instance_log_group(settings.log_prefix),
        "log_stream": LOG_STREAM,
        "required_tags": tags.common(settings.environment),
        "user_tag": names.USER_TAG,
    }

"""A case's resource as Terraform, for a scanner that reads that."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from policies import kinds
from tests.policies.view import Made

NAMES: Final[Mapping[str, str]] = {
    kinds.INGRESS: "aws_vpc_security_group_ingress_rule",
    kinds.EGRESS: "aws_vpc_security_group_egress_rule",
    kinds.OLD_GROUP_RULE: "aws_security_group_rule",
    kinds.GROUP: "aws_security_group",
    kinds.POLICY: "aws_iam_policy",
    kinds.ROLE: "aws_iam_role",
    kinds.USER_POLICY: "aws_iam_user_policy",
    kinds.USER_ATTACHMENT: "aws_iam_user_policy_attachment",
    kinds.LOG_GROUP: "aws_cloudwatch_log_group",
    kinds.INSTANCE: "aws_instance",
    kinds.LAUNCH_TEMPLATE: "aws_launch_template",
    kinds.VOLUME: "aws_ebs_volume",
    kinds.IMAGE_COPY: "aws_ami_copy",
    kinds.IMAGE_PERMISSION: "aws_ami_launch_permission",
}
BLOCKS: Final[Mapping[str, str]] = {
    "metadataOptions": "metadata_options",
    "rootBlockDevice": "root_block_device",
    "ebsBlockDevices": "ebs_block_device",
    "blockDeviceMappings": "block_device_mappings",
    "ebs": "ebs",
    "ingress": "ingress",
    "egress": "egress",
    "inlinePolicies": "inline_policy",
}


def resource(made: Made, name: str) -> str:
    """The block of one resource."""
    body = "\n".join(_lines(made.props, "  "))
    return f'resource "{NAMES[made.type]}" "{name}" {{\n{body}\n}}\n'


def _lines(props: Mapping[str, Any], indent: str) -> list[str]:
    lines: list[str] = []
    for key, value in props.items():
        if key in BLOCKS:
            for one in value if isinstance(value, list) else [value]:
                lines += [f"{indent}{BLOCKS[key]} {{", *_lines(one, f"{indent}  "), f"{indent}}}"]
        else:
            lines.append(f"{indent}{_snake(key)} = {json.dumps(value)}")
    return lines


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])([A-Z])", r"_\1", name).lower()

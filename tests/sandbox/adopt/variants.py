"""States that the old module leaves in other environments: each is a change to the original."""

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

from tests.sandbox.adopt.fake_account import Json, attributes, original

Variant = Callable[[Json], Json]


def replaced(old: str, new: str) -> Variant:
    return lambda state: json.loads(json.dumps(state).replace(old, new))


def without(kind: str) -> Variant:
    def change(state: Json) -> Json:
        state["resources"] = [block for block in state["resources"] if block["type"] != kind]
        return state

    return change


def zones(*kept: int) -> Variant:
    """Keep only the subnets of these indexes, and their associations."""

    def change(state: Json) -> Json:
        for block in state["resources"]:
            if block["type"] in {"aws_subnet", "aws_route_table_association"}:
                block["instances"] = [
                    instance for instance in block["instances"] if instance["index_key"] in kept
                ]
        return state

    return change


def moved_subnet(old: str, new: str) -> Variant:
    return replaced(f'"{old}"', f'"{new}"')


def ssh(*ranges: str) -> Variant:
    """One ingress rule per range, as `count` creates them."""

    def change(state: Json) -> Json:
        for block in state["resources"]:
            if block["type"] == "aws_vpc_security_group_ingress_rule":
                [instance] = block["instances"]
                block["instances"] = [
                    _rule(instance, number, cidr) for number, cidr in enumerate(ranges)
                ]
        return state

    return change


def _rule(instance: Json, number: int, cidr: str) -> Json:
    new = deepcopy(instance)
    new["index_key"] = number
    new["attributes"] |= {
        "id": f"sgr-{number:017x}",
        "security_group_rule_id": f"sgr-{number:017x}",
        "cidr_ipv4": None if ":" in cidr else cidr,
        "cidr_ipv6": cidr if ":" in cidr else None,
    }
    return new


def no_s3(state: Json) -> Json:
    """The instances had no bucket."""
    for policy in attributes(state, "aws_iam_policy"):
        document = json.loads(policy["policy"])
        document["Statement"] = [
            statement
            for statement in document["Statement"]
            if not statement["Action"][0].startswith("s3:")
        ]
        policy["policy"] = json.dumps(document)
    return state


def provider_5(state: Json) -> Json:
    """Written by the AWS provider 5: no region on resources, other ids for attachments."""
    for block in state["resources"]:
        for instance in block["instances"]:
            instance["attributes"].pop("region", None)
    for kind in ("aws_iam_user_policy_attachment", "aws_iam_role_policy_attachment"):
        for attachment in attributes(state, kind):
            name = attachment.get("user") or attachment.get("role")
            attachment["id"] = f"{name}-20240521093000000000000001"
    return state


def with_other_resources(state: Json) -> Json:
    """With resources of the user beside those of the module."""
    state["resources"] += [
        _managed("aws_s3_bucket", {"id": "softmax-notes", "bucket": "softmax-notes"}),
        _managed("random_pet", {"id": "happy-otter"}),
        _managed(
            "aws_vpc_security_group_ingress_rule",
            {
                **attributes(state, "aws_vpc_security_group_ingress_rule")[0],
                "id": "sgr-0000000000000abcd",
                "from_port": 8888,
                "to_port": 8888,
                "description": "Notebooks",
            },
        ),
    ]
    return state


def with_second_subnet(state: Json) -> Json:
    """A public subnet of the user, listed before those of the module in the same zone."""
    subnet = {
        **attributes(state, "aws_subnet")[0],
        "id": "subnet-0000000000000abcd",
        "cidr_block": "10.100.3.0/24",
    }
    association = {
        **attributes(state, "aws_route_table_association")[0],
        "id": "rtbassoc-0000000000000abcd",
        "subnet_id": subnet["id"],
    }
    state["resources"] = [
        _managed("aws_subnet", subnet),
        _managed("aws_route_table_association", association),
        *state["resources"],
    ]
    return state


def with_ipv6_route(state: Json) -> Json:
    """The gateway carries IPv6 too."""
    route = {
        **attributes(state, "aws_route")[0],
        "id": "r-rtb-0000000000000abcd",
        "destination_cidr_block": "",
        "destination_ipv6_cidr_block": "::/0",
    }
    state["resources"].append(_managed("aws_route", route))
    return state


def with_old_ssh_rule(state: Json) -> Json:
    """The SSH rule is of the kind that the provider had first."""
    [rule] = attributes(state, "aws_vpc_security_group_ingress_rule")
    without("aws_vpc_security_group_ingress_rule")(state)
    old = {"id": "sgrule-1", "type": "ingress", "security_group_id": rule["security_group_id"]}
    state["resources"].append(_managed("aws_security_group_rule", old))
    return state


def with_manager_role(state: Json) -> Json:
    """The manager of the module's later versions."""
    without("aws_iam_user")(state)
    state["resources"].append(_managed("aws_iam_role", {"name": "sandbox-manager"}))
    return state


def _managed(kind: str, values: Mapping[str, Any]) -> Json:
    return {
        "mode": "managed",
        "type": kind,
        "name": "other",
        "provider": 'provider["registry.terraform.io/hashicorp/aws"]',
        "instances": [{"schema_version": 0, "attributes": dict(values)}],
    }


def key(**values: object) -> Variant:
    """The manager's access key with other *values*."""

    def change(state: Json) -> Json:
        attributes(state, "aws_iam_access_key")[0].update(values)
        return state

    return change


def second_key(status: str) -> Variant:
    """A second access key of the manager."""

    def change(state: Json) -> Json:
        block = next(block for block in state["resources"] if block["type"] == "aws_iam_access_key")
        copy = deepcopy(block)
        copy["name"] = "second"
        copy["instances"][0]["attributes"] |= {
            "id": "AKIAI44QH8DHBEXAMPLE",
            "secret": "je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY",
            "status": status,
        }
        state["resources"].append(copy)
        return state

    return change


def both(*changes: Variant) -> Variant:
    def change(state: Json) -> Json:
        for apply_change in changes:
            state = apply_change(state)
        return state

    return change


VARIANTS: Mapping[str, Variant] = {
    "the original": lambda state: state,
    "one zone": zones(0),
    "another region": replaced("us-east-1", "eu-west-1"),
    "another CIDR": replaced("10.100.", "172.20."),
    "another environment": replaced('"production"', '"staging"'),
    "a renamed module": replaced("module.sandbox_vpc", "module.research.module.network"),
    "no access key": without("aws_iam_access_key"),
    "no S3 statements": no_s3,
    "several SSH ranges": ssh("198.51.100.0/24", "203.0.113.7/32", "2001:db8:1::/48"),
    "a gap between the subnets": both(zones(0, 2), moved_subnet("10.100.2.0/24", "10.100.7.0/24")),
    "written by provider 5": provider_5,
    "other resources": with_other_resources,
    "the key is switched off": key(status="Inactive"),
    "a second key, switched off": second_key("Inactive"),
    "default group not managed": without("aws_default_security_group"),
}


def make(name: str) -> Json:
    return VARIANTS[name](original())

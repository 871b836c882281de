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
        managed("aws_s3_bucket", {"id": "softmax-notes", "bucket": "softmax-notes"}),
        managed("random_pet", {"id": "happy-otter"}),
        managed(
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
        managed("aws_subnet", subnet),
        managed("aws_route_table_association", association),
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
    state["resources"].append(managed("aws_route", route))
    return state


def with_old_ssh_rule(state: Json) -> Json:
    """The SSH rule is of the kind that the provider had first, and names two ranges."""
    [rule] = attributes(state, "aws_vpc_security_group_ingress_rule")
    without("aws_vpc_security_group_ingress_rule")(state)
    old = {
        "id": "sgrule-1",
        "type": "ingress",
        "security_group_id": rule["security_group_id"],
        "cidr_blocks": ["203.0.113.0/24", "198.51.100.0/24"],
        "security_group_rule_id": "",
    }
    state["resources"].append(managed("aws_security_group_rule", old))
    return state


def old_rules(state: Json) -> Json:
    """Both rules are of the kind that the provider had first, with one range each."""
    for kind in ("ingress", "egress"):
        new = f"aws_vpc_security_group_{kind}_rule"
        [rule] = attributes(state, new)
        without(new)(state)
        old = {
            "id": f"sgrule-{kind}",
            "type": kind,
            "security_group_id": rule["security_group_id"],
            "security_group_rule_id": rule["id"],
            "protocol": rule["ip_protocol"],
            "from_port": rule["from_port"] or 0,
            "to_port": rule["to_port"] or 0,
            "cidr_blocks": [rule["cidr_ipv4"]],
            "ipv6_cidr_blocks": None,
            "description": rule["description"],
        }
        state["resources"].append(managed("aws_security_group_rule", old))
    return state


def with_manager_role(trust: Json, **values: object) -> Variant:
    """The manager of the module's later versions: a role, without a user and a key."""

    def change(state: Json) -> Json:
        for kind in ("aws_iam_user", "aws_iam_access_key", "aws_iam_user_policy_attachment"):
            without(kind)(state)
        [policy] = (
            item for item in attributes(state, "aws_iam_policy") if "manager" in item["name"]
        )
        role = {
            **attributes(state, "aws_iam_role")[0],
            "id": "sandbox-manager",
            "name": "sandbox-manager",
            "arn": "arn:aws:iam::123456789012:role/sandbox-manager",
            "description": "",
            "assume_role_policy": json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
            **values,
        }
        attachment = {
            "id": "sandbox-manager/policy",
            "role": "sandbox-manager",
            "policy_arn": policy["arn"],
        }
        state["resources"] += [
            managed("aws_iam_role", role),
            managed("aws_iam_role_policy_attachment", attachment),
        ]
        return state

    return change


def with_association(state: Json) -> Json:
    """The cluster gives the role to the service's pods."""
    association = {
        "id": "a-0123456789abcdef0",
        "cluster_name": "main",
        "namespace": "default",
        "service_account": "sandbox-manager",
        "role_arn": "arn:aws:iam::123456789012:role/sandbox-manager",
    }
    state["resources"].append(managed("aws_eks_pod_identity_association", association))
    return state


def without_name_tags(state: Json) -> Json:
    """The last version sets no Name on what it makes itself."""
    for block in state["resources"]:
        for instance in [] if block.get("module") else block["instances"]:
            for tags in ("tags", "tags_all"):
                (instance["attributes"].get(tags) or {}).pop("Name", None)
    return state


def instance_statements(change: Callable[[list[Json]], list[Json]]) -> Variant:
    """Other statements in the instances' policy."""

    def changed(state: Json) -> Json:
        for policy in attributes(state, "aws_iam_policy"):
            if policy["name"] == "sandbox-instance-policy":
                document = json.loads(policy["policy"])
                document["Statement"] = change(document["Statement"])
                policy["policy"] = json.dumps(document)
        return state

    return changed


def _results_only(statements: list[Json]) -> list[Json]:
    bucket = "arn:aws:s3:::softmax-sandbox-outputs"
    actions = ["s3:PutObject", "s3:GetObject", "s3:DeleteObject", "s3:ListBucket"]
    results = {"Effect": "Allow", "Action": actions, "Resource": [bucket, f"{bucket}/*"]}
    others = [item for item in statements if not item["Action"][0].startswith("s3:")]
    return [results, *others]


def egress(protocol: str, ports: tuple[int, int] | None = None, cidr: str = "0.0.0.0/0") -> Variant:
    """Another outbound rule than the module's."""

    def change(state: Json) -> Json:
        [rule] = attributes(state, "aws_vpc_security_group_egress_rule")
        first, last = ports or (None, None)
        rule |= {"ip_protocol": protocol, "from_port": first, "to_port": last, "cidr_ipv4": cidr}
        return state

    return change


def default_tags(**tags: str) -> Variant:
    """Terraform's provider put these tags on everything."""

    def change(state: Json) -> Json:
        for block in state["resources"]:
            for instance in block["instances"]:
                if instance["attributes"].get("tags_all"):
                    instance["attributes"]["tags_all"] |= tags
        return state

    return change


def with_s3_endpoint(state: Json) -> Json:
    """The user gave the route table a gateway endpoint of S3."""
    [vpc], [table] = attributes(state, "aws_vpc"), attributes(state, "aws_route_table")
    endpoint = {
        "id": "vpce-0000000000000abcd",
        "vpc_id": vpc["id"],
        "service_name": "com.amazonaws.us-east-1.s3",
        "route_table_ids": [table["id"]],
        "tags_all": {**vpc["tags_all"], "Name": "s3"},
    }
    state["resources"].append(managed("aws_vpc_endpoint", endpoint))
    return state


def five_zones(state: Json) -> Json:
    """The module with two zones more."""
    for block in state["resources"]:
        if block["type"] not in {"aws_subnet", "aws_route_table_association"}:
            continue
        for number, letter in ((3, "d"), (4, "f")):
            instance = deepcopy(block["instances"][0])
            values = instance["attributes"]
            instance["index_key"] = number
            values["id"] = f"{values['id'][:-1]}{number}"
            if block["type"] == "aws_subnet":
                values |= {
                    "availability_zone": f"us-east-1{letter}",
                    "cidr_block": f"10.100.{number}.0/24",
                }
            else:
                values["subnet_id"] = f"{values['subnet_id'][:-1]}{number}"
            block["instances"].append(instance)
    return state


def managed(kind: str, values: Mapping[str, Any]) -> Json:
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


POD_TRUST: Json = {
    "Sid": "AllowEksAuthToAssumeRoleForPodIdentity",
    "Effect": "Allow",
    "Principal": {"Service": "pods.eks.amazonaws.com"},
    "Action": ["sts:AssumeRole", "sts:TagSession"],
}
ISSUER = "oidc.eks.us-east-1.amazonaws.com/id/ABCDEF0123456789"
IRSA_TRUST: Json = {
    "Effect": "Allow",
    "Principal": {"Federated": f"arn:aws:iam::123456789012:oidc-provider/{ISSUER}"},
    "Action": "sts:AssumeRoleWithWebIdentity",
    "Condition": {
        "StringEquals": {
            f"{ISSUER}:sub": "system:serviceaccount:default:sandbox-manager",
            f"{ISSUER}:aud": "sts.amazonaws.com",
        }
    },
}
ORGANIZATION = "arn:aws:iam::123456789012:policy/organization"


def with_boundaries(manager: str, instance: str) -> Variant:
    """Boundaries of the organization on the manager and on the instances' role."""

    def change(state: Json) -> Json:
        for kind, boundary in (("aws_iam_user", manager), ("aws_iam_role", instance)):
            attributes(state, kind)[0]["permissions_boundary"] = boundary
        policy = attributes(state, "aws_iam_policy")[0]
        everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        values = {
            **policy,
            "id": ORGANIZATION,
            "arn": ORGANIZATION,
            "name": "organization",
            "policy": json.dumps({"Version": "2012-10-17", "Statement": [everything]}),
        }
        state["resources"].append(managed("aws_iam_policy", values))
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
    "the last version, by Pod Identity": both(
        with_manager_role(POD_TRUST), with_association, without_name_tags, no_s3, zones(0)
    ),
    "a manager by IRSA": both(
        with_manager_role(IRSA_TRUST, force_detach_policies=True),
        instance_statements(_results_only),
    ),
    "only HTTPS may leave": egress("tcp", (443, 443)),
    "tags of the organization": default_tags(CostCenter="4711", Owner="ml-platform"),
    "a boundary of the organization": with_boundaries(ORGANIZATION, ORGANIZATION),
    "an S3 endpoint of the user": with_s3_endpoint,
    "rules of the old kind": old_rules,
    "five zones": five_zones,
    "written by OpenTofu": replaced("registry.terraform.io", "registry.opentofu.org"),
}


def in_two_states(state: Json) -> tuple[Json, Json]:
    """The state of the sandboxes and the state of the cluster, which holds the manager's role."""
    types = {"aws_iam_role", "aws_iam_role_policy_attachment", "aws_iam_policy"}
    by_place: dict[bool, list[Json]] = {False: [], True: []}
    for block in state["resources"]:
        in_cluster = block["type"] in types and "manager" in json.dumps(block["instances"][0])
        by_place[in_cluster].append(block)
    return {**state, "resources": by_place[False]}, {**state, "resources": by_place[True]}


def make(name: str) -> Json:
    return VARIANTS[name](original())

"""State files that are refused: the content of each, and a part of its message."""

import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache

from sandbox.adopt import adopted_settings, terraform_state
from sandbox.adopt.mapping import plan_adoption
from sandbox.core.errors import SandboxError
from tests.sandbox.adopt.fake_account import Json, attributes, original
from tests.sandbox.adopt.variants import (
    IRSA_TRUST,
    ISSUER,
    ORGANIZATION,
    POD_TRUST,
    Variant,
    both,
    key,
    moved_subnet,
    replaced,
    second_key,
    ssh,
    with_association,
    with_boundaries,
    with_manager_role,
    with_old_ssh_rule,
    with_other_resources,
    with_second_subnet,
    without,
    zones,
)

Content = Callable[[], bytes]


@cache
def whole() -> str:
    return json.dumps(original())


def cut_after(text: str) -> Content:
    """The original state, cut right after the first *text*."""

    def content() -> bytes:
        start, _, _ = whole().partition(text)
        return f"{start}{text}".encode()

    return content


def forgotten(name: str, before: Variant) -> Variant:
    """The state *before*, after `terraform state rm` of every resource called *name*."""

    def change(state: Json) -> Json:
        state = before(state)
        state["resources"] = [block for block in state["resources"] if block["name"] != name]
        return state

    return change


def literal(content: bytes) -> Content:
    return lambda: content


def changed(change: Callable[[Json], object]) -> Content:
    """The original state after *change*, made in place or returned."""

    def content() -> bytes:
        state = original()
        return json.dumps(change(state) or state).encode()  # in place: returns None

    return content


def instance(kind: str, **values: object) -> Content:
    """The original state with *values* on the first instance of *kind*."""

    def change(state: Json) -> None:
        block = next(block for block in state["resources"] if block["type"] == kind)
        block["instances"][0].update(values)

    return changed(change)


def attribute(kind: str, **values: object) -> Content:
    return changed(lambda state: attributes(state, kind)[0].update(values))


def twice(kind: str) -> Content:
    """The original state with a second *kind* of the same name."""

    def change(state: Json) -> None:
        block = next(block for block in state["resources"] if block["type"] == kind)
        copy = json.loads(json.dumps(block).replace('"id": "', '"id": "other-'))
        state["resources"].append({**copy, "module": "module.other"})

    return changed(change)


def second_subnet_in_a_zone(state: Json) -> None:
    attributes(state, "aws_subnet")[1]["availability_zone"] = "us-east-1a"


def inline_rule(state: Json) -> Json:
    rule = {"from_port": 22, "to_port": 22, "protocol": "tcp", "cidr_blocks": ["203.0.113.0/24"]}
    attributes(state, "aws_security_group")[0]["ingress"] = [rule]
    return state


def resources(value: object) -> Variant:
    return lambda state: {**state, "resources": value}


REFUSED: dict[str, tuple[Content, str]] = {
    "empty": (literal(b" \n"), "is empty"),
    "truncated": (cut_after('"10.100.0.0/16",'), "is truncated"),
    "truncated inside a text": (cut_after("vpc-"), "is truncated"),
    "HCL": (literal(b'resource "aws_vpc" "this" {}'), "not valid JSON"),
    "a list": (literal(b"[]"), "not an object"),
    "nested beyond reason": (lambda: b"[" * 200_000, "nested too deeply"),
    "binary": (literal(b"\x93\xf0\x28\xc3" * 40), "not text"),
    "compressed": (lambda: gzip.compress(whole().encode()), "gunzip"),
    "a saved plan": (literal(b"PK\x03\x04rest"), "zip archive"),
    "git-crypt": (literal(b"\x00GITCRYPT\x00rest"), "git-crypt"),
    "Ansible Vault": (literal(b"$ANSIBLE_VAULT;1.1;AES256\n6132"), "Ansible Vault"),
    "the output of a wrapper": (
        lambda: b"[command]/usr/bin/terraform-bin state pull\n" + whole().encode(),
        "terraform_wrapper: false",
    ),
    "Git LFS": (literal(b"version https://git-lfs.github.com/spec/v1\noid"), "git lfs pull"),
    "encrypted by OpenTofu": (
        literal(b'{"serial": 1, "encrypted_data": "aGVsbG8=", "encryption_version": "v0"}'),
        "tofu state pull",
    ),
    "encrypted by sops": (literal(b'{"version": "ENC[AES256_GCM]", "sops": {}}'), "sops --decrypt"),
    "terraform show": (literal(b'{"format_version": "1.0", "values": {}}'), "terraform show"),
    "a Pulumi export": (literal(b'{"version": 3, "deployment": {}}'), "Pulumi stack"),
    "CloudFormation": (literal(b'{"AWSTemplateFormatVersion": "2010-09-09"}'), "CloudFormation"),
    "a remote backend's stub": (
        literal(b'{"version": 3, "serial": 1, "backend": {"type": "s3", "config": {}}}'),
        "remote backend (s3)",
    ),
    "version 3": (literal(b'{"version": 3, "serial": 9, "modules": []}'), "has version 3"),
    "version 5": (literal(b'{"version": 5, "resources": []}'), "has version 5"),
    "no version": (literal(b'{"resources": []}'), "no version number"),
    "a version in quotes": (literal(b'{"version": "4", "resources": []}'), "no version number"),
    "a number beyond reason": (
        lambda: b'{"version": ' + b"9" * 5000 + b"}",
        "a number without end",
    ),
    "no resources": (literal(b'{"version": 4}'), "no list of resources"),
    "destroyed": (changed(resources([])), "has no resources"),
    "only data sources": (
        changed(lambda state: resources(state["resources"][:2])(state)),
        "has no resources",
    ),
    "a resource that is a text": (changed(resources(["aws_vpc"])), "is damaged"),
    "no attributes": (instance("aws_vpc", attributes=None), "aws_vpc.this[0] has no attributes"),
    "flat attributes": (instance("aws_vpc", attributes_flat={}), "before 0.12"),
    "tainted": (instance("aws_subnet", status="tainted"), "aws_subnet.public[0] is tainted"),
    "deposed": (instance("aws_vpc", deposed="00000001"), "aws_vpc.this[0] has a deposed object"),
    "another module": (
        changed(without("aws_security_group")),
        "no aws_security_group with name = sandbox-instances",
    ),
    "without its VPC": (changed(without("aws_vpc")), "no aws_vpc with id = vpc-"),
    "without its role": (changed(without("aws_iam_role")), "no aws_iam_role of the sandbox"),
    "without SSH": (
        changed(without("aws_vpc_security_group_ingress_rule")),
        "no aws_vpc_security_group_ingress_rule of the sandbox",
    ),
    "with SSH rules in the group itself": (
        changed(both(without("aws_vpc_security_group_ingress_rule"), inline_rule)),
        "itself, which cannot be adopted",
    ),
    "with an SSH rule of the old kind": (
        changed(with_old_ssh_rule),
        "terraform import the new ones by their ids",
    ),
    "without a manager": (changed(without("aws_iam_user")), "adopt check SANDBOX CLUSTER"),
    "a manager that several accounts assume": (
        changed(
            with_manager_role(
                {
                    **IRSA_TRUST,
                    "Condition": {
                        "StringLike": {f"{ISSUER}:sub": "system:serviceaccount:default:*"}
                    },
                }
            )
        ),
        "one service account",
    ),
    "a manager that another account assumes": (
        changed(
            with_manager_role({**POD_TRUST, "Principal": {"AWS": "arn:aws:iam::210987654321:root"}})
        ),
        "{AWS: arn:aws:iam::210987654321:root}",
    ),
    "a manager whose association is elsewhere": (
        changed(with_manager_role(POD_TRUST)),
        "pulumi config set sandbox:service_account NAMESPACE/NAME",
    ),
    "a manager at another path": (
        changed(with_manager_role(POD_TRUST, path="/team/")),
        "has the path /team/",
    ),
    "without an outbound rule": (
        changed(without("aws_vpc_security_group_egress_rule")),
        "would let out everything",
    ),
    "more SSH ranges than rules": (
        changed(ssh(*(f"203.0.{number}.0/24" for number in range(61)))),
        "61 IPv4 ranges",
    ),
    "without subnets": (changed(zones()), "no public subnet"),
    "two groups": (twice("aws_security_group"), "both have name = sandbox-instances"),
    "two active keys": (
        changed(second_key("Active")),
        "aws_iam_access_key.sandbox_manager and aws_iam_access_key.second",
    ),
    "two inactive keys": (
        changed(both(key(status="Inactive"), second_key("Inactive"))),
        "aws_iam_access_key.sandbox_manager and aws_iam_access_key.second",
    ),
    "the same range twice": (
        changed(ssh("203.0.113.0/24", "203.0.113.0/24")),
        "would both become sandbox-ssh-inbound-203.0.113.0/24",
    ),
    "a subnet that is not a slot": (
        changed(moved_subnet("10.100.1.0/24", "10.100.16.0/20")),
        "10.100.16.0/20, which is not a slot of 10.100.0.0/16",
    ),
    "two subnets in a zone": (changed(second_subnet_in_a_zone), "second public subnet in us-east"),
    "a second subnet of the user": (
        changed(with_second_subnet),
        "terraform state rm 'aws_subnet.other' 'aws_route_table_association.other'",
    ),
    "a key without its secret": (attribute("aws_iam_access_key", secret=None), "--rotate-key"),
    "a VPC without ARN": (attribute("aws_vpc", arn=""), "has no ARN"),
    "ranges that cover each other": (
        changed(ssh("203.0.113.0/24", "203.0.113.7/32")),
        "203.0.113.7/32",
    ),
    "two boundaries": (
        changed(with_boundaries(ORGANIZATION, f"{ORGANIZATION}-2")),
        "the program sets one boundary on every identity",
    ),
    "an environment in capitals": (
        changed(replaced('"production"', '"Research_EU"')),
        "sandbox:environment = Research_EU",
    ),
    "the range that is the main VPC's by default": (
        changed(replaced("10.100.", "10.0.")),
        "pulumi config set sandbox:main_vpc_cidr",
    ),
    "a public VPC": (lambda: whole().replace("10.100.", "100.64.").encode(), "RFC 1918"),
}


WHERE = "old.tfstate"


def settings_from(content: bytes, config_before: Mapping[str, str] | None = None) -> dict[str, str]:
    """The settings, after every check that needs no engine."""
    before = dict(config_before or {})
    rotate_key = before.pop(ROTATE, None) is not None
    state = terraform_state.parse(content, WHERE)
    plan = plan_adoption(state, rotate_key=rotate_key)
    config = adopted_settings.merged(before, adopted_settings.settings_of(state, plan))
    adopted_settings.require_valid(state, config)
    return config


def refusals() -> Iterator[tuple[str, str, str]]:
    """Each state, and the problem and the cure of its message; `make docs` prints them."""
    for name, (content, _) in REFUSED.items():
        try:
            settings_from(content())
        except SandboxError as error:
            problem, _, cure = str(error).removeprefix(f"{WHERE}: ").rpartition("; ")
            yield name, problem, cure


def accepted() -> bytes:
    return changed(with_other_resources)()


WITHOUT_CURE = frozenset({"a manager at another path", "a public VPC"})
"""Refused for good: the message says to keep the environment under Terraform."""
ROTATE = "--rotate-key"
SETTINGS: Mapping[str, Mapping[str, str]] = {
    "a manager whose association is elsewhere": {"service_account": "default/sandbox-manager"},
    "the range that is the main VPC's by default": {"main_vpc_cidr": "10.1.0.0/16"},
    "a key without its secret": {ROTATE: ""},
}
"""What the user sets or adds, where that is the cure."""
CURED: Mapping[str, Variant] = {
    "with an SSH rule of the old kind": ssh("203.0.113.0/24", "198.51.100.0/24"),
    "a manager that several accounts assume": with_manager_role(IRSA_TRUST),
    "a manager that another account assumes": both(with_manager_role(POD_TRUST), with_association),
    "a manager whose association is elsewhere": with_manager_role(POD_TRUST),
    "more SSH ranges than rules": ssh("203.0.0.0/18"),
    "two active keys": second_key("Inactive"),
    "the same range twice": ssh("203.0.113.0/24"),
    "a second subnet of the user": forgotten("other", with_second_subnet),
    "a key without its secret": key(secret=None),
    "ranges that cover each other": ssh("203.0.113.0/24"),
    "two boundaries": with_boundaries(ORGANIZATION, ORGANIZATION),
    "an environment in capitals": replaced('"production"', '"research-eu"'),
    "the range that is the main VPC's by default": replaced("10.100.", "10.0."),
}
"""The state after the cure; all others are whole again, as the original is."""


def cured(name: str) -> bytes:
    return changed(CURED.get(name, lambda state: state))()

"""Files that are no state to adopt: what is in them, and what the user is told."""

import gzip
import json
from collections.abc import Callable

from variants import moved_subnet, ssh, strangers, without, zones
from world import Json, attributes, original

WHOLE = json.dumps(original())


def changed(change: Callable[[Json], object]) -> bytes:
    """The original state after *change*, made in place or returned."""
    state = original()
    return json.dumps(change(state) or state).encode()  # changes in place return nothing


def instance(kind: str, **values: object) -> bytes:
    """The original state with *values* on the first instance of *kind*."""

    def change(state: Json) -> None:
        block = next(one for one in state["resources"] if one["type"] == kind)
        block["instances"][0].update(values)

    return changed(change)


def attribute(kind: str, **values: object) -> bytes:
    return changed(lambda state: attributes(state, kind)[0].update(values))


def twice(kind: str) -> bytes:
    """The original state with a second *kind* of the same name."""

    def change(state: Json) -> None:
        block = next(one for one in state["resources"] if one["type"] == kind)
        copy = json.loads(json.dumps(block).replace('"id": "', '"id": "other-'))
        state["resources"].append({**copy, "module": "module.other"})

    return changed(change)


def second_subnet_in_a_zone(state: Json) -> None:
    attributes(state, "aws_subnet")[1]["availability_zone"] = "us-east-1a"


def resources(value: object) -> Callable[[Json], Json]:
    return lambda state: {**state, "resources": value}


BAD: dict[str, tuple[bytes, str]] = {
    "empty": (b" \n", "is empty; name a state file"),
    "truncated": (WHOLE[: len(WHOLE) // 2].encode(), "is truncated"),
    "truncated inside a text": (WHOLE[: WHOLE.index("vpc-acfe") + 4].encode(), "is truncated"),
    "HCL": (b'resource "aws_vpc" "this" {}', "is no JSON"),
    "a list": (b"[]", "its JSON is no object"),
    "nested beyond reason": (b"[" * 200_000, "nested too deeply"),
    "binary": (b"\x93\xf0\x28\xc3" * 40, "is no text"),
    "compressed": (gzip.compress(WHOLE.encode()), "is compressed by gzip"),
    "a saved plan": (b"PK\x03\x04rest", "is a zip archive"),
    "git-crypt": (b"\x00GITCRYPT\x00rest", "is encrypted by git-crypt"),
    "Ansible Vault": (b"$ANSIBLE_VAULT;1.1;AES256\n6132", "is encrypted by Ansible Vault"),
    "Git LFS": (b"version https://git-lfs.github.com/spec/v1\noid", "is a Git LFS pointer"),
    "encrypted by OpenTofu": (
        b'{"serial": 1, "meta": {}, "encrypted_data": "aGVsbG8=", "encryption_version": "v0"}',
        "is a state that OpenTofu encrypted",
    ),
    "encrypted by sops": (b'{"version": "ENC[AES256_GCM]", "sops": {}}', "is encrypted by sops"),
    "terraform show": (b'{"format_version": "1.0", "values": {}}', "`terraform show -json`"),
    "a Pulumi export": (b'{"version": 3, "deployment": {}}', "is the export of a Pulumi stack"),
    "CloudFormation": (b'{"AWSTemplateFormatVersion": "2010-09-09"}', "CloudFormation"),
    "a remote backend's stub": (
        b'{"version": 3, "serial": 1, "lineage": "x", "backend": {"type": "s3", "config": {}}}',
        "only points to a remote backend (s3)",
    ),
    "version 3": (b'{"version": 3, "serial": 9, "modules": []}', "has version 3"),
    "version 5": (b'{"version": 5, "resources": []}', "has version 5"),
    "no version": (b'{"resources": []}', "it has no version"),
    "a version in quotes": (b'{"version": "4", "resources": []}', "it has no version"),
    "no resources": (b'{"version": 4}', "has no list of resources"),
    "destroyed": (changed(resources([])), "holds no resource"),
    "only data sources": (
        changed(lambda state: resources(state["resources"][:2])(state)),
        "holds no resource",
    ),
    "a resource that is none": (changed(resources(["aws_vpc"])), "is damaged"),
    "no attributes": (instance("aws_vpc", attributes=None), "aws_vpc.this[0] has no attributes"),
    "flat attributes": (instance("aws_vpc", attributes_flat={}), "by Terraform before 0.12"),
    "tainted": (instance("aws_subnet", status="tainted"), "aws_subnet.public[0] is tainted"),
    "deposed": (instance("aws_vpc", deposed="00000001"), "aws_vpc.this[0] has a deposed object"),
    "another module": (
        changed(without("aws_security_group")),
        "is no state of the sandbox module: it has no aws_security_group with name = sandbox",
    ),
    "without its VPC": (changed(without("aws_vpc")), "it has no aws_vpc with id = vpc-"),
    "without its role": (changed(without("aws_iam_role")), "has no aws_iam_role that is the sand"),
    "without SSH": (
        changed(without("aws_vpc_security_group_ingress_rule")),
        "without a range that may use SSH",
    ),
    "without subnets": (changed(zones()), "has no public subnet"),
    "two groups": (twice("aws_security_group"), "both have name = sandbox-instances"),
    "two keys": (twice("aws_iam_access_key"), "a user's second key"),
    "the same range twice": (
        changed(ssh("203.0.113.0/24", "203.0.113.0/24")),
        "would both be sandbox-ssh-inbound-203.0.113.0/24",
    ),
    "a subnet that is no slot": (
        changed(moved_subnet("10.100.1.0/24", "10.100.16.0/20")),
        "has 10.100.16.0/20, which is no slot of 10.100.0.0/16",
    ),
    "two subnets in a zone": (changed(second_subnet_in_a_zone), "second public subnet in us-east"),
    "a key without its secret": (
        attribute("aws_iam_access_key", secret=None),
        "run again with --rotate-key",
    ),
    "a VPC without ARN": (attribute("aws_vpc", arn=""), "has no ARN"),
    "ranges that cover each other": (
        changed(ssh("203.0.113.0/24", "203.0.113.7/32")),
        "203.0.113.0/24 covers 203.0.113.7/32",
    ),
    "a public VPC": (
        json.dumps(original()).replace("10.100.", "100.64.").encode(),
        "is not private (RFC 1918)",
    ),
}
GOOD = changed(strangers)

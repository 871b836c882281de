"""Instances, volumes and images, should this stack ever manage one."""

import re
from collections.abc import Iterator
from typing import Final

from policies import resource_types as kinds
from policies.config import Parameters
from policies.rule import Finding, Props, Resource, ResourceRule, Rule, elements, given, text
from policies.show import show

LAUNCHED: Final = frozenset({kinds.INSTANCE, kinds.LAUNCH_TEMPLATE})
SECRETS: Final = re.compile(
    r"AKIA[0-9A-Z]{16}|-----BEGIN [A-Z ]*PRIVATE KEY-----|aws_secret_access_key\s*[=:]",
    re.IGNORECASE,
)


def imdsv2(resource: Resource, _: Parameters) -> Iterator[Finding]:
    at = "metadataOptions.httpTokens"
    if resource.resource_type == kinds.METADATA_DEFAULTS:
        at, options = "httpTokens", resource.props
    else:
        options = given(resource.props, "metadataOptions")
    tokens = text(options, "httpTokens") if options is not None else ""
    if tokens != "required":
        yield Finding(
            at=at, value=show(tokens) if tokens else "not set", wrong="answers without a token"
        )


def encrypted(resource: Resource, _: Parameters) -> Iterator[Finding]:
    for at, disk in _disks(resource):
        if _is_true(disk, "encrypted"):
            continue
        yield Finding(at=at, value="not true", wrong="is not encrypted")


def _disks(resource: Resource) -> Iterator[tuple[str, Props]]:
    props = resource.props
    if resource.resource_type in (kinds.VOLUME, kinds.IMAGE_COPY, kinds.SNAPSHOT_COPY):
        yield "encrypted", props
    if resource.resource_type == kinds.ENCRYPTION_DEFAULT:
        yield "enabled", {"encrypted": given(props, "enabled")}
    if resource.resource_type == kinds.INSTANCE:
        yield "rootBlockDevice.encrypted", given(props, "rootBlockDevice") or {}
    for one in elements(props, "ebsBlockDevices"):
        yield "ebsBlockDevices.encrypted", one()
    for one in elements(props, "blockDeviceMappings"):
        yield "blockDeviceMappings.ebs.encrypted", given(one(), "ebs") or {}


def _is_true(props: Props, key: str) -> bool:
    value = given(props, key)
    return value is True or value == "true"  # launch templates have it as text


def not_public(resource: Resource, _: Parameters) -> Iterator[Finding]:
    props = resource.props
    if resource.resource_type in (kinds.IMAGE_BLOCK, kinds.SNAPSHOT_BLOCK):
        state = text(props, "state")
        if state == "unblocked":
            yield Finding(at="state", value=show(state), wrong="lets anyone make one public")
    elif text(props, "group") == "all" or text(props, "accountId") == "all":
        yield Finding(at="group", value="all", wrong="gives it to every AWS account")
    elif text(props, "organizationArn") or text(props, "organizationalUnitArn"):
        yield Finding(at="organizationArn", value="set", wrong="gives it to other accounts")


def no_secrets_in_user_data(resource: Resource, _: Parameters) -> Iterator[Finding]:
    for key in ("userData", "userDataBase64"):
        if SECRETS.search(text(resource.props, key)):
            yield Finding(at=key, wrong="holds what looks like a key")


RULES: Final[tuple[Rule, ...]] = (
    ResourceRule(
        id="instances-imdsv2",
        why="Metadata without a token hands the role's credentials to any forged request.",
        fix="Set httpTokens to required.",
        references=("CIS 5.7", "FSBP EC2.8", "CKV_AWS_79"),
        on=LAUNCHED | {kinds.METADATA_DEFAULTS},
        check=imdsv2,
    ),
    ResourceRule(
        id="volumes-encrypted",
        why="A volume that is not encrypted can be read by who gets its snapshot.",
        fix="Set encrypted to true.",
        references=("CIS 5.1.1", "FSBP EC2.3", "FSBP EC2.7", "CKV_AWS_3", "CKV_AWS_8"),
        on=LAUNCHED
        | {
            kinds.VOLUME,
            kinds.IMAGE,
            kinds.IMAGE_COPY,
            kinds.SNAPSHOT_COPY,
            kinds.ENCRYPTION_DEFAULT,
        },
        check=encrypted,
    ),
    ResourceRule(
        id="images-not-public",
        why="A public image or snapshot shows the league's code and data to everyone.",
        fix="Name the one account that needs it, or remove the permission.",
        references=("FSBP EC2.1", "CKV_AWS_205"),
        on=frozenset(
            {
                kinds.IMAGE_PERMISSION,
                kinds.SNAPSHOT_PERMISSION,
                kinds.IMAGE_BLOCK,
                kinds.SNAPSHOT_BLOCK,
            }
        ),
        check=not_public,
    ),
    ResourceRule(
        id="no-secrets-in-user-data",
        why="User data is readable by everyone on the instance, and by who may describe it.",
        fix="Let the instance's role fetch what it needs.",
        references=("CKV_AWS_46",),
        on=LAUNCHED,
        check=no_secrets_in_user_data,
    ),
)

"""Instances and images, tags, data, and the stack's shape."""

from dataclasses import replace
from datetime import date
from typing import Any, Final

from policies import resource_types as kinds
from policies.config import Parameters
from policies.exemptions import Exemption
from tests.policies import good_stack as stack
from tests.policies.case import Case, bad, good
from tests.policies.view import TAGS, Made, secret

V2: Final = {"httpTokens": "required"}
INSTANCE: Final = Made(
    type=kinds.INSTANCE,
    props={"metadataOptions": V2, "rootBlockDevice": {"encrypted": True}},
)
TEMPLATE: Final = Made(
    type=kinds.LAUNCH_TEMPLATE,
    props={
        "metadataOptions": V2,
        "blockDeviceMappings": [{"deviceName": "/dev/sda1", "ebs": {"encrypted": "true"}}],
    },
)
VOLUME: Final = Made(type=kinds.VOLUME, props={"encrypted": True, "size": 8})
KEY_TEXT: Final = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
PRODUCTION: Final = Parameters(stack="production")
ENDED: Final = Exemption(
    rule="one-vpc", resource="stack", reason="until the move", expires=date(2026, 1, 31)
)


def _under(parameters: Parameters, case: Case) -> Case:
    return replace(case, parameters=parameters)


def _with_outputs(**outputs: Any) -> tuple[Made, ...]:
    key = stack.KEY.having(secret=secret(KEY_TEXT), sesSmtpPasswordV4=secret("x" * 44))
    kept = stack.without(stack.KEY, stack.OUTPUTS)
    return (*kept, key, stack.OUTPUTS.having(**outputs))


CASES: Final[tuple[Case, ...]] = (
    good("instances-imdsv2", "required", INSTANCE),
    good("instances-imdsv2", "required of all", Made(type=kinds.METADATA_DEFAULTS, props=V2)),
    bad(
        "instances-imdsv2", "optional", INSTANCE.having(metadataOptions={"httpTokens": "optional"})
    ),
    bad("instances-imdsv2", "not said", INSTANCE.having(metadataOptions=None)),
    bad(
        "instances-imdsv2",
        "in a template",
        TEMPLATE.having(metadataOptions={"httpEndpoint": "enabled"}),
    ),
    good("volumes-encrypted", "a volume", VOLUME),
    good("volumes-encrypted", "a template's", TEMPLATE),
    bad("volumes-encrypted", "a volume, not said", VOLUME.having(encrypted=None)),
    bad("volumes-encrypted", "a volume, no", VOLUME.having(encrypted=False)),
    bad("volumes-encrypted", "no root", INSTANCE.having(rootBlockDevice=None)),
    bad(
        "volumes-encrypted",
        "two more disks",
        INSTANCE.having(ebsBlockDevices=[{"encrypted": True}, {"encrypted": False}, {}]),
        findings=2,
    ),
    bad(
        "volumes-encrypted",
        "a template's second disk",
        TEMPLATE.having(
            blockDeviceMappings=[{"ebs": {"encrypted": "true"}}, {"ebs": {"encrypted": "false"}}]
        ),
    ),
    bad(
        "volumes-encrypted",
        "a copied image",
        Made(type=kinds.IMAGE_COPY, props={"encrypted": False}),
    ),
    bad(
        "volumes-encrypted",
        "the account's default",
        Made(type=kinds.ENCRYPTION_DEFAULT, props={"enabled": False}),
    ),
    good(
        "images-not-public",
        "one account",
        Made(type=kinds.IMAGE_PERMISSION, props={"accountId": "123456789012"}),
    ),
    bad("images-not-public", "an image", Made(type=kinds.IMAGE_PERMISSION, props={"group": "all"})),
    bad(
        "images-not-public",
        "an organisation",
        Made(
            type=kinds.IMAGE_PERMISSION,
            props={"organizationArn": "arn:aws:organizations::123456789012:organization/o-1"},
        ),
    ),
    bad(
        "images-not-public",
        "a snapshot",
        Made(type=kinds.SNAPSHOT_PERMISSION, props={"accountId": "all"}),
    ),
    bad(
        "images-not-public", "unblocked", Made(type=kinds.IMAGE_BLOCK, props={"state": "unblocked"})
    ),
    good(
        "no-secrets-in-user-data", "a script", INSTANCE.having(userData="#!/bin/sh\necho ready\n")
    ),
    bad("no-secrets-in-user-data", "a key's id", INSTANCE.having(userData="AKIAIOSFODNN7EXAMPLE")),
    bad(
        "no-secrets-in-user-data",
        "a private key",
        TEMPLATE.having(userData="-----BEGIN OPENSSH PRIVATE KEY-----"),
    ),
    good("tagged", "by the provider's default tags", stack.VPC),
    good("tagged", "what carries no tags", stack.ROUTE),
    good("tagged", "by its own", replace(stack.VPC.having(tags=TAGS), provider=None)),
    good("tagged", "by the checked inputs", replace(stack.VPC.having(tagsAll=TAGS), provider=None)),
    bad("tagged", "by nobody", replace(stack.VPC, provider=None), findings=3),
    bad(
        "tagged",
        "by the default provider",
        replace(stack.VPC, provider={"region": "us-east-1"}),
        findings=3,
    ),
    bad("tagged", "another environment", stack.VPC.having(tags={"Environment": "staging"})),
    bad("tagged", "another purpose", stack.USER.having(tags={"Purpose": "ami-build"})),
    bad(
        "tagged",
        "not one that it drops",
        replace(stack.VPC.having(tags={"Project": "alignment-league"}), provider=None),
        findings=2,
    ),
    good("log-retention", "a year", stack.LOG_GROUP),
    bad("log-retention", "a week", stack.LOG_GROUP.having(retentionInDays=7)),
    bad("log-retention", "for ever", stack.LOG_GROUP.having(retentionInDays=None)),
    bad("log-retention", "for ever, as a number", stack.LOG_GROUP.having(retentionInDays=0)),
    _under(
        Parameters(log_retention_days=30),
        good(
            "log-retention", "as the pack's config says", stack.LOG_GROUP.having(retentionInDays=30)
        ),
    ),
    good("key-outputs-marked", "both", stack.KEY),
    bad("key-outputs-marked", "none", replace(stack.KEY, marked=()), findings=2),
    bad("key-outputs-marked", "one", replace(stack.KEY, marked=("secret",))),
    good("secret-outputs", "the program's", stack.ALL),
    good(
        "secret-outputs",
        "marked",
        _with_outputs(sandbox_manager_secret_access_key=secret(KEY_TEXT)),
    ),
    bad(
        "secret-outputs", "plain, by its name", _with_outputs(sandbox_manager_secret_access_key="x")
    ),
    bad("secret-outputs", "plain, under another name", _with_outputs(comment=f"key: {KEY_TEXT}")),
    bad("secret-outputs", "plain, deep inside", _with_outputs(config={"a": [{"b": KEY_TEXT}]})),
    good("names-as-expected", "the program's", stack.ALL),
    bad("names-as-expected", "no role of that name", stack.without(stack.ROLE)),
    bad(
        "names-as-expected",
        "another VPC name",
        stack.swapped(stack.VPC, stack.VPC.having(tags={"Name": "x"})),
    ),
    bad(
        "names-as-expected",
        "another group name",
        stack.swapped(stack.GROUP, stack.GROUP.having(name="sandbox-instances-1a2b3c4")),
    ),
    _under(
        Parameters(manager_identity="irsa"),
        bad("names-as-expected", "no manager's role", stack.ALL),
    ),
    good("inside-a-component", "the program's", stack.VPC),
    bad("inside-a-component", "in the stack", replace(stack.VPC, inside="")),
    bad("inside-a-component", "under a resource", replace(stack.SUBNET, inside="aws:ec2/vpc:Vpc$")),
    good("protected-in-production", "elsewhere", stack.VPC),
    _under(
        PRODUCTION, good("protected-in-production", "protected", replace(stack.VPC, protect=True))
    ),
    _under(
        PRODUCTION,
        good(
            "protected-in-production",
            "flow logs' role",
            stack.ROLE.having(name="sandbox-flow-logs"),
        ),
    ),
    _under(PRODUCTION, bad("protected-in-production", "the VPC", stack.VPC)),
    _under(PRODUCTION, bad("protected-in-production", "the instances' role", stack.ROLE)),
    good("configured-region", "the program's", stack.SUBNET),
    bad("configured-region", "its own", stack.VPC.having(region="eu-west-1")),
    bad("configured-region", "its zone", stack.SUBNET.having(availabilityZone="us-east-2a")),
    bad("configured-region", "its provider", replace(stack.VPC, provider={"region": "eu-west-1"})),
    bad("configured-region", "none", replace(stack.VPC, provider={})),
    good("reviewed-types", "the program's", stack.VPC),
    bad("reviewed-types", "a database", Made(type="aws:rds/instance:Instance")),
    _under(
        Parameters(other_types=("aws:rds/instance:Instance",)),
        good("reviewed-types", "allowed", Made(type="aws:rds/instance:Instance")),
    ),
    good("no-hidden-drift", "of a description", replace(stack.GROUP, ignores=("description",))),
    bad("no-hidden-drift", "of a policy", replace(stack.MANAGER_POLICY, ignores=("policy",))),
    bad("no-hidden-drift", "of one tag", replace(stack.VPC, ignores=('tags["Project"]',))),
    _under(
        Parameters(exemptions=(ENDED,), today=ENDED.expires),
        good("exemptions-current", "on its last day", stack.ALL),
    ),
    _under(
        Parameters(exemptions=(ENDED,), today=date(2026, 2, 1)),
        bad("exemptions-current", "the day after", stack.ALL),
    ),
)

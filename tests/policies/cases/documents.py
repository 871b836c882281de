"""Inputs of the rules for permission documents."""

from collections.abc import Callable
from typing import Any, Final

from infra import catalogue
from tests.policies import stack
from tests.policies.case import Case, bad, good
from tests.policies.pack_server import FakeResource
from tests.policies.stack import allowing, edited

POLICY: Final = stack.MANAGER_POLICY
ROLE_ARN: Final = "arn:aws:iam::123456789012:role/sandbox-instance-role"
TO_EC2: Final = {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}
OWN: Final = {"StringEquals": {"s3:ResourceAccount": "123456789012"}}
RUN: Final = "ec2:RunInstances"
INSTANCE: Final = "arn:aws:ec2:us-east-1:123456789012:instance/*"


def _with(text: str) -> FakeResource:
    return POLICY.having(policy=text)


def _edited(of: FakeResource, change: Callable[[dict[str, Any]], object]) -> FakeResource:
    return of.having(policy=edited(of.props["policy"], change))


def _statement(content: dict[str, Any], sid: str) -> dict[str, Any]:
    return next(statement for statement in content["Statement"] if statement["Sid"] == sid)


def _without_condition(sid: str, operator: str, key: str) -> FakeResource:
    """The manager's policy without one condition."""
    return _edited(
        POLICY, lambda document: _statement(document, sid)["Condition"][operator].pop(key)
    )


def _with_parts(sid: str, **parts: object) -> FakeResource:
    return _edited(POLICY, lambda document: _statement(document, sid).update(parts))


def _no_deny(content: dict[str, Any]) -> None:
    content["Statement"] = [
        statement for statement in content["Statement"] if "NotAction" not in statement
    ]


INLINE_ROLE: Final = stack.ROLE.having(
    inlinePolicies=[{"name": "x", "policy": allowing("ec2:DescribeVpcs", on="*")}]
)
PROGRAM_POLICIES: Final = (
    POLICY,
    stack.MANAGER_BOUNDARY,
    stack.INSTANCE_POLICY,
    stack.INSTANCE_BOUNDARY,
)
DOCUMENT_RULES: Final = (
    "no-wildcard-actions",
    "no-iam-changes",
    "services-as-declared",
    "pass-role-scoped",
    "writes-scoped",
    "launch-carries-user-id",
    "launch-with-profile",
    "launch-in-vpc",
    "launch-imdsv2",
    "launch-encrypted",
    "launch-project-images-only",
    "control-sandbox-instances-only",
    "tags-immutable",
    "buckets-in-own-account",
    "boundary-explicit-deny",
)
CASES: Final[tuple[Case, ...]] = (
    *(
        good(rule, f"the program's {policy.name}", policy)
        for rule in DOCUMENT_RULES
        for policy in PROGRAM_POLICIES
    ),
    good("no-wildcard-actions", "reads", _with(allowing("ec2:Describe*", "s3:Get*", on="*"))),
    bad("no-wildcard-actions", "everything", _with(allowing("*", on="*"))),
    bad("no-wildcard-actions", "a service", _with(allowing("ec2:*", on="*"))),
    bad("no-wildcard-actions", "all of IAM", _with(allowing("iam:*", on="*"))),
    bad("no-wildcard-actions", "part of a write", _with(allowing("ec2:Run*"))),
    bad(
        "no-wildcard-actions",
        "two of three",
        _with(allowing("s3:*", "s3:Get*", "ec2:*")),
        findings=2,
    ),
    bad(
        "no-wildcard-actions",
        "everything but",
        _with('{"Statement": {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}}'),
    ),
    bad(
        "no-wildcard-actions",
        "inside the role itself",
        stack.ROLE.having(inlinePolicies=[{"name": "x", "policy": allowing("*", on="*")}]),
    ),
    bad("no-wildcard-actions", "no document at all", _with("nonsense")),
    good("no-iam-changes", "a read", INLINE_ROLE),
    bad("no-iam-changes", "a key", _with(allowing("iam:CreateAccessKey"))),
    bad("no-iam-changes", "anybody's key", _with(allowing("iam:CreateAccessKey", on="*"))),
    bad("no-iam-changes", "another role", _with(allowing("sts:AssumeRole"))),
    bad("services-as-declared", "RDS", _with(allowing("rds:CreateDBInstance"))),
    bad(
        "services-as-declared",
        "EC2 for sandboxes",
        stack.INSTANCE_POLICY.having(policy=allowing(RUN)),
    ),
    bad("services-as-declared", "an undeclared policy", POLICY.having(name="helper")),
    good("services-as-declared", "the second part", POLICY.having(name="sandbox-manager-policy-2")),
    bad("services-as-declared", "a look-alike", POLICY.having(name="sandbox-manager-policy-extra")),
    bad("pass-role-scoped", "any role", _with_parts("PassTheSandboxRole", Resource="*")),
    bad(
        "pass-role-scoped",
        "a second role",
        _with_parts(
            "PassTheSandboxRole", Resource=[ROLE_ARN, "arn:aws:iam::123456789012:role/admin"]
        ),
    ),
    bad("pass-role-scoped", "any service", _with(allowing("iam:PassRole", on=ROLE_ARN))),
    bad(
        "pass-role-scoped",
        "another service",
        _with(
            allowing(
                "iam:PassRole",
                on=ROLE_ARN,
                when={
                    "StringEquals": {
                        "iam:PassedToService": ["ec2.amazonaws.com", "lambda.amazonaws.com"]
                    }
                },
            )
        ),
    ),
    bad(
        "pass-role-scoped",
        "a condition that an absent key passes",
        _with(
            allowing(
                "iam:PassRole",
                on=ROLE_ARN,
                when={"StringEqualsIfExists": {"iam:PassedToService": "ec2.amazonaws.com"}},
            )
        ),
    ),
    bad("writes-scoped", "a write to all", _with(allowing("ec2:StopInstances", on="*"))),
    bad(
        "writes-scoped",
        "a write to all, by ARN",
        _with(allowing("s3:PutObject", "s3:DeleteObject", on="arn:aws:s3:::*")),
        findings=2,
    ),
    bad(
        "launch-carries-user-id",
        "no user_id on instances",
        _without_condition("LaunchSandboxInstances", "StringLike", "aws:RequestTag/user_id"),
    ),
    bad(
        "launch-carries-user-id",
        "an empty user_id",
        _with(allowing(RUN, on=INSTANCE, when={"StringLike": {"aws:RequestTag/user_id": "*"}})),
    ),
    bad(
        "launch-carries-user-id",
        "no user_id on volumes",
        _without_condition("LaunchWithEncryptedVolumes", "StringLike", "aws:RequestTag/user_id"),
    ),
    bad(
        "launch-with-profile",
        "any profile",
        _without_condition("LaunchSandboxInstances", "ArnEquals", "ec2:InstanceProfile"),
    ),
    bad(
        "launch-in-vpc",
        "any VPC",
        _without_condition("LaunchIntoTheSandboxNetwork", "ArnEquals", "ec2:Vpc"),
        findings=2,
    ),
    bad(
        "launch-in-vpc",
        "any VPC's interfaces",
        _without_condition("LaunchWithInterfacesOfTheSandboxNetwork", "ArnEquals", "ec2:Vpc"),
    ),
    bad(
        "launch-imdsv2",
        "metadata v1",
        _without_condition("LaunchSandboxInstances", "StringEquals", "ec2:MetadataHttpTokens"),
    ),
    bad(
        "launch-encrypted",
        "plain volumes",
        _without_condition("LaunchWithEncryptedVolumes", "Bool", "ec2:Encrypted"),
    ),
    bad(
        "launch-project-images-only",
        "anybody's",
        _without_condition("LaunchImagesOfTheProject", "StringEquals", "ec2:Owner"),
    ),
    bad(
        "launch-project-images-only",
        "snapshots",
        _with(allowing(RUN, on="arn:aws:ec2:us-east-1::snapshot/*")),
    ),
    good(
        "launch-project-images-only",
        "one image by its id",
        _with(allowing(RUN, on="arn:aws:ec2:us-east-1::image/ami-0123456789abcdef0")),
    ),
    bad(
        "control-sandbox-instances-only",
        "any instance",
        _without_condition("ControlSandboxInstances", "ArnEquals", "ec2:InstanceProfile"),
        findings=4,
    ),
    bad(
        "control-sandbox-instances-only",
        "small letters",
        _with(allowing("ec2:stopinstances", on=INSTANCE)),
    ),
    bad(
        "tags-immutable",
        "tags later",
        _without_condition("TagWhileLaunching", "StringEquals", "ec2:CreateAction"),
    ),
    bad("tags-immutable", "no tags", _with(allowing("ec2:DeleteTags", on=INSTANCE, when=OWN))),
    bad(
        "tags-immutable",
        "another profile",
        _with(allowing("ec2:AssociateIamInstanceProfile", on=INSTANCE)),
    ),
    bad(
        "buckets-in-own-account",
        "of any account",
        stack.INSTANCE_POLICY.having(policy=allowing("s3:PutObject", on="arn:aws:s3:::x/*")),
    ),
    good(
        "buckets-in-own-account",
        "its own",
        stack.INSTANCE_POLICY.having(
            policy=allowing("s3:PutObject", on="arn:aws:s3:::x/*", when=OWN)
        ),
    ),
    bad("boundary-explicit-deny", "silence", _edited(stack.MANAGER_BOUNDARY, _no_deny)),
    bad(
        "no-wildcard-actions",
        "in a role's inline policy",
        FakeResource(type=catalogue.ROLE_POLICY.name, props={"policy": allowing("*")}),
    ),
)

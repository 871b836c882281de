"""Grants: narrow, and the ones that were meant."""

from collections.abc import Callable
from typing import Any, Final

from policies import resource_types as kinds
from tests.policies import good_stack as stack
from tests.policies.case import Case, bad, good
from tests.policies.good_stack import allowing, edited
from tests.policies.view import Made

POLICY: Final = stack.MANAGER_POLICY
ROLE_ARN: Final = "arn:aws:iam::123456789012:role/sandbox-instance-role"
TO_EC2: Final = {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}
OWN: Final = {"StringEquals": {"s3:ResourceAccount": "123456789012"}}
RUN: Final = "ec2:RunInstances"
INSTANCE: Final = "arn:aws:ec2:us-east-1:123456789012:instance/*"


def _with(text: str) -> Made:
    return POLICY.having(policy=text)


def _edited(of: Made, change: Callable[[dict[str, Any]], object]) -> Made:
    return of.having(policy=edited(of.props["policy"], change))


def _statement(content: dict[str, Any], sid: str) -> dict[str, Any]:
    return next(one for one in content["Statement"] if one["Sid"] == sid)


def _dropping(sid: str, operator: str, key: str) -> Made:
    """The manager's policy without one condition."""
    return _edited(POLICY, lambda it: _statement(it, sid)["Condition"][operator].pop(key))


def _saying(sid: str, **parts: object) -> Made:
    return _edited(POLICY, lambda it: _statement(it, sid).update(parts))


def _no_deny(content: dict[str, Any]) -> None:
    content["Statement"] = [one for one in content["Statement"] if "NotAction" not in one]


INLINE_ROLE: Final = stack.ROLE.having(
    inlinePolicies=[{"name": "x", "policy": allowing("ec2:DescribeVpcs", on="*")}]
)
THE_PROGRAMS: Final = (
    POLICY,
    stack.MANAGER_BOUNDARY,
    stack.INSTANCE_POLICY,
    stack.INSTANCE_BOUNDARY,
)
EVERYWHERE: Final = (
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
    "launch-own-images",
    "control-own-instances",
    "marks-stay",
    "buckets-of-own-account",
    "boundary-denies-the-rest",
)
CASES: Final[tuple[Case, ...]] = (
    *(
        good(rule, f"the program's {made.name}", made)
        for rule in EVERYWHERE
        for made in THE_PROGRAMS
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
        "inside a role",
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
    bad("services-as-declared", "a policy nobody declared", POLICY.having(name="helper")),
    good("services-as-declared", "the second part", POLICY.having(name="sandbox-manager-policy-2")),
    bad("services-as-declared", "a look-alike", POLICY.having(name="sandbox-manager-policy-extra")),
    bad("pass-role-scoped", "any role", _saying("PassTheSandboxRole", Resource="*")),
    bad(
        "pass-role-scoped",
        "a second role",
        _saying("PassTheSandboxRole", Resource=[ROLE_ARN, "arn:aws:iam::123456789012:role/admin"]),
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
        _dropping("LaunchSandboxInstances", "StringLike", "aws:RequestTag/user_id"),
    ),
    bad(
        "launch-carries-user-id",
        "an empty user_id",
        _with(allowing(RUN, on=INSTANCE, when={"StringLike": {"aws:RequestTag/user_id": "*"}})),
    ),
    bad(
        "launch-carries-user-id",
        "no user_id on volumes",
        _dropping("LaunchWithEncryptedVolumes", "StringLike", "aws:RequestTag/user_id"),
    ),
    bad(
        "launch-with-profile",
        "any profile",
        _dropping("LaunchSandboxInstances", "ArnEquals", "ec2:InstanceProfile"),
    ),
    bad(
        "launch-in-vpc",
        "any VPC",
        _dropping("LaunchIntoTheSandboxNetwork", "ArnEquals", "ec2:Vpc"),
        findings=3,
    ),
    bad(
        "launch-imdsv2",
        "metadata v1",
        _dropping("LaunchSandboxInstances", "StringEquals", "ec2:MetadataHttpTokens"),
    ),
    bad(
        "launch-encrypted",
        "plain volumes",
        _dropping("LaunchWithEncryptedVolumes", "Bool", "ec2:Encrypted"),
    ),
    bad(
        "launch-own-images",
        "anybody's",
        _dropping("LaunchImagesOfTheProject", "StringEquals", "ec2:Owner"),
    ),
    bad(
        "launch-own-images",
        "snapshots",
        _with(allowing(RUN, on="arn:aws:ec2:us-east-1::snapshot/*")),
    ),
    good(
        "launch-own-images",
        "one image by its id",
        _with(allowing(RUN, on="arn:aws:ec2:us-east-1::image/ami-0123456789abcdef0")),
    ),
    bad(
        "control-own-instances",
        "any instance",
        _dropping("ControlSandboxInstances", "ArnEquals", "ec2:InstanceProfile"),
        findings=4,
    ),
    bad(
        "control-own-instances", "small letters", _with(allowing("ec2:stopinstances", on=INSTANCE))
    ),
    bad(
        "marks-stay",
        "tags later",
        _dropping("TagWhileLaunching", "StringEquals", "ec2:CreateAction"),
    ),
    bad("marks-stay", "no tags", _with(allowing("ec2:DeleteTags", on=INSTANCE, when=OWN))),
    bad(
        "marks-stay",
        "another profile",
        _with(allowing("ec2:AssociateIamInstanceProfile", on=INSTANCE)),
    ),
    bad(
        "buckets-of-own-account",
        "a stranger's",
        stack.INSTANCE_POLICY.having(policy=allowing("s3:PutObject", on="arn:aws:s3:::x/*")),
    ),
    good(
        "buckets-of-own-account",
        "its own",
        stack.INSTANCE_POLICY.having(
            policy=allowing("s3:PutObject", on="arn:aws:s3:::x/*", when=OWN)
        ),
    ),
    bad("boundary-denies-the-rest", "silence", _edited(stack.MANAGER_BOUNDARY, _no_deny)),
    bad(
        "no-wildcard-actions",
        "in a user's own",
        Made(type=kinds.USER_POLICY, props={"policy": allowing("*")}),
    ),
)

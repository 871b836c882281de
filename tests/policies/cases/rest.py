"""Inputs of the rules for tags, data and the stack's shape."""

from dataclasses import replace
from datetime import date
from typing import Any, Final

from policies.config import Parameters
from policies.exemptions import Exemption
from tests.policies import good_stack
from tests.policies.case import Case, bad, good
from tests.policies.pack_server import TAGS, FakeResource, secret

KEY_TEXT: Final = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
PRODUCTION: Final = Parameters(stack="production")
ENDED: Final = Exemption(
    rule="one-vpc", resource="stack", reason="until the move", expires=date(2026, 1, 31)
)


def _under(parameters: Parameters, case: Case) -> Case:
    return replace(case, parameters=parameters)


def _with_outputs(**outputs: Any) -> tuple[FakeResource, ...]:
    key = good_stack.KEY.with_props(secret=secret(KEY_TEXT), sesSmtpPasswordV4=secret("x" * 44))
    kept = good_stack.without(good_stack.KEY, good_stack.OUTPUTS)
    return (*kept, key, good_stack.OUTPUTS.with_props(**outputs))


CASES: Final[tuple[Case, ...]] = (
    good("required-tags", "by the provider's default tags", good_stack.VPC),
    good("required-tags", "what carries no tags", good_stack.ROUTE),
    good(
        "required-tags", "by its own", replace(good_stack.VPC.with_props(tags=TAGS), provider=None)
    ),
    good(
        "required-tags",
        "by the checked inputs",
        replace(good_stack.VPC.with_props(tagsAll=TAGS), provider=None),
    ),
    bad("required-tags", "by nobody", replace(good_stack.VPC, provider=None), findings=3),
    bad(
        "required-tags",
        "by the default provider",
        replace(good_stack.VPC, provider={"region": "us-east-1"}),
        findings=3,
    ),
    bad(
        "required-tags",
        "another environment",
        good_stack.VPC.with_props(tags={"Environment": "staging"}),
    ),
    bad(
        "required-tags",
        "another purpose",
        good_stack.USER.with_props(tags={"Purpose": "ami-build"}),
    ),
    bad(
        "required-tags",
        "not one that it drops",
        replace(good_stack.VPC.with_props(tags={"Project": "alignment-league"}), provider=None),
        findings=2,
    ),
    good("log-retention", "a year", good_stack.LOG_GROUP),
    bad("log-retention", "a week", good_stack.LOG_GROUP.with_props(retentionInDays=7)),
    bad("log-retention", "for ever", good_stack.LOG_GROUP.with_props(retentionInDays=None)),
    bad(
        "log-retention", "for ever, as a number", good_stack.LOG_GROUP.with_props(retentionInDays=0)
    ),
    _under(
        Parameters(log_retention_days=30),
        good(
            "log-retention",
            "as the pack's config says",
            good_stack.LOG_GROUP.with_props(retentionInDays=30),
        ),
    ),
    good("access-key-outputs-secret", "both", good_stack.KEY),
    bad(
        "access-key-outputs-secret", "none", replace(good_stack.KEY, secret_outputs=()), findings=2
    ),
    bad("access-key-outputs-secret", "one", replace(good_stack.KEY, secret_outputs=("secret",))),
    good("no-plaintext-secret-outputs", "the program's", good_stack.ALL),
    good(
        "no-plaintext-secret-outputs",
        "marked",
        _with_outputs(sandbox_manager_secret_access_key=secret(KEY_TEXT)),
    ),
    bad(
        "no-plaintext-secret-outputs",
        "plain, by its name",
        _with_outputs(sandbox_manager_secret_access_key="x"),
    ),
    bad(
        "no-plaintext-secret-outputs",
        "plain, under another name",
        _with_outputs(comment=f"key: {KEY_TEXT}"),
    ),
    bad(
        "no-plaintext-secret-outputs",
        "plain, deep inside",
        _with_outputs(config={"a": [{"b": KEY_TEXT}]}),
    ),
    good("names-as-expected", "the program's", good_stack.ALL),
    bad("names-as-expected", "no role of that name", good_stack.without(good_stack.ROLE)),
    bad(
        "names-as-expected",
        "another VPC name",
        good_stack.swapped(good_stack.VPC, good_stack.VPC.with_props(tags={"Name": "x"})),
    ),
    bad(
        "names-as-expected",
        "another group name",
        good_stack.swapped(
            good_stack.GROUP, good_stack.GROUP.with_props(name="sandbox-instances-1a2b3c4")
        ),
    ),
    _under(
        Parameters(manager_identity="irsa"),
        bad("names-as-expected", "no manager's role", good_stack.ALL),
    ),
    good("inside-a-component", "the program's", good_stack.VPC),
    bad("inside-a-component", "in the stack", replace(good_stack.VPC, parents="")),
    bad(
        "inside-a-component",
        "under a resource",
        replace(good_stack.SUBNET, parents="aws:ec2/vpc:Vpc$"),
    ),
    good("protected-in-production", "elsewhere", good_stack.VPC),
    _under(
        PRODUCTION,
        good("protected-in-production", "protected", replace(good_stack.VPC, protect=True)),
    ),
    _under(
        PRODUCTION,
        good(
            "protected-in-production",
            "flow logs' role",
            good_stack.ROLE.with_props(name="sandbox-flow-logs"),
        ),
    ),
    _under(PRODUCTION, bad("protected-in-production", "the VPC", good_stack.VPC)),
    _under(PRODUCTION, bad("protected-in-production", "the instances' role", good_stack.ROLE)),
    good("configured-region", "the program's", good_stack.SUBNET),
    bad("configured-region", "its own", good_stack.VPC.with_props(region="eu-west-1")),
    bad(
        "configured-region", "its zone", good_stack.SUBNET.with_props(availabilityZone="us-east-2a")
    ),
    bad(
        "configured-region",
        "its provider",
        replace(good_stack.VPC, provider={"region": "eu-west-1"}),
    ),
    bad("configured-region", "none", replace(good_stack.VPC, provider={})),
    good("reviewed-types", "the program's", good_stack.VPC),
    bad("reviewed-types", "a database", FakeResource(type="aws:rds/instance:Instance")),
    _under(
        Parameters(other_types=("aws:rds/instance:Instance",)),
        good("reviewed-types", "allowed", FakeResource(type="aws:rds/instance:Instance")),
    ),
    good(
        "no-ignored-changes",
        "of a description",
        replace(good_stack.GROUP, ignore_changes=("description",)),
    ),
    bad(
        "no-ignored-changes",
        "of a policy",
        replace(good_stack.MANAGER_POLICY, ignore_changes=("policy",)),
    ),
    bad(
        "no-ignored-changes",
        "of one tag",
        replace(good_stack.VPC, ignore_changes=('tags["Project"]',)),
    ),
    _under(
        Parameters(exemptions=(ENDED,), today=ENDED.expires),
        good("exemptions-current", "on its last day", good_stack.ALL),
    ),
    _under(
        Parameters(exemptions=(ENDED,), today=date(2026, 2, 1)),
        bad("exemptions-current", "the day after", good_stack.ALL),
    ),
)

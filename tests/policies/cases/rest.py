"""Inputs of the rules for tags, data and the stack's shape."""

from dataclasses import replace
from datetime import date
from typing import Any, Final

from policies.additions import Addition
from policies.config import Parameters
from policies.exemptions import Exemption
from tests.policies import stack
from tests.policies.case import Case, bad, good
from tests.policies.pack_server import TAGS, FakeResource, secret

KEY_TEXT: Final = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
PRODUCTION: Final = Parameters(stack="production")
STORED: Final = FakeResource(type="aws:secretsmanager/secretVersion:SecretVersion", name="key")
OWNERS: Final = Parameters(
    additions=(Addition(resource=f"{STORED.type}::key", reason="The service reads it there."),)
)
ENDED: Final = Exemption(
    rule="one-vpc", resource="stack", reason="until the move", expires=date(2026, 1, 31)
)


def _under(parameters: Parameters, case: Case) -> Case:
    return replace(case, parameters=parameters)


def _with_outputs(**outputs: Any) -> tuple[FakeResource, ...]:
    key = stack.KEY.having(secret=secret(KEY_TEXT), sesSmtpPasswordV4=secret("x" * 44))
    kept = stack.without(stack.KEY, stack.OUTPUTS)
    return (*kept, key, stack.OUTPUTS.having(**outputs))


CASES: Final[tuple[Case, ...]] = (
    good("required-tags", "by the provider's default tags", stack.VPC),
    good("required-tags", "what carries no tags", stack.ROUTE),
    good("required-tags", "by its own", replace(stack.VPC.having(tags=TAGS), provider=None)),
    good(
        "required-tags",
        "by the checked inputs",
        replace(stack.VPC.having(tagsAll=TAGS), provider=None),
    ),
    bad("required-tags", "by nobody", replace(stack.VPC, provider=None), findings=3),
    bad(
        "required-tags",
        "by the default provider",
        replace(stack.VPC, provider={"region": "us-east-1"}),
        findings=3,
    ),
    bad("required-tags", "another environment", stack.VPC.having(tags={"Environment": "staging"})),
    bad("required-tags", "another purpose", stack.USER.having(tags={"Purpose": "ami-build"})),
    bad(
        "required-tags",
        "not one that it drops",
        replace(stack.VPC.having(tags={"Project": "alignment-league"}), provider=None),
        findings=2,
    ),
    good("log-retention", "a year", stack.LOG_GROUP),
    bad("log-retention", "a week", stack.LOG_GROUP.having(retentionInDays=7)),
    _under(
        Parameters(log_retention_days=30),
        good(
            "log-retention", "as the pack's config says", stack.LOG_GROUP.having(retentionInDays=30)
        ),
    ),
    good("log-retention-as-configured", "a year", stack.LOG_GROUP),
    bad("log-retention-as-configured", "a week", stack.LOG_GROUP.having(retentionInDays=7)),
    bad("log-retention-as-configured", "for ever", stack.LOG_GROUP.having(retentionInDays=None)),
    _under(
        Parameters(flow_log_retention_days=30),
        good("log-retention-as-configured", "a month", stack.LOG_GROUP.having(retentionInDays=30)),
    ),
    good("access-key-outputs-secret", "both", stack.KEY),
    bad("access-key-outputs-secret", "none", replace(stack.KEY, secret_outputs=()), findings=2),
    bad("access-key-outputs-secret", "one", replace(stack.KEY, secret_outputs=("secret",))),
    good("no-plaintext-secret-outputs", "the program's", stack.ALL),
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
    good("secret-stays-with-key", "the program's", _with_outputs()),
    bad(
        "secret-stays-with-key",
        "in a tag",
        (*_with_outputs(), replace(stack.VPC.having(tags={"note": KEY_TEXT}), name="x")),
    ),
    bad(
        "secret-stays-with-key",
        "in a tag, as a secret",
        (*_with_outputs(), replace(stack.VPC.having(tags={"note": secret(KEY_TEXT)}), name="x")),
    ),
    _under(
        OWNERS,
        good(
            "secret-stays-with-key",
            "in the owner's store",
            (*_with_outputs(), STORED.having(secretString=secret(KEY_TEXT))),
        ),
    ),
    _under(
        OWNERS,
        bad(
            "secret-stays-with-key",
            "in the owner's store, in plain",
            (*_with_outputs(), STORED.having(secretString=KEY_TEXT)),
        ),
    ),
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
    _under(
        Parameters(monthly_budget_usd=100),
        bad("names-as-expected", "no budget with its stop", stack.ALL, findings=3),
    ),
    good("inside-a-component", "the program's", stack.VPC),
    bad("inside-a-component", "in the stack", replace(stack.VPC, parents="")),
    bad(
        "inside-a-component", "under a resource", replace(stack.SUBNET, parents="aws:ec2/vpc:Vpc$")
    ),
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
    good(
        "no-ignored-changes",
        "of a description",
        replace(stack.GROUP, ignore_changes=("description",)),
    ),
    bad(
        "no-ignored-changes",
        "of a policy",
        replace(stack.MANAGER_POLICY, ignore_changes=("policy",)),
    ),
    bad(
        "no-ignored-changes", "of one tag", replace(stack.VPC, ignore_changes=('tags["Project"]',))
    ),
    _under(
        Parameters(exemptions=(ENDED,), today=ENDED.expires),
        good("exemptions-current", "on its last day", stack.ALL),
    ),
    _under(
        Parameters(exemptions=(ENDED,), today=date(2026, 2, 1)),
        bad("exemptions-current", "the day after", stack.ALL),
    ),
)

"""Inputs of the rules for tags, data and the stack's shape."""

from dataclasses import replace
from datetime import date
from typing import Any, Final

from policies.additions import Addition
from policies.config import Parameters
from policies.exemptions import Exemption
from tests.policies import passing_stack
from tests.policies.pack_server import TAGS, FakeResource, secret
from tests.policies.rule_case import Case, bad, good

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
    key = passing_stack.KEY.having(secret=secret(KEY_TEXT), sesSmtpPasswordV4=secret("x" * 44))
    kept = passing_stack.without(passing_stack.KEY, passing_stack.OUTPUTS)
    return (*kept, key, passing_stack.OUTPUTS.having(**outputs))


CASES: Final[tuple[Case, ...]] = (
    good("required-tags", "by the provider's default tags", passing_stack.VPC),
    good("required-tags", "what carries no tags", passing_stack.ROUTE),
    good(
        "required-tags", "by its own", replace(passing_stack.VPC.having(tags=TAGS), provider=None)
    ),
    good(
        "required-tags",
        "by the checked inputs",
        replace(passing_stack.VPC.having(tagsAll=TAGS), provider=None),
    ),
    bad("required-tags", "by nobody", replace(passing_stack.VPC, provider=None), findings=3),
    bad(
        "required-tags",
        "by the default provider",
        replace(passing_stack.VPC, provider={"region": "us-east-1"}),
        findings=3,
    ),
    bad(
        "required-tags",
        "another environment",
        passing_stack.VPC.having(tags={"Environment": "staging"}),
    ),
    bad(
        "required-tags", "another purpose", passing_stack.USER.having(tags={"Purpose": "ami-build"})
    ),
    bad(
        "required-tags",
        "not one that it drops",
        replace(passing_stack.VPC.having(tags={"Project": "alignment-league"}), provider=None),
        findings=2,
    ),
    good("log-retention", "a year", passing_stack.LOG_GROUP),
    bad("log-retention", "a week", passing_stack.LOG_GROUP.having(retentionInDays=7)),
    _under(
        Parameters(log_retention_days=30),
        good(
            "log-retention",
            "as the pack's config says",
            passing_stack.LOG_GROUP.having(retentionInDays=30),
        ),
    ),
    good("log-retention-as-configured", "a year", passing_stack.LOG_GROUP),
    bad("log-retention-as-configured", "a week", passing_stack.LOG_GROUP.having(retentionInDays=7)),
    bad(
        "log-retention-as-configured",
        "for ever",
        passing_stack.LOG_GROUP.having(retentionInDays=None),
    ),
    _under(
        Parameters(flow_log_retention_days=30),
        good(
            "log-retention-as-configured",
            "a month",
            passing_stack.LOG_GROUP.having(retentionInDays=30),
        ),
    ),
    good("access-key-outputs-secret", "both", passing_stack.KEY),
    bad(
        "access-key-outputs-secret",
        "none",
        replace(passing_stack.KEY, secret_outputs=()),
        findings=2,
    ),
    bad("access-key-outputs-secret", "one", replace(passing_stack.KEY, secret_outputs=("secret",))),
    good("no-plaintext-secret-outputs", "the program's", passing_stack.ALL),
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
        (*_with_outputs(), replace(passing_stack.VPC.having(tags={"note": KEY_TEXT}), name="x")),
    ),
    bad(
        "secret-stays-with-key",
        "in a tag, as a secret",
        (
            *_with_outputs(),
            replace(passing_stack.VPC.having(tags={"note": secret(KEY_TEXT)}), name="x"),
        ),
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
    good("names-as-expected", "the program's", passing_stack.ALL),
    bad("names-as-expected", "no role of that name", passing_stack.without(passing_stack.ROLE)),
    bad(
        "names-as-expected",
        "another VPC name",
        passing_stack.swapped(passing_stack.VPC, passing_stack.VPC.having(tags={"Name": "x"})),
    ),
    bad(
        "names-as-expected",
        "another group name",
        passing_stack.swapped(
            passing_stack.GROUP, passing_stack.GROUP.having(name="sandbox-instances-1a2b3c4")
        ),
    ),
    _under(
        Parameters(manager_identity="irsa"),
        bad("names-as-expected", "no manager's role", passing_stack.ALL),
    ),
    _under(
        Parameters(monthly_budget_usd=100),
        bad("names-as-expected", "no budget with its stop", passing_stack.ALL, findings=3),
    ),
    good("inside-a-component", "the program's", passing_stack.VPC),
    bad("inside-a-component", "in the stack", replace(passing_stack.VPC, parents="")),
    bad(
        "inside-a-component",
        "under a resource",
        replace(passing_stack.SUBNET, parents="aws:ec2/vpc:Vpc$"),
    ),
    good("protected-in-production", "elsewhere", passing_stack.VPC),
    _under(
        PRODUCTION,
        good("protected-in-production", "protected", replace(passing_stack.VPC, protect=True)),
    ),
    _under(
        PRODUCTION,
        good(
            "protected-in-production",
            "flow logs' role",
            passing_stack.ROLE.having(name="sandbox-flow-logs"),
        ),
    ),
    _under(PRODUCTION, bad("protected-in-production", "the VPC", passing_stack.VPC)),
    _under(PRODUCTION, bad("protected-in-production", "the instances' role", passing_stack.ROLE)),
    good("configured-region", "the program's", passing_stack.SUBNET),
    bad("configured-region", "its own", passing_stack.VPC.having(region="eu-west-1")),
    bad(
        "configured-region", "its zone", passing_stack.SUBNET.having(availabilityZone="us-east-2a")
    ),
    bad(
        "configured-region",
        "its provider",
        replace(passing_stack.VPC, provider={"region": "eu-west-1"}),
    ),
    bad("configured-region", "none", replace(passing_stack.VPC, provider={})),
    good(
        "no-ignored-changes",
        "of a description",
        replace(passing_stack.GROUP, ignore_changes=("description",)),
    ),
    bad(
        "no-ignored-changes",
        "of a policy",
        replace(passing_stack.MANAGER_POLICY, ignore_changes=("policy",)),
    ),
    bad(
        "no-ignored-changes",
        "of one tag",
        replace(passing_stack.VPC, ignore_changes=('tags["Project"]',)),
    ),
    _under(
        Parameters(exemptions=(ENDED,), today=ENDED.expires),
        good("exemptions-current", "on its last day", passing_stack.ALL),
    ),
    _under(
        Parameters(exemptions=(ENDED,), today=date(2026, 2, 1)),
        bad("exemptions-current", "the day after", passing_stack.ALL),
    ),
)

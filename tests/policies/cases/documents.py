"""Inputs of the rules for permission documents; the mutants are further inputs."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from infra import names
from policies.config import Parameters
from tests.policies import passing_stack
from tests.policies.pack_server import FakeResource
from tests.policies.passing_stack import allowing, edited, trust_of
from tests.policies.rule_case import Case, bad, good

POLICY: Final = passing_stack.MANAGER_POLICY
PROGRAM_POLICIES: Final = (
    POLICY,
    passing_stack.MANAGER_BOUNDARY,
    passing_stack.INSTANCE_POLICY,
    passing_stack.INSTANCE_BOUNDARY,
    passing_stack.FLOW_LOGS_BOUNDARY,
)
STRANGER: Final = "999999999999"
INSTANCE: Final = "arn:aws:ec2:us-east-1:123456789012:instance/*"


def _with(text: str) -> FakeResource:
    return POLICY.having(policy=text)


def _edited(of: FakeResource, change: Callable[[dict[str, Any]], object]) -> FakeResource:
    return of.having(policy=edited(of.props["policy"], change))


def _without(of: FakeResource, sid: str) -> FakeResource:
    def change(content: dict[str, Any]) -> None:
        content["Statement"] = [
            statement for statement in content["Statement"] if statement["Sid"] != sid
        ]

    return _edited(of, change)


OTHERS_ACCOUNT: Final = POLICY.having(
    policy=POLICY.props["policy"].replace(passing_stack.ACCOUNT, STRANGER)
)
OTHERS_VPC: Final = POLICY.having(
    policy=POLICY.props["policy"].replace(
        passing_stack.POLICY_CONTEXT.vpc_id, "vpc-0aaaaaaaaaaaaaaaa"
    )
)
CASES: Final[tuple[Case, ...]] = (
    *(
        good(rule, f"the program's {policy.name}", policy)
        for rule in ("grants-as-declared", "denials-present")
        for policy in PROGRAM_POLICIES
    ),
    good("grants-as-declared", "the second part", POLICY.having(name=f"{POLICY.name}-2")),
    bad("grants-as-declared", "everything", _with(allowing("*", on="*"))),
    bad("grants-as-declared", "a service", _with(allowing("ec2:*", on="*"))),
    bad("grants-as-declared", "two actions", _with(allowing("s3:Get*", "ec2:Run*")), findings=2),
    bad("grants-as-declared", "a key", _with(allowing("iam:CreateAccessKey"))),
    bad("grants-as-declared", "small letters", _with(allowing("ec2:stopinstances", on=INSTANCE))),
    bad("grants-as-declared", "no document at all", _with("nonsense")),
    bad(
        "grants-as-declared",
        "another document's action",
        passing_stack.INSTANCE_POLICY.having(policy=allowing("ec2:RunInstances", on=INSTANCE)),
    ),
    bad(
        "grants-as-declared",
        "a look-alike's",
        POLICY.having(name="helper", policy=allowing("ce:GetTags", on="*")),
    ),
    bad(
        "denials-present", "no ceiling", _without(passing_stack.MANAGER_BOUNDARY, "NothingElseEver")
    ),
    bad(
        "denials-present",
        "another region",
        _without(passing_stack.MANAGER_BOUNDARY, "NoOtherRegion"),
        findings=22,
    ),
    *(
        replace(case, parameters=Parameters(permissions_boundary=passing_stack.ORGANIZATION))
        for case in (
            good("denials-in-policies", "the program's", passing_stack.UNDER_ORGANIZATION),
            *(
                bad(
                    "denials-in-policies",
                    f"a part of {name} that is not attached",
                    [
                        resource
                        for resource in passing_stack.UNDER_ORGANIZATION
                        if resource.props.get("policyArn") != passing_stack.policy_arn(name)
                    ],
                )
                for name in (names.MANAGER_POLICY, names.INSTANCE_POLICY, names.FLOW_LOGS)
            ),
            *(
                bad(
                    "denials-in-policies",
                    f"no {sid}",
                    [
                        _without(resource, sid) if "policy" in resource.props else resource
                        for resource in passing_stack.UNDER_ORGANIZATION
                    ],
                    findings=findings,
                )
                for sid, findings in {"NoOtherRegion": 22, "NothingButFlowLogs": 1}.items()
            ),
        )
    ),
    good("denials-in-policies", "not needed beside boundaries", passing_stack.ALL),
    good("results-kept-apart", "the program's", passing_stack.ALL),
    bad(
        "results-kept-apart",
        "no Deny",
        passing_stack.swapped(
            passing_stack.INSTANCE_POLICY,
            _without(passing_stack.INSTANCE_POLICY, "KeepResultsFromOtherSandboxes"),
        ),
        findings=2,
    ),
    replace(
        good(
            "results-kept-apart",
            "no Deny, as configured",
            passing_stack.swapped(
                passing_stack.INSTANCE_POLICY,
                _without(passing_stack.INSTANCE_POLICY, "KeepResultsFromOtherSandboxes"),
            ),
        ),
        parameters=Parameters(instances_read_outputs=True),
    ),
    bad(
        "grants-as-declared",
        "an element twice",
        POLICY.having(policy=allowing("s3:GetObject").replace('"Effect"', '"effect": 1, "Effect"')),
    ),
    good("documents-name-own-things", "the program's", passing_stack.ALL),
    bad(
        "documents-name-own-things",
        "another account",
        passing_stack.swapped(POLICY, OTHERS_ACCOUNT),
    ),
    bad("documents-name-own-things", "another VPC", passing_stack.swapped(POLICY, OTHERS_VPC)),
    bad(
        "documents-name-own-things",
        "another account in a trust policy",
        passing_stack.swapped(
            passing_stack.FLOW_LOGS_ROLE,
            passing_stack.FLOW_LOGS_ROLE.having(
                assumeRolePolicy=trust_of(
                    {"Service": "vpc-flow-logs.amazonaws.com"},
                    {"StringEquals": {"aws:SourceAccount": STRANGER}},
                )
            ),
        ),
    ),
    good(
        "denials-present",
        "the stop",
        POLICY.having(
            name=names.SPENDING_STOP,
            policy=edited(
                allowing("ec2:RunInstances", "ec2:StartInstances", on="*"),
                lambda content: content["Statement"][0].update(Effect="Deny"),
            ),
        ),
    ),
)

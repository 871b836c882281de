"""Inputs of the rules for identities."""

from dataclasses import replace
from datetime import date
from typing import Final

from policies.config import Parameters
from tests.policies import passing_stack
from tests.policies.pack_server import UNKNOWN, FakeResource
from tests.policies.passing_stack import ACCOUNT, trust_of
from tests.policies.rule_case import Case, bad, good

PROVIDER: Final = f"arn:aws:iam::{ACCOUNT}:oidc-provider/oidc.eks.example/id/1"
ISSUER: Final = "oidc.eks.example/id/1"
EXACT: Final = {
    f"{ISSUER}:sub": "system:serviceaccount:default:sandbox",
    f"{ISSUER}:aud": "sts.amazonaws.com",
}
FLOW: Final = passing_stack.FLOW_LOGS_ROLE
MANAGER_ROLE: Final = passing_stack.ROLE.having(
    name="sandbox-manager", permissionsBoundary=passing_stack.policy_arn("sandbox-manager-boundary")
)
IRSA: Final = Parameters(
    manager_identity="irsa", oidc_provider_arn=PROVIDER, service_account="default/sandbox"
)
PODS: Final = Parameters(manager_identity="pod-identity", service_account="default/sandbox")


def _trusting(principal: object, condition: object = None) -> FakeResource:
    return passing_stack.ROLE.having(assumeRolePolicy=trust_of(principal, condition))


def _irsa(condition: object) -> FakeResource:
    action = "sts:AssumeRoleWithWebIdentity"
    trust = trust_of({"Federated": PROVIDER}, condition, action)
    return MANAGER_ROLE.having(assumeRolePolicy=trust)


def _pods(condition: object) -> FakeResource:
    principal = {"Service": "pods.eks.amazonaws.com"}
    return MANAGER_ROLE.having(assumeRolePolicy=trust_of(principal, condition))


def _under(parameters: Parameters, case: Case) -> Case:
    return replace(case, parameters=parameters)


def _on(day: date, case: Case) -> Case:
    return _under(Parameters(today=day), case)


SECOND_KEY: Final = replace(passing_stack.KEY, name="second")
DATED_KEY: Final = passing_stack.KEY.having(createDate="2026-08-26T23:59:59Z")
NINETY_DAYS_LATER: Final = date(2026, 11, 24)
NINETY_ONE: Final = date(2026, 11, 25)
ROTATING: Final = Parameters(manager_keys={"a": "current", "b": "next"})
SWITCHED_OFF: Final = Parameters(manager_keys={"a": "inactive", "b": "current"})

CASES: Final[tuple[Case, ...]] = (
    good("keys-as-configured", "the manager's", passing_stack.ALL),
    _under(
        SWITCHED_OFF,
        good(
            "keys-as-configured",
            "an inactive one beside it",
            (*passing_stack.ALL, SECOND_KEY.having(status="Inactive")),
        ),
    ),
    bad(
        "keys-as-configured",
        "an inactive one that no stage has",
        (*passing_stack.ALL, SECOND_KEY.having(status="Inactive")),
    ),
    bad("keys-as-configured", "two", (*passing_stack.ALL, SECOND_KEY)),
    _under(ROTATING, good("keys-as-configured", "a rotation", (*passing_stack.ALL, SECOND_KEY))),
    good("access-key-age", "made today", passing_stack.ALL),
    _on(NINETY_DAYS_LATER, good("access-key-age", "90 days old", (passing_stack.USER, DATED_KEY))),
    _on(NINETY_ONE, bad("access-key-age", "91 days old", (passing_stack.USER, DATED_KEY))),
    _on(
        NINETY_ONE,
        good(
            "access-key-age",
            "old, and switched off",
            (passing_stack.USER, DATED_KEY.having(status="Inactive")),
        ),
    ),
    _on(
        NINETY_ONE,
        bad(
            "access-key-age",
            "old, beside the one that follows it",
            (passing_stack.USER, DATED_KEY, SECOND_KEY.having(createDate="2026-11-20T08:00:00Z")),
        ),
    ),
    _under(
        Parameters(max_key_age_days=180, today=NINETY_ONE),
        good("access-key-age", "as the pack's config says", (passing_stack.USER, DATED_KEY)),
    ),
    bad("access-key-age", "no date", (passing_stack.USER, DATED_KEY.having(createDate=None))),
    good("trust-policy-scoped", "EC2", passing_stack.ROLE),
    good("trust-policy-scoped", "flow logs of this account", FLOW),
    bad("trust-policy-scoped", "anybody", _trusting("*")),
    bad("trust-policy-scoped", "any account", _trusting({"AWS": "*"})),
    bad(
        "trust-policy-scoped",
        "another account",
        _trusting({"AWS": "arn:aws:iam::999999999999:root"}),
    ),
    bad(
        "trust-policy-scoped",
        "a second service",
        _trusting({"Service": ["ec2.amazonaws.com", "lambda.amazonaws.com"]}),
    ),
    bad("trust-policy-scoped", "EC2, for another role", passing_stack.ROLE.having(name="other")),
    bad(
        "trust-policy-scoped",
        "flow logs of all accounts",
        FLOW.having(assumeRolePolicy=trust_of({"Service": "vpc-flow-logs.amazonaws.com"})),
    ),
    bad(
        "trust-policy-scoped", "no document", passing_stack.ROLE.having(assumeRolePolicy="nonsense")
    ),
    _under(
        IRSA, good("trust-policy-scoped", "one service account", _irsa({"StringEquals": EXACT}))
    ),
    _under(
        IRSA,
        bad(
            "trust-policy-scoped",
            "all service accounts",
            _irsa({"StringLike": {**EXACT, f"{ISSUER}:sub": "system:serviceaccount:*"}}),
        ),
    ),
    _under(IRSA, bad("trust-policy-scoped", "the whole cluster", _irsa(None))),
    bad("trust-policy-scoped", "a cluster, for a user", _irsa({"StringEquals": EXACT})),
    _under(
        PODS,
        good(
            "trust-policy-scoped",
            "pods of one service account",
            _pods(
                {
                    "StringEquals": {
                        "aws:RequestTag/kubernetes-namespace": "default",
                        "aws:RequestTag/kubernetes-service-account": "sandbox",
                    }
                }
            ),
        ),
    ),
    _under(PODS, bad("trust-policy-scoped", "all pods", _pods(None))),
    good("boundary-present", "the user's", passing_stack.USER),
    good("boundary-present", "the role's", passing_stack.ROLE),
    good("boundary-present", "the flow logs'", FLOW),
    bad("boundary-present", "no flow logs'", FLOW.having(permissionsBoundary=None)),
    bad("boundary-present", "no user's", passing_stack.USER.having(permissionsBoundary=None)),
    bad("boundary-present", "no role's", passing_stack.ROLE.having(permissionsBoundary=None)),
    bad(
        "boundary-present",
        "AWS's",
        passing_stack.ROLE.having(permissionsBoundary="arn:aws:iam::aws:policy/PowerUserAccess"),
    ),
    bad(
        "boundary-present",
        "the manager's, for instances",
        passing_stack.ROLE.having(
            permissionsBoundary=passing_stack.policy_arn("sandbox-manager-boundary")
        ),
    ),
    *(
        _under(Parameters(permissions_boundary=passing_stack.ORGANIZATION), case)
        for case in (
            good(
                "boundary-present",
                "the organization's",
                passing_stack.ROLE.having(permissionsBoundary=passing_stack.ORGANIZATION),
            ),
            bad("boundary-present", "the program's, not the organization's", passing_stack.ROLE),
            good(
                "boundary-matches-identity", "the organization's", passing_stack.UNDER_ORGANIZATION
            ),
            good("names-as-expected", "without boundaries", passing_stack.UNDER_ORGANIZATION),
        )
    ),
    bad(
        "boundary-present",
        "an organization's that no setting names",
        passing_stack.ROLE.having(permissionsBoundary=passing_stack.ORGANIZATION),
    ),
    bad("names-as-expected", "no boundaries", passing_stack.UNDER_ORGANIZATION, findings=2),
    good("boundary-matches-identity", "the program's", passing_stack.ALL),
    bad(
        "boundary-matches-identity",
        "the other's, in a first preview",
        passing_stack.swapped(
            passing_stack.ROLE,
            replace(
                passing_stack.ROLE.having(permissionsBoundary=UNKNOWN),
                dependencies={"permissionsBoundary": [passing_stack.MANAGER_BOUNDARY]},
            ),
        ),
    ),
    bad(
        "boundary-matches-identity",
        "of another path",
        passing_stack.swapped(
            passing_stack.ROLE,
            replace(
                passing_stack.ROLE.having(
                    permissionsBoundary=passing_stack.policy_arn("x/sandbox-instance-boundary")
                ),
                dependencies={},
            ),
        ),
    ),
)

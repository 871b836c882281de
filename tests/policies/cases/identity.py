"""One manager, one role for instances, each under its own boundary."""

from dataclasses import replace
from datetime import date
from typing import Final

from policies import resource_types as kinds
from policies.config import Parameters
from tests.policies import good_stack as stack
from tests.policies.case import Case, bad, good
from tests.policies.good_stack import ACCOUNT, trust_of
from tests.policies.view import Made

ADMIN: Final = "arn:aws:iam::aws:policy/AdministratorAccess"
PROVIDER: Final = f"arn:aws:iam::{ACCOUNT}:oidc-provider/oidc.eks.example/id/1"
ISSUER: Final = "oidc.eks.example/id/1"
EXACT: Final = {
    f"{ISSUER}:sub": "system:serviceaccount:default:sandbox",
    f"{ISSUER}:aud": "sts.amazonaws.com",
}
FLOW: Final = stack.ROLE.having(
    name="sandbox-flow-logs",
    permissionsBoundary=None,
    assumeRolePolicy=trust_of(
        {"Service": "vpc-flow-logs.amazonaws.com"},
        {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
    ),
)
MANAGER_ROLE: Final = stack.ROLE.having(
    name="sandbox-manager", permissionsBoundary=stack.policy_arn("sandbox-manager-boundary")
)
IRSA: Final = Parameters(manager_identity="irsa")
PODS: Final = Parameters(manager_identity="pod-identity")


def _trusting(principal: object, condition: object = None) -> Made:
    return stack.ROLE.having(assumeRolePolicy=trust_of(principal, condition))


def _irsa(condition: object) -> Made:
    return MANAGER_ROLE.having(assumeRolePolicy=trust_of({"Federated": PROVIDER}, condition))


def _pods(condition: object) -> Made:
    principal = {"Service": "pods.eks.amazonaws.com"}
    return MANAGER_ROLE.having(assumeRolePolicy=trust_of(principal, condition))


def _under(parameters: Parameters, case: Case) -> Case:
    return replace(case, parameters=parameters)


def _on(day: date, case: Case) -> Case:
    return _under(Parameters(today=day), case)


SECOND_KEY: Final = replace(stack.KEY, name="second")
DATED_KEY: Final = stack.KEY.having(createDate="2026-08-26T23:59:59Z")
NINETY_DAYS_LATER: Final = date(2026, 11, 24)
NINETY_ONE: Final = date(2026, 11, 25)
PLAIN_KEY: Final = replace(stack.KEY, name="third", wires={})
BOUNDARY_ATTACHED: Final = replace(
    stack.USER_ATTACHMENT,
    name="boundary",
    props={"user": "sandbox-manager", "policyArn": stack.policy_arn("sandbox-manager-boundary")},
    wires={"policyArn": [stack.MANAGER_BOUNDARY]},
)
MANAGERS_TO_INSTANCES: Final = replace(
    stack.ROLE_ATTACHMENT,
    name="wrong",
    props={
        "role": "sandbox-instance-role",
        "policyArn": stack.policy_arn("sandbox-manager-policy"),
    },
    wires={"policyArn": [stack.MANAGER_POLICY], "role": [stack.ROLE]},
)

CASES: Final[tuple[Case, ...]] = (
    good("no-aws-managed-policies", "the program's", stack.USER_ATTACHMENT),
    bad("no-aws-managed-policies", "admin", stack.USER_ATTACHMENT.having(policyArn=ADMIN)),
    bad(
        "no-aws-managed-policies",
        "in the role itself",
        stack.ROLE.having(managedPolicyArns=[ADMIN, f"{ADMIN}2"]),
        findings=2,
    ),
    _under(
        Parameters(aws_managed_policies=(ADMIN,)),
        good("no-aws-managed-policies", "allowed", stack.USER_ATTACHMENT.having(policyArn=ADMIN)),
    ),
    good("no-inline-user-policies", "a policy of its own", stack.MANAGER_POLICY),
    bad("no-inline-user-policies", "a user's", Made(type=kinds.USER_POLICY)),
    bad("no-inline-user-policies", "a group's", Made(type=kinds.GROUP_POLICY)),
    good("no-console-login", "a key", stack.KEY),
    bad("no-console-login", "a password", Made(type=kinds.LOGIN)),
    good("no-other-people", "the manager", stack.USER),
    bad("no-other-people", "a group", Made(type="aws:iam/group:Group")),
    bad("no-other-people", "a login provider", Made(type="aws:iam/samlProvider:SamlProvider")),
    good("only-the-manager", "the manager", stack.USER),
    bad("only-the-manager", "somebody else", stack.USER.having(name="somebody")),
    bad("only-the-manager", "elsewhere", stack.USER.having(path="/")),
    _under(IRSA, bad("only-the-manager", "beside the role", stack.USER)),
    good("one-access-key", "the manager's", stack.ALL),
    good(
        "one-access-key",
        "an inactive one beside it",
        (*stack.ALL, SECOND_KEY.having(status="Inactive")),
    ),
    bad("one-access-key", "two", (*stack.ALL, SECOND_KEY)),
    bad(
        "one-access-key",
        "two that nothing wires",
        (*stack.without(stack.KEY), PLAIN_KEY, replace(PLAIN_KEY, name="fourth")),
    ),
    _under(
        Parameters(access_keys=2),
        good("one-access-key", "two while rotating", (*stack.ALL, SECOND_KEY)),
    ),
    good("access-key-age", "made today", stack.ALL),
    _on(NINETY_DAYS_LATER, good("access-key-age", "90 days old", (stack.USER, DATED_KEY))),
    _on(NINETY_ONE, bad("access-key-age", "91 days old", (stack.USER, DATED_KEY))),
    _on(
        NINETY_ONE,
        good(
            "access-key-age",
            "old, and switched off",
            (stack.USER, DATED_KEY.having(status="Inactive")),
        ),
    ),
    _on(
        NINETY_ONE,
        bad(
            "access-key-age",
            "old, beside the one that follows it",
            (stack.USER, DATED_KEY, SECOND_KEY.having(createDate="2026-11-20T08:00:00Z")),
        ),
    ),
    _under(
        Parameters(max_key_age_days=180, today=NINETY_ONE),
        good("access-key-age", "as the pack's config says", (stack.USER, DATED_KEY)),
    ),
    bad("access-key-age", "no date", (stack.USER, DATED_KEY.having(createDate=None))),
    good("trust-is-narrow", "EC2", stack.ROLE),
    good("trust-is-narrow", "flow logs of this account", FLOW),
    bad("trust-is-narrow", "anybody", _trusting("*")),
    bad("trust-is-narrow", "any account", _trusting({"AWS": "*"})),
    bad("trust-is-narrow", "another account", _trusting({"AWS": "arn:aws:iam::999999999999:root"})),
    bad(
        "trust-is-narrow",
        "a second service",
        _trusting({"Service": ["ec2.amazonaws.com", "lambda.amazonaws.com"]}),
    ),
    bad("trust-is-narrow", "EC2, for another role", stack.ROLE.having(name="other")),
    bad(
        "trust-is-narrow",
        "flow logs of all accounts",
        FLOW.having(assumeRolePolicy=trust_of({"Service": "vpc-flow-logs.amazonaws.com"})),
    ),
    bad("trust-is-narrow", "no document", stack.ROLE.having(assumeRolePolicy="nonsense")),
    _under(IRSA, good("trust-is-narrow", "one service account", _irsa({"StringEquals": EXACT}))),
    _under(
        IRSA,
        bad(
            "trust-is-narrow",
            "all service accounts",
            _irsa({"StringLike": {**EXACT, f"{ISSUER}:sub": "system:serviceaccount:*"}}),
        ),
    ),
    _under(IRSA, bad("trust-is-narrow", "the whole cluster", _irsa(None))),
    bad("trust-is-narrow", "a cluster, for a user", _irsa({"StringEquals": EXACT})),
    _under(
        PODS,
        good(
            "trust-is-narrow",
            "pods of one service account",
            _pods({"StringEquals": {"aws:RequestTag/kubernetes-service-account": "sandbox"}}),
        ),
    ),
    _under(PODS, bad("trust-is-narrow", "all pods", _pods(None))),
    good("boundary-present", "the user's", stack.USER),
    good("boundary-present", "the role's", stack.ROLE),
    good("boundary-present", "flow logs need none", FLOW),
    bad("boundary-present", "no user's", stack.USER.having(permissionsBoundary=None)),
    bad("boundary-present", "no role's", stack.ROLE.having(permissionsBoundary=None)),
    bad(
        "boundary-present",
        "AWS's",
        stack.ROLE.having(permissionsBoundary="arn:aws:iam::aws:policy/PowerUserAccess"),
    ),
    bad(
        "boundary-present",
        "the manager's, for instances",
        stack.ROLE.having(permissionsBoundary=stack.policy_arn("sandbox-manager-boundary")),
    ),
    good("boundary-is-its-own", "the program's", stack.ALL),
    bad(
        "boundary-is-its-own",
        "the other's",
        stack.swapped(
            stack.ROLE, replace(stack.ROLE, wires={"permissionsBoundary": [stack.MANAGER_BOUNDARY]})
        ),
    ),
    good("boundary-is-no-grant", "the program's", stack.ALL),
    bad("boundary-is-no-grant", "attached", (*stack.ALL, BOUNDARY_ATTACHED)),
    bad(
        "boundary-is-no-grant",
        "attached by its ARN",
        (*stack.ALL, replace(BOUNDARY_ATTACHED, wires={})),
    ),
    good("policies-stay-with-their-identity", "the program's", stack.ALL),
    bad(
        "policies-stay-with-their-identity",
        "the manager's on instances",
        (*stack.ALL, MANAGERS_TO_INSTANCES),
    ),
    good("profile-holds-instance-role", "the program's", stack.ALL),
    bad(
        "profile-holds-instance-role",
        "another role",
        stack.swapped(stack.PROFILE, stack.PROFILE.having(role="sandbox-flow-logs")),
    ),
    bad(
        "profile-holds-instance-role",
        "another profile",
        (*stack.ALL, replace(stack.PROFILE.having(name="other"), name="other")),
    ),
)

"""Inputs of the rules of the closed list; the mutants are further inputs."""

import json
from dataclasses import replace
from typing import Final

from infra import catalogue
from policies import properties
from policies.additions import Addition
from policies.config import Parameters
from tests.policies import passing_stack
from tests.policies.pack_server import FakeResource
from tests.policies.rule_case import Case, bad, good

DATABASE: Final = FakeResource(type="aws:rds/instance:Instance")
PROVIDER: Final = FakeResource(
    type=properties.PROVIDER, name="aws", parents="", provider=None, props={"region": "us-east-1"}
)
PINNED: Final = PROVIDER.having(allowedAccountIds=json.dumps([passing_stack.ACCOUNT]))
IN_ACCOUNT: Final = Parameters(account_id=passing_stack.ACCOUNT)
ADDED: Final = Parameters(
    additions=(
        Addition(resource=f"{DATABASE.type}::it", reason="the owner's"),
        Addition(resource="aws:iam/rolePolicyAttachment:RolePolicyAttachment::x", reason="test"),
        Addition(resource="aws:sns/topic:Topic::x", reason="the owner's"),
        Addition(resource=f"{catalogue.INGRESS_RULE.name}::x", reason="the owner's"),
    )
)
ATTACHMENT: Final = replace(passing_stack.ROLE_ATTACHMENT, name="x")
TOPIC: Final = FakeResource(type="aws:sns/topic:Topic", name="x")
ADDED_RULE: Final = replace(passing_stack.INGRESS, name="x")


def _moved(old: FakeResource, **props: object) -> tuple[FakeResource, ...]:
    """The stack with other references in one resource, without its dependencies."""
    return passing_stack.swapped(old, replace(old.having(**props), dependencies={}))


CASES: Final[tuple[Case, ...]] = (
    good("reviewed-types", "the program's", passing_stack.VPC),
    good("reviewed-types", "a component", FakeResource(type="sandbox:x:X", provider=None)),
    bad("reviewed-types", "a database", DATABASE),
    bad("reviewed-types", "a command", FakeResource(type="command:local:Command")),
    replace(good("reviewed-types", "a listed addition", DATABASE), parameters=ADDED),
    good("reviewed-providers", "the program's", PROVIDER),
    good("reviewed-providers", "made by it", passing_stack.VPC),
    bad("reviewed-providers", "in another account", PROVIDER.having(assumeRoles="[]")),
    replace(good("reviewed-providers", "pinned", PINNED), parameters=IN_ACCOUNT),
    replace(bad("reviewed-providers", "in any account", PROVIDER), parameters=IN_ACCOUNT),
    bad("reviewed-providers", "another", replace(PROVIDER, name="other")),
    bad(
        "reviewed-providers",
        "another package",
        replace(PROVIDER, type="pulumi:providers:command", name="default"),
    ),
    good("properties-as-declared", "the program's VPC", passing_stack.VPC),
    good("properties-as-declared", "the program's rule", passing_stack.INGRESS),
    good(
        "properties-as-declared",
        "the second list of many ranges",
        passing_stack.PREFIX_LIST.having(name="sandbox-ssh-ipv4-2", addressFamily="IPv4"),
    ),
    bad(
        "properties-as-declared",
        "another prefix list",
        passing_stack.PREFIX_LIST.having(name="others", addressFamily="IPv4"),
    ),
    good(
        "properties-as-declared", "empty rules", passing_stack.GROUP.having(ingress=[], egress=[])
    ),
    bad("properties-as-declared", "no known property", passing_stack.VPC.having(novelty="x")),
    bad("properties-as-declared", "tenancy", passing_stack.VPC.having(instanceTenancy="dedicated")),
    bad(
        "properties-as-declared",
        "two inline rules",
        passing_stack.GROUP.having(ingress=[{"protocol": "tcp"}], egress=[{"protocol": "-1"}]),
        findings=2,
    ),
    bad(
        "properties-as-declared", "RDP", passing_stack.INGRESS.having(fromPort=3389, toPort=3389), 2
    ),
    bad(
        "properties-as-declared",
        "no ports",
        passing_stack.INGRESS.having(fromPort=None, toPort=None),
        2,
    ),
    bad("properties-as-declared", "all protocols", passing_stack.INGRESS.having(ipProtocol="-1")),
    bad("properties-as-declared", "no role", passing_stack.PROFILE.having(role=None)),
    good("references-in-stack", "the program's", passing_stack.ALL),
    bad(
        "references-in-stack",
        "another group",
        _moved(passing_stack.INGRESS, securityGroupId="sg-0aaaaaaaaaaaaaaaa"),
    ),
    bad(
        "references-in-stack",
        "one of two tables",
        _moved(
            passing_stack.ENDPOINT, routeTableIds=["rtb-0123456789abcdef0", "rtb-0aaaaaaaaaaaaaaaa"]
        ),
    ),
    bad("references-in-stack", "another user", _moved(passing_stack.KEY, user="admin")),
    good("attachments-between-own", "the program's", passing_stack.ALL),
    bad(
        "attachments-between-own",
        "the account's policy",
        _moved(passing_stack.USER_ATTACHMENT, policyArn=passing_stack.policy_arn("deploy")),
    ),
    bad(
        "attachments-between-own",
        "the sandboxes' policy on the manager",
        _moved(
            passing_stack.USER_ATTACHMENT,
            policyArn=passing_stack.policy_arn("sandbox-instance-policy"),
        ),
    ),
    bad(
        "attachments-between-own",
        "a boundary",
        _moved(
            passing_stack.USER_ATTACHMENT,
            policyArn=passing_stack.policy_arn("sandbox-manager-boundary"),
        ),
    ),
    bad(
        "attachments-between-own",
        "another user",
        _moved(passing_stack.USER_ATTACHMENT, user="admin"),
    ),
    replace(
        bad("additions-open-nothing", "a rule in the group", (*passing_stack.ALL, ADDED_RULE)),
        parameters=ADDED,
    ),
    replace(
        good(
            "additions-open-nothing",
            "a rule in another group",
            (*passing_stack.ALL, ADDED_RULE.having(securityGroupId="sg-0aaaaaaaaaaaaaaaa")),
        ),
        parameters=ADDED,
    ),
    replace(good("additions-stay-apart", "a topic", TOPIC), parameters=ADDED),
    replace(
        bad("additions-stay-apart", "a policy on the program's role", ATTACHMENT),
        parameters=ADDED,
    ),
    good("additions-stay-apart", "no addition", FakeResource(type=catalogue.VPC.name)),
)

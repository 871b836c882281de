"""The pipeline's role against the calls that its commands really make."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pytest

from infra import names
from local import emulator, engine, stack
from tests.e2e.account import Client, client_of
from tests.e2e.sandbox import Sandbox, ran
from tests.infra.permissions.evaluator import Document, Layers, decide, many
from tests.infra.permissions.judging import Question
from tests.infra.permissions.second_opinion import ask
from tests.policies import recording
from tests.policies.good_stack import trust_of
from tests.policies.needs import ACCOUNT, STATE_KEY, Need, learnt, needs
from tests.policies.test_ci_role import TEXT

pytestmark = [pytest.mark.engine, pytest.mark.proof]

BUCKET: Final = "pipeline-state"
KEY: Final = "alias/pipeline"
STRANGERS: Final = (sys.executable, "-m", "sandbox", "drift")
BLANKS: Final = {
    "ACCOUNT": ACCOUNT,
    "REGION": stack.REGION,
    "STATE_BUCKET": BUCKET,
    "STATE_KEY": STATE_KEY,
}
CLUSTER: Final = (
    "oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/ABCDEF0123456789ABCDEF0123456789"
)
SETTINGS: Final[Sequence[Mapping[str, Any]]] = (
    {},
    {
        "environment": "staging",
        "allowed_ssh_cidrs": ["203.0.113.0/24", "2001:db8:1::/48"],
        "flow_log_retention_days": 731,
        "s3_read_buckets": ["league-*"],
        "manager_keys": {"a": "inactive", "b": "current"},
        "cost_allocation_tags": "on",
    },
    {
        "allowed_ssh_cidrs": [f"198.51.{one}.0/24" for one in range(70)],
        "flow_logs": False,
        "manager_identity": "pod-identity",
        "service_account": "default/sandbox",
        "cost_allocation_tags": "auto",
    },
    {
        "allowed_ssh_cidrs": [f"198.51.{one}.0/24" for one in range(71)],
        "manager_identity": "irsa",
        "service_account": "default/sandbox",
        "oidc_provider_arn": f"arn:aws:iam::{ACCOUNT}:{CLUSTER}",
    },
)
"""One after the other, so that everything is made, changed, and removed again."""
KEY_POLICY: Final = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
            "Action": "kms:*",
            "Resource": "*",
        }
    ],
}
"""What a key has unless its owner says otherwise; without it no identity's policy holds for it."""
STRAY: Final = {"Key": "Stray", "Value": "yes"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What the calls of the commands need: of those that only look, and of all."""

    looking: Sequence[Need]
    all: Sequence[Need]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    folder = tmp_path_factory.mktemp("recorded")
    emulated = recording.start(folder)
    try:
        own = stack.environment(engine.ensure(), emulated, folder / "state")
        client = client_of(own)
        client("s3").create_bucket(Bucket=BUCKET)
        made = client("kms").create_key()["KeyMetadata"]["KeyId"]
        client("kms").create_alias(AliasName=KEY, TargetKeyId=made)
        place = f"region={stack.REGION}&awssdk=v2"
        environment = {
            **own,
            "AWS_ACCESS_KEY_ID": "pipeline",
            "PULUMI_BACKEND_URL": f"s3://{BUCKET}?{place}",
        }
        sandbox = Sandbox(tmp_path_factory.mktemp("program"), environment)
        sandbox.pulumi("stack", "change-secrets-provider", f"awskms://{KEY}?{place}")
        made_by_hand = len(recording.calls(folder))
        looking: list[recording.Call] = []

        def look(*arguments: str) -> None:
            before = len(recording.calls(folder))
            sandbox.pulumi("preview", *arguments)
            done = ran([*STRANGERS, "--stack", sandbox.name], environment, sandbox.folder)
            assert "Traceback" not in done.said, done.said
            looking.extend(recording.calls(folder)[before:])

        look()
        sandbox.up()
        tamper(client, sandbox.outputs())
        for given in (*SETTINGS, {}):
            sandbox.configure(**given)
            sandbox.up("--refresh")
            look("--refresh", "--expect-no-changes")
        sandbox.pulumi("refresh", "--yes", "--skip-preview")
        sandbox.destroy()
        later = recording.calls(folder)[made_by_hand:]
    finally:
        emulator.stop(folder)
    paths = learnt(later)
    theirs = [one for one in later if one.key_id == "pipeline"]
    return Recorded(looking=needs(looking, paths=paths), all=needs(theirs, paths=paths))


def tamper(client: Client, outputs: Mapping[str, Any]) -> None:
    """Change behind the program's back what the next update then has to put right."""
    ec2, iam, logs = client("ec2"), client("iam"), client("logs")
    group = [{"Name": "group-id", "Values": [outputs["security_group_id"]]}]
    rules = ec2.describe_security_group_rules(Filters=group)["SecurityGroupRules"]
    ssh = next(one for one in rules if not one["IsEgress"])
    kept = {key: ssh[key] for key in ("IpProtocol", "FromPort", "ToPort", "CidrIpv4")}
    ec2.modify_security_group_rules(
        GroupId=outputs["security_group_id"],
        SecurityGroupRules=[
            {
                "SecurityGroupRuleId": ssh["SecurityGroupRuleId"],
                "SecurityGroupRule": {**kept, "Description": "Stray"},
            }
        ],
    )
    (endpoint,) = ec2.describe_vpc_endpoints()["VpcEndpoints"]
    ec2.modify_vpc_endpoint(
        VpcEndpointId=endpoint["VpcEndpointId"], RemoveRouteTableIds=endpoint["RouteTableIds"]
    )
    ec2.create_tags(Resources=[outputs["vpc_id"]], Tags=[STRAY])
    iam.delete_user_permissions_boundary(UserName=names.MANAGER)
    iam.tag_user(UserName=names.MANAGER, Tags=[STRAY])
    iam.delete_role_permissions_boundary(RoleName=names.INSTANCE_ROLE)
    iam.update_role(RoleName=names.INSTANCE_ROLE, Description="Stray", MaxSessionDuration=7200)
    iam.update_assume_role_policy(
        RoleName=names.INSTANCE_ROLE, PolicyDocument=trust_of({"Service": "lambda.amazonaws.com"})
    )
    iam.tag_role(RoleName=names.INSTANCE_ROLE, Tags=[STRAY])
    iam.tag_instance_profile(InstanceProfileName=names.INSTANCE_PROFILE, Tags=[STRAY])
    for one in iam.list_policies(Scope="Local")["Policies"]:
        iam.tag_policy(PolicyArn=one["Arn"], Tags=[STRAY])
    for one in logs.describe_log_groups()["logGroups"]:
        logs.tag_resource(resourceArn=one["logGroupArn"], tags={"Stray": "yes"})


def filled_in(text: str) -> Document:
    for blank, own in BLANKS.items():
        text = text.replace(blank, own)
    return json.loads(text)


def role() -> Document:
    return filled_in(TEXT)


def only_looking(document: Document) -> Document:
    """What the preview's role has of it."""
    kept = [one for one in document["Statement"] if not one["Sid"].startswith("Change")]
    return {**document, "Statement": kept}


def refused(asked: Sequence[Need], document: Document) -> list[str]:
    """Every need that one of the two evaluators does not allow."""
    theirs = ask(
        Question(
            request=one.request,
            owner=ACCOUNT,
            identity=[document],
            resource=KEY_POLICY if one.action.startswith("kms:") else None,
        )
        for one in asked
    )
    return [
        f"{one.action} on {one.resource} with {dict(one.keys)}: {own}, {other}"
        for one, other in zip(asked, theirs, strict=True)
        if (own := decide(Layers(identity=[document]), one.request)) != "allowed"
        or other != "allowed"
    ]


def test_every_call_is_allowed_by_both_evaluators(recorded: Recorded) -> None:
    assert refused(recorded.all, role()) == []
    assert {"ec2:CreateVpc", "iam:PassRole", "s3:PutObject"} <= {one.action for one in recorded.all}


def test_the_previews_role_suffices_for_previews(recorded: Recorded) -> None:
    assert refused(recorded.looking, only_looking(role())) == []


def test_nothing_is_granted_that_no_call_needed(recorded: Recorded) -> None:
    assert unneeded(recorded.all) == set()


def unneeded(asked: Sequence[Need]) -> set[str]:
    """Actions and resources of the role's statements that allow no call by themselves."""
    return {
        part
        for statement in json.loads(TEXT)["Statement"]
        for key in ("Action", "Resource")
        for part in many(statement[key])
        if not any(allows([{**statement, key: part}], one) for one in asked)
    }


def allows(statements: Sequence[Document], need: Need) -> bool:
    document = filled_in(json.dumps({"Version": "2012-10-17", "Statement": statements}))
    return decide(Layers(identity=[document]), need.request) == "allowed"

"""What the pipelines run, `make ci-preview`, `ci-up` and `drift`, against an emulated account."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from infra import names
from tests.e2e.account import Client, client_of, emulated, everything
from tests.e2e.sandbox import ROOT, Ran, Sandbox, ran
from tests.policies.test_docs import example

pytestmark = pytest.mark.engine

MADE_BY_MAKE: Final = ("Makefile", "requirements.lock", ".venv")
"""What a recipe needs beside the program; links, so that `make` sees that .venv is up to date."""
ONE_SUBNET_MORE: Final = """
from pulumi_aws import ec2

ec2.Subnet(
    "beside",
    vpc_id=vpc_id,
    cidr_block="10.100.200.0/24",
    opts=pulumi.ResourceOptions(parent=network),
)
"""
CHANGED: Final = re.compile(
    r"^ [~+-]+ +aws:\S+ (\S+) (?:create|update|delete|replace) ", re.MULTILINE
)
"""The name of a resource that the engine would have to change."""
Pipeline = Callable[..., Ran]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    with emulated(tmp_path_factory.mktemp("emulator")) as made:
        yield made


@pytest.fixture(scope="module")
def client(environment: Mapping[str, str]) -> Client:
    return client_of(environment)


@pytest.fixture(scope="module")
def sandbox(environment: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    made = Sandbox(tmp_path_factory.mktemp("checkout"), environment)
    for name in MADE_BY_MAKE:
        (made.folder / name).symlink_to(ROOT / name)
    return made


@pytest.fixture(scope="module")
def pipeline(sandbox: Sandbox) -> Pipeline:
    """Run a recipe on the stack, as a step of a workflow does."""

    def run(target: str, *, fails: bool = False, on: str | None = sandbox.name) -> Ran:
        named = {"STACK": on} if on else {}
        done = ran(["make", "--silent", target], {**sandbox.environment, **named}, sandbox.folder)
        assert (done.code != 0) is fails, done.said
        return done

    return run


def test_a_recipe_without_a_stack_says_that_one_is_missing(pipeline: Pipeline) -> None:
    for target in ("ci-preview", "ci-up", "drift"):
        assert "STACK: name the stack" in pipeline(target, on=None, fails=True).said


def test_ci_preview_shows_what_is_new_and_makes_nothing(pipeline: Pipeline, client: Client) -> None:
    before = everything(client)
    said = pipeline("ci-preview").said
    assert "+ aws:ec2/vpc:Vpc: (create)" in said
    assert "[advisory]  ssh-not-world-open" in said
    assert everything(client) == before


def test_ci_preview_and_ci_up_fail_on_a_setting_that_a_rule_refuses(
    sandbox: Sandbox, pipeline: Pipeline, client: Client
) -> None:
    before = everything(client)
    sandbox.configure(flow_log_retention_days=30)
    for target in ("ci-preview", "ci-up"):
        assert "[mandatory]  log-retention" in pipeline(target, fails=True).said
    sandbox.configure()
    assert everything(client) == before


def test_ci_preview_fails_on_a_change_of_the_program_that_a_rule_refuses(
    sandbox: Sandbox, pipeline: Pipeline
) -> None:
    program = sandbox.folder / "__main__.py"
    text = program.read_text()
    program.write_text(text + ONE_SUBNET_MORE)
    try:
        said = pipeline("ci-preview", fails=True).said
    finally:
        program.write_text(text)
    assert "[mandatory]  subnets-use-the-public-table" in said


def test_the_example_of_an_exemption_lets_its_finding_pass(
    sandbox: Sandbox, pipeline: Pipeline
) -> None:
    accepted = sandbox.folder / "policies" / "exemptions.json"
    tomorrow = datetime.now(tz=UTC).date() + timedelta(days=1)
    entry = {**json.loads(example("Exemptions"))[0], "expires": tomorrow.isoformat()}
    sandbox.configure(flow_logs=False)
    assert "[mandatory]  flow-logs-present" in pipeline("ci-preview", fails=True).said
    accepted.write_text(json.dumps([entry]))
    pipeline("ci-preview")
    accepted.write_text("[]")
    sandbox.configure()


def test_ci_up_deploys_and_the_account_is_then_as_the_program_says(
    sandbox: Sandbox, pipeline: Pipeline, client: Client
) -> None:
    pipeline("ci-up")
    outputs = sandbox.outputs()
    vpcs = client("ec2").describe_vpcs(VpcIds=[outputs["vpc_id"]])["Vpcs"]
    assert [one["CidrBlock"] for one in vpcs] == ["10.100.0.0/16"]
    pipeline("drift")


def test_drift_fails_on_one_change_behind_its_back_and_passes_when_it_is_undone(
    pipeline: Pipeline, client: Client
) -> None:
    logs = client("logs")
    group = _flow_log_group(client)
    logs.put_retention_policy(logGroupName=group, retentionInDays=7)
    assert CHANGED.findall(pipeline("drift", fails=True).said) == ["sandbox-flow-logs"]
    logs.put_retention_policy(logGroupName=group, retentionInDays=365)
    pipeline("drift")


def test_drift_names_what_was_added_behind_its_back(
    sandbox: Sandbox, pipeline: Pipeline, client: Client
) -> None:
    group = sandbox.outputs()["security_group_id"]
    web = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
    added = {"GroupId": group, "IpPermissions": [{**web, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]}
    [rule] = client("ec2").authorize_security_group_ingress(**added)["SecurityGroupRules"]
    iam = client("iam")
    key = iam.create_access_key(UserName=names.MANAGER)["AccessKey"]["AccessKeyId"]
    said = pipeline("drift", fails=True).said
    assert CHANGED.findall(said) == []
    assert [line for line in said.splitlines() if line.startswith("not the stack's: ")] == [
        f"not the stack's: {names.MANAGER}: access key {key}, active",
        f"not the stack's: {group}: rule {rule['SecurityGroupRuleId']}: tcp 443-443 from 0.0.0.0/0",
    ]
    client("ec2").revoke_security_group_ingress(**added)
    iam.delete_access_key(UserName=names.MANAGER, AccessKeyId=key)
    assert "nothing is attached" in pipeline("drift").said


def test_drift_names_everything_that_was_changed_behind_its_back(
    sandbox: Sandbox, pipeline: Pipeline, client: Client
) -> None:
    outputs = sandbox.outputs()
    ec2, iam = client("ec2"), client("iam")
    ssh = next(
        one["SecurityGroupRuleId"]
        for one in ec2.describe_security_group_rules(
            Filters=[{"Name": "group-id", "Values": [outputs["security_group_id"]]}]
        )["SecurityGroupRules"]
        if not one["IsEgress"]
    )
    ec2.revoke_security_group_ingress(
        GroupId=outputs["security_group_id"], SecurityGroupRuleIds=[ssh]
    )
    ec2.delete_tags(Resources=[outputs["vpc_id"]], Tags=[{"Key": "Purpose"}])
    ec2.delete_flow_logs(
        FlowLogIds=[one["FlowLogId"] for one in ec2.describe_flow_logs()["FlowLogs"]]
    )
    iam.delete_user_permissions_boundary(UserName=names.MANAGER)
    iam.update_assume_role_policy(RoleName=names.INSTANCE_ROLE, PolicyDocument=_world_trust())
    iam.create_policy_version(
        PolicyArn=_policy_arn(client, names.INSTANCE_POLICY),
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [_everything()]}),
        SetAsDefault=True,
    )
    assert set(CHANGED.findall(pipeline("drift", fails=True).said)) == {
        "sandbox-flow-logs",
        "sandbox-instance-policy",
        "sandbox-instance-role",
        "sandbox-manager",
        "sandbox-ssh-inbound-0.0.0.0/0",
        "sandbox-vpc",
    }


def _flow_log_group(client: Client) -> str:
    (found,) = client("logs").describe_log_groups(logGroupNamePrefix="/sandbox/")["logGroups"]
    return found["logGroupName"]


def _policy_arn(client: Client, name: str) -> str:
    listed = client("iam").list_policies(Scope="Local")["Policies"]
    return next(one["Arn"] for one in listed if one["PolicyName"] == name)


def _world_trust() -> str:
    statement = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _everything() -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "*", "Resource": "*"}

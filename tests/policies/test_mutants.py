"""The pack stops every mutant of the program, and passes the program with every setting."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import pulumi
import pulumi_aws as aws
import pytest
import yaml
from pulumi.runtime.proto import source_pb2

from infra import catalogue, names
from infra.lazy_aws import cloudwatch, ec2, iam, vpc
from policies import properties
from policies.additions import Addition
from policies.rule import Level
from policies.rules import RULES
from tests.policies import workflows
from tests.policies.mutation.groups import groups
from tests.policies.mutation.in_process import check
from tests.policies.mutation.mutant import Mutant, Program
from tests.policies.mutation.mutants import MUTANTS
from tests.policies.mutation.others_resources import custom
from tests.slices import EVERYTHING

LARGE: Final = 4
"""`make test` tries every group of at least so many mutants that can share a program."""
SLICE: Final = 8
"""`make test` tries every so many other group of mutants, and addition of an owner."""
BUDGET: Final = {"monthly_budget_usd": 100, "budget_email": "owner@example.org"}
ROLE: Final = {
    "manager_identity": "irsa",
    "oidc_provider_arn": "arn:aws:iam::123456789012:oidc-provider/oidc.eks.example/id/A1",
    "service_account": "league/sandbox-manager",
}
PODS: Final = {"manager_identity": "pod-identity", "service_account": "league/sandbox-manager"}
ORGANIZATION: Final = {"permissions_boundary": "arn:aws:iam::123456789012:policy/organization"}
SETTINGS: Final[Mapping[str, Mapping[str, Any]]] = {
    "region": {"region": "eu-west-1", "zones": {"eu-west-1a": 0}},
    "account_id": {"account_id": "123456789012"},
    "environment": {"environment": "staging"},
    "tags": {"tags": {"CostCenter": "research", "team/owner": "ml platform"}},
    "protect": {"protect": True},
    "watch_terraform_tags": {"watch_terraform_tags": False},
    "vpc_cidr": {"vpc_cidr": "10.7.0.0/16"},
    "main_vpc_cidr": {"main_vpc_cidr": "10.50.0.0/16"},
    "zones": {"zones": {"us-east-1a": 0, "us-east-1d": 5}},
    "allowed_ssh_cidrs": {"allowed_ssh_cidrs": ["203.0.113.0/24", "2001:db8:1::/48"]},
    "more ranges than rules": {
        "allowed_ssh_cidrs": [f"203.0.113.{number}/32" for number in range(70)]
    },
    "allowed_egress": {"allowed_egress": ["tcp 443 0.0.0.0/0", "udp 53 10.0.0.2/32", "icmp ::/0"]},
    "flow_logs": {"flow_logs": False},
    "flow_log_retention_days": {"flow_log_retention_days": 90},
    "default_instance_type": {"default_instance_type": "g4dn.xlarge"},
    "allowed_instance_types": {"allowed_instance_types": ["g6.xlarge", "p5.*"]},
    "sandbox_ami_id": {"sandbox_ami_id": "ami-0123456789abcdef0"},
    "volume_types": {"volume_types": ["gp3", "io2"]},
    "max_volume_gib": {"max_volume_gib": 500},
    "capacity_reservations": {
        "capacity_reservations": ["cr-0123456789abcdef0", "cr-0123456789abcdef1"]
    },
    "instance_tags": {"instance_tags": ["Name", "Team"]},
    "no instance_tags": {"instance_tags": []},
    "key_name": {"key_name": "league"},
    "s3_read_buckets": {"s3_read_buckets": ["models", "datasets-*"]},
    "s3_output_bucket": {"s3_output_bucket": "results"},
    "instances_read_outputs": {"instances_read_outputs": True},
    "results_per_instance": {
        "results_per_instance": True,
        "s3_read_buckets": ["models"],
    },
    "instances_only_from_vpc": {"instances_only_from_vpc": True},
    "ecr_repositories": {"ecr_repositories": ["league/sandbox", "league/tools-*"]},
    "log_prefix": {"log_prefix": "/league/"},
    "logs_per_instance": {"logs_per_instance": True},
    "instance_log_retention_days": {"instance_log_retention_days": 90},
    "manager_keys": {"manager_keys": {"b": "current"}},
    "manager_identity": PODS,
    "manager_path": {**PODS, **BUDGET, "manager_path": "/"},
    "oidc_provider_arn": ROLE,
    "service_account": {**PODS, "service_account": "other/manager"},
    "permissions_boundary": ORGANIZATION,
    "an organization's boundary, a budget of a role": {**ORGANIZATION, **BUDGET, **ROLE},
    "cost_allocation_tags": {"cost_allocation_tags": "on"},
    "monthly_budget_usd": BUDGET,
    "budget_email": {**BUDGET, "budget_email": "other@example.org"},
    # pairs that meet in one document or rule
    "a rotation: the next key": {"manager_keys": {"a": "current", "b": "next"}},
    "a rotation: the new key": {"manager_keys": {"a": "retiring", "b": "current"}},
    "a rotation: the old key off": {"manager_keys": {"a": "inactive", "b": "current"}},
    "a budget of a role": {**BUDGET, **ROLE},
    "a budget of a pod's role": {**BUDGET, **PODS},
    "a budget in a rotation": {**BUDGET, "manager_keys": {"a": "current", "b": "next"}},
    "an image in another region": {
        "region": "eu-west-1",
        "zones": {"eu-west-1a": 0},
        "sandbox_ami_id": "ami-0123456789abcdef0",
    },
    "results read from another bucket": {
        "s3_output_bucket": "results",
        "instances_read_outputs": True,
    },
    "a reservation for a role": {"capacity_reservations": ["cr-0123456789abcdef0"], **PODS},
    "results and logs per instance, from the VPC only": {
        "results_per_instance": True,
        "s3_read_buckets": ["models"],
        "instances_only_from_vpc": True,
        "logs_per_instance": True,
    },
    "many repositories": {
        "ecr_repositories": [f"league/a-rather-long-name-{number:03}" for number in range(30)]
    },
    "many short buckets": {"s3_read_buckets": [f"b{number:02}" for number in range(99)]},
    "no flow logs, a budget": {"flow_logs": False, **BUDGET},
    "another environment, a budget": {"environment": "staging", **BUDGET},
    "short logs of both kinds": {
        "flow_log_retention_days": 30,
        "instance_log_retention_days": 30,
        "log_prefix": "/league/",
    },
    "many buckets, so two policies": {
        "s3_read_buckets": [f"dataset-of-a-rather-long-name-{number:03}" for number in range(60)]
    },
}
"""Values other than the default by setting, and then settings together."""
HIDING: Final = {"flow_logs", "manager_identity", "permissions_boundary", "results_per_instance"}
"""These settings remove or exclude what others set, so they are tried alone."""


def tried_settings() -> list[list[str]]:
    """Each of SETTINGS alone in `make prove`; in `make test` those that share no key together."""
    together: list[list[str]] = []
    for name, values in SETTINGS.items():
        fitting = (
            group
            for group in together
            if values.keys().isdisjoint(
                HIDING.union(*(SETTINGS[member].keys() for member in group))
            )
            and all(HIDING.isdisjoint(SETTINGS[member]) for member in group)
        )
        group = None if EVERYTHING else next(fitting, None)
        if group is None:
            together.append([name])
        else:
            group.append(name)
    return together


def _interface_endpoint(program: Program) -> None:
    """The private endpoint of ECR, with a group that lets the VPC in."""
    vpc_id = program.resource(catalogue.VPC.name).id
    where = program.beside(catalogue.VPC.name)
    group = ec2.SecurityGroup(
        "ecr", name="ecr", description="ECR endpoints", vpc_id=vpc_id, opts=where
    )
    vpc.SecurityGroupIngressRule(
        "ecr",
        security_group_id=group.id,
        description="HTTPS from the VPC",
        ip_protocol="tcp",
        from_port=443,
        to_port=443,
        cidr_ipv4="10.100.0.0/16",
        opts=where,
    )
    ec2.VpcEndpoint(
        "ecr",
        vpc_id=vpc_id,
        vpc_endpoint_type="Interface",
        service_name="com.amazonaws.us-east-1.ecr.dkr",
        subnet_ids=[program.resource(catalogue.SUBNET.name).id],
        security_group_ids=[group.id],
        private_dns_enabled=True,
        opts=where,
    )


def _role_of_a_function(program: Program) -> None:
    """A role that is unrelated to the roles of the program."""
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}
    statement = {**trust, "Action": "sts:AssumeRole"}
    where = program.beside(catalogue.USER.name)
    role = iam.Role(
        "ecr",
        name="alarms",
        assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        opts=where,
    )
    basic = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    iam.RolePolicyAttachment("ecr", role=role.name, policy_arn=basic, opts=where)


def _log_group_of_the_owner(program: Program) -> None:
    where = program.beside(catalogue.LOG_GROUP.name)
    cloudwatch.LogGroup("ecr", name="/owner/alarms", retention_in_days=30, opts=where)


ADDITIONS: Final[Mapping[str, tuple[tuple[str, ...], Callable[[Program], object]]]] = {
    "an alarm": (
        ("aws:cloudwatch/metricAlarm:MetricAlarm",),
        custom("aws:cloudwatch/metricAlarm:MetricAlarm"),
    ),
    "the bucket of results": (("aws:s3/bucket:Bucket",), custom("aws:s3/bucket:Bucket")),
    "a topic": (("aws:sns/topic:Topic",), custom("aws:sns/topic:Topic")),
    "a KMS key": (("aws:kms/key:Key",), custom("aws:kms/key:Key", {"enableKeyRotation": True})),
    "a parameter": (("aws:ssm/parameter:Parameter",), custom("aws:ssm/parameter:Parameter")),
    "a repository": (("aws:ecr/repository:Repository",), custom("aws:ecr/repository:Repository")),
    "a bastion": (("aws:ec2/instance:Instance",), custom("aws:ec2/instance:Instance")),
    "a command": (
        ("command:local:Command", "pulumi:providers:command"),
        custom("command:local:Command", {"create": "true"}),
    ),
    "a role of the owner's function": (
        (catalogue.ROLE.name, catalogue.ROLE_POLICY_ATTACHMENT.name),
        _role_of_a_function,
    ),
    "a filter of the flow log": (
        ("aws:cloudwatch/logMetricFilter:LogMetricFilter",),
        custom(
            "aws:cloudwatch/logMetricFilter:LogMetricFilter",
            {"logGroupName": names.FLOW_LOG_GROUP, "pattern": "REJECT", "name": "rejected"},
        ),
    ),
    "a second log group": ((catalogue.LOG_GROUP.name,), _log_group_of_the_owner),
    "a random name": (
        ("random:index/randomId:RandomId", "pulumi:providers:random"),
        custom("random:index/randomId:RandomId", {"byteLength": 4}),
    ),
    "endpoints of ECR": (
        (
            catalogue.VPC_ENDPOINT.name,
            catalogue.SECURITY_GROUP.name,
            catalogue.INGRESS_RULE.name,
        ),
        _interface_endpoint,
    ),
}
"""An owner's additions: the types to list in policies/additions.json, and the resources."""


def _second_policy(program: Program) -> None:
    """A policy that is a part of the manager's by its name, and its attachment."""
    where = program.beside(catalogue.USER.name)
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    added = iam.Policy(
        "ecr",
        name=f"{names.MANAGER_POLICY}-2",
        policy=json.dumps({"Version": "2012-10-17", "Statement": [everything]}),
        opts=where,
    )
    manager = program.resource(catalogue.USER.name).name
    iam.UserPolicyAttachment("attached", user=manager, policy_arn=added.arn, opts=where)


def _rule_in_the_sandboxes_group(program: Program) -> None:
    vpc.SecurityGroupIngressRule(
        "ecr",
        security_group_id=program.resource(catalogue.SECURITY_GROUP.name).id,
        description="everything",
        ip_protocol="-1",
        cidr_ipv4="0.0.0.0/0",
        opts=program.beside(catalogue.SECURITY_GROUP.name),
    )


def _route_in_the_public_table(program: Program) -> None:
    ec2.Route(
        "ecr",
        route_table_id=program.resource(catalogue.ROUTE_TABLE.name).id,
        destination_cidr_block="10.0.0.0/16",
        vpc_peering_connection_id="pcx-0123456789abcdef0",
        opts=program.beside(catalogue.ROUTE_TABLE.name),
    )


def _key_of_the_manager(program: Program) -> None:
    manager = program.resource(catalogue.USER.name).name
    iam.AccessKey("ecr", user=manager, opts=program.beside(catalogue.USER.name))


def _group_of_an_added_provider(program: Program) -> None:
    provider = aws.Provider("ecr", region="us-east-1")
    parent = program.beside(catalogue.LOG_GROUP.name).parent
    cloudwatch.LogGroup(
        "mutant",
        name=names.FLOW_LOG_GROUP,
        retention_in_days=365,
        opts=pulumi.ResourceOptions(parent=parent, provider=provider),
    )


BAD_ADDITIONS: Final[Mapping[str, tuple[str, str, Callable[[Program], object]]]] = {
    "a part of the manager's policy": (
        "attachments-between-own",
        catalogue.POLICY.name,
        _second_policy,
    ),
    "a rule in the sandboxes' group": (
        "additions-open-nothing",
        catalogue.INGRESS_RULE.name,
        _rule_in_the_sandboxes_group,
    ),
    "a route in the public table": (
        "additions-open-nothing",
        catalogue.ROUTE.name,
        _route_in_the_public_table,
    ),
    "a provider of the program's own resources": (
        "reviewed-providers",
        properties.PROVIDER,
        _group_of_an_added_provider,
    ),
    "a key of the manager": (
        "additions-stay-apart",
        catalogue.ACCESS_KEY.name,
        _key_of_the_manager,
    ),
}
"""Additions that are refused although they are listed: the rule, the type, the resources."""


@pytest.fixture(autouse=True)
def no_hooks_and_no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mocks support no resource hooks, and have no account for the preflight checks."""

    def registered(_: pulumi.ResourceHook) -> "asyncio.Future[None]":
        done: asyncio.Future[None] = asyncio.get_event_loop().create_future()
        done.set_result(None)
        return done

    monkeypatch.setattr("pulumi.resource_hooks.register_resource_hook", registered)
    monkeypatch.setattr("infra.preflight.require", lambda *_: None)
    monkeypatch.setattr("infra.preflight.free_names.is_new", lambda _: False)
    # a fifth of the time, for the lines of code that the engine prints
    monkeypatch.setattr("pulumi.runtime.resource._get_stack_trace", source_pb2.StackTrace)


def stopping(
    *mutants: Mutant,
    settings: Mapping[str, Any] | None = None,
    additions: tuple[Addition, ...] = (),
) -> list[str]:
    """The findings that stop the update, and the undecided rules."""
    violations = check(mutants, settings, additions)
    return [
        f"{violation.rule}: {violation.message}"
        for violation in violations
        if violation.mandatory or violation.undecided
    ]


def test_the_program_itself_passes() -> None:
    assert stopping() == []


def test_every_documented_setting_is_tried() -> None:
    project = yaml.safe_load((workflows.ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))
    assert set(project["config"]) <= {key for values in SETTINGS.values() for key in values}


@pytest.mark.proof
@pytest.mark.parametrize("together", tried_settings(), ids=lambda together: together[0])
def test_the_program_passes_with_every_setting(together: Sequence[str]) -> None:
    settings = {key: value for name in together for key, value in SETTINGS[name].items()}
    assert stopping(settings=settings) == []


@pytest.mark.proof
@pytest.mark.parametrize("name", [*ADDITIONS][:: 1 if EVERYTHING else SLICE])
def test_what_an_owner_adds_is_stopped(name: str) -> None:
    assert stopping(Mutant(rule="", says="", adds=ADDITIONS[name][1])) != []


@pytest.mark.proof
@pytest.mark.parametrize(
    "together",
    [[name] for name in ADDITIONS] if EVERYTHING else [[*ADDITIONS]],
    ids=lambda together: together[0],
)
def test_what_an_owner_adds_passes_once_it_is_listed(together: Sequence[str]) -> None:
    additions = tuple(
        Addition(resource=f"{added}::{wanted}", reason="the owner's")
        for name in together
        for added in ADDITIONS[name][0]
        for wanted in ("mutant-*", "ecr", "default*")
    )
    mutants = [Mutant(rule="", says="", adds=ADDITIONS[name][1]) for name in together]
    assert stopping(*mutants, additions=additions) == []


@pytest.mark.proof
@pytest.mark.parametrize("name", BAD_ADDITIONS)
def test_an_addition_changes_nothing_of_the_program(name: str) -> None:
    rule, kind, adds = BAD_ADDITIONS[name]
    listed = (Addition(resource=f"{kind}::ecr", reason="the owner's"),)
    findings = stopping(Mutant(rule=rule, says="", adds=adds), additions=listed)
    assert [finding for finding in findings if finding.startswith(f"{rule}: ")], findings


HARMLESS: Final[Mapping[str, Mutant]] = {
    name: Mutant(rule="", says="", type=kind, values=lambda _: None, options=options)
    for name, kind, options in (
        ("an alias", catalogue.VPC.name, {"aliases": [pulumi.Alias(name="vpc")]}),
        (
            "a longer time",
            catalogue.FLOW_LOG.name,
            {"custom_timeouts": pulumi.CustomTimeouts(create="20m")},
        ),
        ("an order of replacement", catalogue.SUBNET.name, {"delete_before_replace": True}),
        ("a description by hand", catalogue.USER.name, {"ignore_changes": ["description"]}),
        ("a protected log group", catalogue.LOG_GROUP.name, {"protect": True}),
    )
}
"""Options that change nothing for a reviewer."""


@pytest.mark.proof
def test_harmless_options_pass() -> None:
    assert stopping(*HARMLESS.values()) == []


def test_tags_of_the_owner_pass() -> None:
    def tagged(props: dict[str, Any]) -> None:
        props["tags"] = {**props["tags"], "Team": "league"}

    mutant = Mutant(rule="", says="", type=catalogue.VPC.name, values=tagged)
    assert stopping(mutant) == []


def tried() -> list[list[str]]:
    """Each mutant alone in `make prove`; in `make test` the large groups, and a slice of the rest.

    The slice has a mutant of each rule.
    """
    if EVERYTHING:
        return [[name] for name in MUTANTS]
    together = sorted(groups(MUTANTS), key=len, reverse=True)
    chosen = [group for group in together if len(group) >= LARGE]
    chosen += together[len(chosen) :: SLICE]
    rules = {MUTANTS[name].rule for group in chosen for name in group}
    first_of_rule = {mutant.rule: name for name, mutant in reversed([*MUTANTS.items()])}
    return [*chosen, *([name] for rule, name in first_of_rule.items() if rule not in rules)]


@pytest.mark.proof
def test_the_pack_stops_every_mutant_and_names_the_change() -> None:
    missed: dict[str, list[str]] = {}
    for together in tried():
        findings = stopping(*(MUTANTS[name] for name in together))
        for name in together:
            rule, says = MUTANTS[name].rule, MUTANTS[name].says
            if not any(line.startswith(f"{rule}: ") and says in line for line in findings):
                missed[name] = findings
    assert missed == {}


def test_there_are_enough_mutants_and_each_is_for_a_mandatory_rule() -> None:
    assert len(MUTANTS) >= 200
    mandatory = {rule.id for rule in RULES if rule.level is Level.MANDATORY}
    assert {mutant.rule for mutant in MUTANTS.values()} <= mandatory

"""A name that another stack holds is refused, so that stacks never change each other."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pulumi
import pytest
from moto import mock_aws

from infra import catalogue
from infra.aws_clients import AwsClients
from infra.catalogue import CATALOGUE
from infra.preflight import free_names
from infra.settings import Settings
from infra.standing import StandingResource
from tests.infra.conftest import Run

STATEMENT = {"Effect": "Deny", "Action": "*"}
TRUST = json.dumps(
    {"Version": "2012-10-17", "Statement": [{**STATEMENT, "Principal": {"Service": "ec2"}}]}
)
PRODUCTION, STAGING = Settings(environment="production"), Settings(environment="staging")
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [{**STATEMENT, "Resource": "*"}]})


@pytest.fixture
def aws(fake_credentials: None) -> Iterator[AwsClients]:
    del fake_credentials
    with mock_aws():
        yield AwsClients("us-east-1")


def create(
    aws: AwsClients,
    settings: Settings,
    resource_type: catalogue.ResourceType,
    name: str,
    standing: Sequence[StandingResource] = (),
) -> None:
    """Run the check that precedes the creation of a *resource_type*."""
    with ThreadPoolExecutor() as threads:
        check = free_names.check(aws, settings, standing, threads)
        args = pulumi.ResourceHookArgs(
            urn="", id="", name=name, type=resource_type.name, new_inputs={"name": name}
        )
        asyncio.run(check(args))


def take(aws: AwsClients, resource_type: str, name: str = "taken", **tags: str) -> None:
    iam: Any = aws.iam
    listed = [{"Key": key, "Value": value} for key, value in tags.items()]
    match resource_type.rsplit(":", 1)[1]:
        case "User":
            iam.create_user(UserName=name, Path="/service/", Tags=listed)
        case "Role":
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=POLICY, Tags=listed)
        case "Policy":
            iam.create_policy(PolicyName=name, PolicyDocument=POLICY, Tags=listed)
        case "InstanceProfile":
            iam.create_instance_profile(InstanceProfileName=name, Tags=listed)
        case _:
            aws.logs.create_log_group(logGroupName=name, tags=tags)


@pytest.mark.parametrize("name", sorted(free_names.NAMED - {catalogue.BUDGET.name}))
def test_a_taken_name_is_refused_with_its_owner(aws: AwsClients, name: str) -> None:
    resource_type = CATALOGUE[name]
    create(aws, STAGING, resource_type, "taken")
    take(aws, name, Environment="production")
    with pytest.raises(pulumi.RunError, match=r"taken: .*environment production"):
        create(aws, STAGING, resource_type, "taken")
    with pytest.raises(pulumi.RunError, match="sandbox recover"):
        create(aws, PRODUCTION, resource_type, "taken")
    create(aws, STAGING, resource_type, "free")
    create(
        aws,
        PRODUCTION,
        resource_type,
        "taken",
        [StandingResource(type=name, name="logical", outputs={"name": "taken"})],
    )


@pytest.mark.parametrize(("resource_type", "name"), free_names.IN_EVERY_STACK)
def test_nothing_of_a_second_stack_is_created(
    aws: AwsClients, resource_type: catalogue.ResourceType, name: str
) -> None:
    create(aws, STAGING, catalogue.VPC, "sandbox-vpc")
    take(aws, resource_type.name, name, Environment="production")
    with pytest.raises(pulumi.RunError, match=rf"{name}: .*environment production"):
        create(aws, STAGING, catalogue.VPC, "sandbox-vpc")
    without_outputs = StandingResource(type=resource_type.name, name=name, outputs={})
    create(aws, PRODUCTION, catalogue.VPC, "sandbox-vpc", [without_outputs])
    adopting = PRODUCTION.model_copy(update={"watch_terraform_tags": True})
    create(aws, adopting, catalogue.VPC, "sandbox-vpc")


def test_only_a_new_stack_asks_before_its_first_resource(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = list[str]()

    def note(_aws: AwsClients, _type: str, inputs: Any, _environment: str) -> None:
        asked.append(inputs["name"])

    def begin(settings: Settings, *standing: StandingResource) -> set[str]:
        asked.clear()
        with ThreadPoolExecutor() as threads:
            free_names.check(AwsClients("us-east-1"), settings, standing, threads)
        return set(asked)

    monkeypatch.setattr(free_names, "_require_free", note)
    root = StandingResource(type="pulumi:pulumi:Stack", name="sandbox-production", outputs={})
    policy, name = free_names.IN_EVERY_STACK[0]
    standing = StandingResource(type=policy.name, name="logical", outputs={"name": name})
    assert begin(PRODUCTION, root) == {name for _, name in free_names.IN_EVERY_STACK}
    assert begin(PRODUCTION, root, standing) == set()
    assert begin(PRODUCTION.model_copy(update={"watch_terraform_tags": True})) == set()


@pytest.mark.parametrize(
    "config", [{}, {"manager_identity": "pod-identity", "service_account": "team/manager"}]
)
def test_every_stack_has_the_names_that_are_looked_for(record: Run, config: dict[str, Any]) -> None:
    created = {(resource.type, resource.name) for resource in record(**config).resources}
    looked_for = {(resource_type.name, name) for resource_type, name in free_names.IN_EVERY_STACK}
    assert looked_for <= created


def test_every_resource_is_checked_before_it_is_created(record: Run) -> None:
    run = record(monthly_budget_usd=5, budget_email="costs@example.org")
    aws_resources = [resource for resource in run.resources if resource.type.startswith("aws:")]
    assert {resource.type for resource in aws_resources} > free_names.NAMED
    assert {resource.hooks for resource in aws_resources} == {("creation-check",)}

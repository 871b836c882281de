"""Two stacks never touch each other: a name that another stack holds is refused."""

import json
from collections.abc import Iterator
from typing import Any

import pulumi
import pytest
from moto import mock_aws

from infra import catalogue
from infra.aws_clients import AwsClients
from infra.catalogue import CATALOGUE
from infra.preflight import free_names
from tests.infra.conftest import Run

STATEMENT = {"Effect": "Deny", "Action": "*"}
TRUST = json.dumps(
    {"Version": "2012-10-17", "Statement": [{**STATEMENT, "Principal": {"Service": "ec2"}}]}
)
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [{**STATEMENT, "Resource": "*"}]})


@pytest.fixture
def aws(fake_credentials: None) -> Iterator[AwsClients]:
    del fake_credentials
    with mock_aws():
        yield AwsClients("us-east-1")


def creating(resource_type: catalogue.ResourceType, name: str) -> pulumi.ResourceHookArgs:
    return pulumi.ResourceHookArgs(
        urn="", id="", name=name, type=resource_type.name, new_inputs={"name": name}
    )


def take(aws: AwsClients, resource_type: str, **tags: str) -> None:
    iam: Any = aws.iam
    listed = [{"Key": key, "Value": value} for key, value in tags.items()]
    match resource_type.rsplit(":", 1)[1]:
        case "User":
            iam.create_user(UserName="taken", Path="/service/", Tags=listed)
        case "Role":
            iam.create_role(RoleName="taken", AssumeRolePolicyDocument=POLICY, Tags=listed)
        case "Policy":
            iam.create_policy(PolicyName="taken", PolicyDocument=POLICY, Tags=listed)
        case "InstanceProfile":
            iam.create_instance_profile(InstanceProfileName="taken", Tags=listed)
        case _:
            aws.logs.create_log_group(logGroupName="taken", tags=tags)


@pytest.mark.parametrize("name", sorted(free_names.NAMED - {catalogue.BUDGET.name}))
def test_a_taken_name_is_refused_with_its_owner(aws: AwsClients, name: str) -> None:
    resource_type = CATALOGUE[name]
    free_names.require_free(creating(resource_type, "taken"), aws, "staging")
    take(aws, name, Environment="production")
    with pytest.raises(pulumi.RunError, match=r"taken: .*environment production"):
        free_names.require_free(creating(resource_type, "taken"), aws, "staging")
    with pytest.raises(pulumi.RunError, match="sandbox recover"):
        free_names.require_free(creating(resource_type, "taken"), aws, "production")
    free_names.require_free(creating(resource_type, "free"), aws, "staging")
    own = {(name, "taken")}
    free_names.require_free(creating(resource_type, "taken"), aws, "production", own)


def test_every_named_resource_has_the_check(record: Run) -> None:
    run = record(monthly_budget_usd=5, budget_email="costs@example.org")
    named = [resource for resource in run.resources if resource.type in free_names.NAMED]
    assert {resource.type for resource in named} == free_names.NAMED
    assert {resource.hooks for resource in named} == {("name-is-free",)}

"""The next update may not need a third access key, which IAM would refuse."""

import json
from collections.abc import Iterator

import pytest
from moto import mock_aws

from infra.aws_clients import AwsClients
from sandbox.adopt import terraform_state
from sandbox.adopt.key_limit import require_key_limit
from sandbox.adopt.mapping import plan_adoption
from sandbox.core.errors import RefusedError
from tests.sandbox.adopt.fake_account import Json, original
from tests.sandbox.adopt.variants import key, without

MANAGER = "sandbox-manager"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsClients]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        clients = AwsClients("us-east-1")
        clients.iam.create_user(UserName=MANAGER)
        yield clients


def create_key(aws: AwsClients) -> str:
    return aws.iam.create_access_key(UserName=MANAGER)["AccessKey"]["AccessKeyId"]


def require(aws: AwsClients, state: Json, *, rotate_key: bool = False) -> None:
    parsed = terraform_state.parse(json.dumps(state).encode(), "old.tfstate")
    require_key_limit(plan_adoption(parsed, rotate_key=rotate_key), aws, "old.tfstate")


def test_a_key_that_terraform_does_not_know_only_stops_a_rotation(aws: AwsClients) -> None:
    state = key(id=create_key(aws))(original())
    require(aws, state, rotate_key=True)
    other = create_key(aws)
    require(aws, state)
    with pytest.raises(RefusedError, match=other):
        require(aws, state, rotate_key=True)


def test_a_key_that_is_switched_off_needs_room_for_a_new_one(aws: AwsClients) -> None:
    state = key(id=create_key(aws), status="Inactive")(original())
    require(aws, state)
    other = create_key(aws)
    with pytest.raises(RefusedError, match=other):
        require(aws, state)


def test_a_state_without_a_key_needs_room_for_one(aws: AwsClients) -> None:
    state = without("aws_iam_access_key")(original())
    create_key(aws)
    require(aws, state)
    other = create_key(aws)
    with pytest.raises(RefusedError, match=other):
        require(aws, state)


def test_a_user_that_is_gone_is_left_to_the_import(aws: AwsClients) -> None:
    aws.iam.delete_user(UserName=MANAGER)
    require(aws, original())

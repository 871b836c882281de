"""A rotation against the emulator's IAM: no gap, no third key, no orphan, wherever it stops."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra import names
from sandbox.core.errors import NotYetError, SandboxError
from sandbox.core.stack import Change
from sandbox.keys.rotator import Rotation, is_older
from tests.sandbox.keys.fake_stack import FakeStack, Stopped


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeStack]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        iam = boto3.client("iam", region_name="us-east-1")
        iam.create_user(UserName=names.MANAGER, Path=names.MANAGER_PATH)
        yield FakeStack(iam)


class Service:
    """Signs in with the key that it was given last."""

    def __init__(self, stack: FakeStack) -> None:
        self.stack = stack
        self.key = stack.handed_out
        self.given: list[str] = []

    def take(self) -> None:
        self.key = self.stack.handed_out
        self.given.append(self.key)

    def work(self) -> None:
        """Use the key, as the emulator's front notes it."""
        from moto.iam.models import mark_account_as_visited  # noqa: PLC0415 - inside the mock

        found = self.stack.iam.list_access_keys(UserName=names.MANAGER)["AccessKeyMetadata"]
        (own,) = [one for one in found if one["AccessKeyId"] == self.key]
        assert own["Status"] == "Active", "the service is shut out"
        mark_account_as_visited("123456789012", self.key, "ec2", "us-east-1")


@pytest.fixture
def service(stack: FakeStack) -> Service:
    return Service(stack)


def rotation(stack: FakeStack, service: Service | None, **more: Any) -> Rotation:
    said: list[str] = []
    parts: dict[str, Any] = {
        "stack": stack,
        "iam": stack.iam,
        "hand_over": service.take if service else None,
        "say": said.append,
        "grace": timedelta(0),
        "poll": None,
        **more,
    }
    return Rotation(**parts)


def until_done(stack: FakeStack, service: Service, run: Callable[[], None]) -> None:
    """Run again and again, as an operator would, while the service goes on working."""
    for _ in range(6):
        try:
            run()
        except (NotYetError, Stopped):
            service.work()
        else:
            return
    pytest.fail(f"no end: {stack.wanted}")


def key_ids(stack: FakeStack) -> list[str]:
    found = stack.iam.list_access_keys(UserName=names.MANAGER)["AccessKeyMetadata"]
    return [one["AccessKeyId"] for one in found]


def test_a_rotation_ends_with_one_new_key_that_the_service_uses(
    stack: FakeStack, service: Service
) -> None:
    before = service.key
    service.work()
    until_done(stack, service, rotation(stack, service).run)
    assert stack.wanted == {"b": "current"}
    assert key_ids(stack) == [service.key]
    assert service.key != before
    assert stack.most_keys == 2
    service.work()


# four steps (next, retiring, inactive, deleted), each a change of the file and one of the stack
@pytest.mark.parametrize("stop_at", range(1, 9))
def test_a_rotation_that_is_killed_anywhere_goes_on_without_gap_or_orphan(
    stack: FakeStack, service: Service, stop_at: int
) -> None:
    service.work()
    stack.stop_at = stop_at
    until_done(stack, service, rotation(stack, service).run)
    assert stack.wanted == {"b": "current"}
    assert key_ids(stack) == [service.key]
    assert stack.most_keys == 2


@pytest.mark.parametrize("stop_at", range(1, 7))
def test_a_rotation_that_is_stopped_is_rolled_back_while_the_old_key_lives(
    stack: FakeStack, service: Service, stop_at: int
) -> None:
    before = service.key
    service.work()
    stack.stop_at = stop_at
    while stack.calls < stop_at:
        with pytest.raises((Stopped, NotYetError)):
            rotation(stack, service).run()
        if stack.calls < stop_at:
            service.work()
    if len(stack.wanted) == 1:
        with pytest.raises(SandboxError, match="there is no rotation to roll back"):
            rotation(stack, service).roll_back()
    else:
        rotation(stack, service).roll_back()
    assert service.key == before
    service.work()
    if len(stack.wanted) > 1:
        until_done(stack, service, rotation(stack, service).run)
    assert key_ids(stack) == [before]


def test_only_an_old_key_or_one_that_is_on_its_way_is_rotated(
    stack: FakeStack, service: Service
) -> None:
    year = timedelta(days=365)
    now = datetime.now(UTC)
    assert not is_older(stack, year, now=now)
    assert is_older(stack, year, now=now + year)
    with pytest.raises(NotYetError):
        rotation(stack, service).run()
    assert is_older(stack, year, now=now)


def test_the_old_key_stays_until_the_service_has_changed_over(stack: FakeStack) -> None:
    alone = rotation(stack, None)
    with pytest.raises(NotYetError, match="hand it over with: sandbox secret"):
        alone.run()
    with pytest.raises(NotYetError):
        alone.run()
    assert stack.wanted == {"a": "retiring", "b": "current"}
    assert len(key_ids(stack)) == 2


def test_the_grace_time_holds_back_the_switch_off(stack: FakeStack, service: Service) -> None:
    service.work()
    slow = rotation(stack, service, grace=timedelta(hours=4))
    for _ in range(3):
        with pytest.raises(NotYetError):
            slow.run()
        service.work()
    assert stack.wanted == {"a": "retiring", "b": "current"}


def test_a_key_made_by_hand_is_named_before_a_third_is_tried(
    stack: FakeStack, service: Service
) -> None:
    stranger = stack.iam.create_access_key(UserName=names.MANAGER)["AccessKey"]["AccessKeyId"]
    with pytest.raises(SandboxError, match=f"did not make: {stranger}"):
        rotation(stack, service).run()
    assert stack.wanted == {"a": "current"}


def test_other_changes_of_the_stack_are_not_swept_along(stack: FakeStack, service: Service) -> None:
    urn = "urn:pulumi:fake::sandbox::sandbox:network:Network$aws:ec2/vpc:Vpc::sandbox-vpc"
    stack.pending = [Change(operation="replace", urn=urn)]
    with pytest.raises(SandboxError, match="replace aws:ec2/vpc:Vpc sandbox-vpc; run pulumi up"):
        rotation(stack, service).run()

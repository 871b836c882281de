"""A rotation in the emulated IAM: no gap, no third key, no orphan, wherever it is interrupted."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra import names
from sandbox.core.errors import NotYetError, RefusedError, SandboxError
from sandbox.core.stack import Change
from sandbox.keys import listing
from sandbox.keys.rotator import KNOWN_POLL, KNOWN_WITHIN, Rotator, is_due
from tests.sandbox.keys.fake_stack import FakeStack, KilledError, access_key

STEPS = 4
CALLS_PER_STEP = 2
"""Each step changes the file and then the stack."""


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeStack]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        iam = boto3.client("iam", region_name="us-east-1")
        iam.create_user(UserName=names.MANAGER, Path=names.MANAGER_PATH)
        yield FakeStack(iam)


class SignedInService:
    """Signs in with the key that it read last."""

    def __init__(self, stack: FakeStack) -> None:
        self.stack = stack
        self.key = stack.handed_out

    def read_key(self) -> None:
        self.key = self.stack.handed_out

    def work(self) -> None:
        """Use the key; the emulator records the time."""
        from moto.iam.models import mark_account_as_visited  # noqa: PLC0415 - inside the mock

        keys = self.stack.iam.list_access_keys(UserName=names.MANAGER)["AccessKeyMetadata"]
        statuses = {key["AccessKeyId"]: key["Status"] for key in keys}
        assert statuses.get(self.key) == "Active", "the service cannot sign in"
        mark_account_as_visited("123456789012", self.key, "ec2", "us-east-1")


@pytest.fixture
def service(stack: FakeStack) -> SignedInService:
    return SignedInService(stack)


def rotator(stack: FakeStack, service: SignedInService | None, **options: Any) -> Rotator:
    defaults: dict[str, Any] = {
        "stack": stack,
        "iam": stack.iam,
        "hand_over": service.read_key if service else None,
        "destination": "hand it out",
        "hand_over_command": "sandbox secret",
        "again_command": "sandbox keys rotate",
        "confirm": lambda _: None,
        "grace": timedelta(0),
        "poll": None,
    }
    return Rotator(**{**defaults, **options})


def run_until_done(stack: FakeStack, service: SignedInService, run: Callable[[], None]) -> None:
    """Run the rotation repeatedly, like an operator, while the service works."""
    for _ in range(6):
        try:
            run()
        except (NotYetError, KilledError):
            service.work()
        else:
            return
    pytest.fail(f"the rotation does not end: {stack.stages}")


def test_a_rotation_ends_with_one_new_key_that_the_service_uses(
    stack: FakeStack, service: SignedInService
) -> None:
    old_key = service.key
    service.work()
    run_until_done(stack, service, rotator(stack, service).run)
    assert stack.stages == {"b": "current"}
    assert stack.key_ids() == [service.key]
    assert service.key != old_key
    assert stack.most_keys == 2
    service.work()


@pytest.mark.parametrize("killed_at", range(1, STEPS * CALLS_PER_STEP + 1))
def test_a_rotation_that_is_killed_anywhere_continues_without_gap_or_orphan(
    stack: FakeStack, service: SignedInService, killed_at: int
) -> None:
    service.work()
    stack.killed_at = killed_at
    run_until_done(stack, service, rotator(stack, service).run)
    assert stack.stages == {"b": "current"}
    assert stack.key_ids() == [service.key]
    assert stack.most_keys == 2


@pytest.mark.parametrize("killed_at", range(1, (STEPS - 1) * CALLS_PER_STEP + 1))
def test_a_rotation_that_is_killed_is_rolled_back_while_the_old_key_exists(
    stack: FakeStack, service: SignedInService, killed_at: int
) -> None:
    old_key = service.key
    service.work()
    stack.killed_at = killed_at
    while stack.calls < killed_at:
        with pytest.raises((KilledError, NotYetError)):
            rotator(stack, service).run()
        if stack.calls < killed_at:
            service.work()
    if len(stack.stages) == 1:
        with pytest.raises(RefusedError):
            rotator(stack, service).roll_back()
    else:
        rotator(stack, service).roll_back()
    assert service.key == old_key
    service.work()
    if len(stack.stages) > 1:
        run_until_done(stack, service, rotator(stack, service).run)
    assert stack.key_ids() == [old_key]


def test_a_rotation_is_due_with_the_age_of_the_key_or_once_it_has_started(
    stack: FakeStack, service: SignedInService
) -> None:
    year = timedelta(days=365)
    now = datetime.now(UTC)
    assert not is_due(stack, year, now=now)
    assert is_due(stack, year, now=now + year)
    with pytest.raises(NotYetError):
        rotator(stack, service).run()
    assert is_due(stack, year, now=now)


def test_the_old_key_stays_until_the_service_uses_the_new_one(stack: FakeStack) -> None:
    advice = "sandbox secret --stack fake --namespace team"
    by_hand = rotator(stack, None, hand_over_command=advice, again_command="sandbox keys again")
    for _ in range(2):
        with pytest.raises(NotYetError) as caught:
            by_hand.run()
        assert advice in str(caught.value)
        assert "sandbox keys again" in str(caught.value)
    assert stack.stages == {"a": "retiring", "b": "current"}
    assert len(stack.key_ids()) == 2


def test_the_grace_time_delays_switching_off_the_old_key(
    stack: FakeStack, service: SignedInService
) -> None:
    service.work()
    slow = rotator(stack, service, grace=timedelta(hours=4))
    for _ in range(3):
        with pytest.raises(NotYetError):
            slow.run()
        service.work()
    assert stack.stages == {"a": "retiring", "b": "current"}


def test_only_the_start_and_a_rollback_ask_and_name_the_key_or_the_slot(
    stack: FakeStack, service: SignedInService
) -> None:
    old_key = service.key
    questions: list[str] = []
    asking = rotator(stack, service, confirm=questions.append)
    run_until_done(stack, service, asking.run)
    assert len(questions) == 1
    assert old_key in questions[0]
    with pytest.raises(NotYetError):
        rotator(stack, None).run()
    asking.roll_back()
    assert "slot b" in questions[1]


def test_an_answer_of_no_changes_nothing(stack: FakeStack, service: SignedInService) -> None:
    def refuse(question: str) -> None:
        raise RefusedError(question)

    with pytest.raises(RefusedError):
        rotator(stack, service, confirm=refuse).run()
    assert stack.calls == 0


def test_a_key_made_by_hand_is_named_before_a_third_one_is_tried(
    stack: FakeStack, service: SignedInService
) -> None:
    unmanaged = stack.iam.create_access_key(UserName=names.MANAGER)["AccessKey"]["AccessKeyId"]
    with pytest.raises(RefusedError, match=unmanaged):
        rotator(stack, service).run()
    assert stack.calls == 0


def test_other_changes_of_the_stack_are_refused_before_its_file_changes(
    stack: FakeStack, service: SignedInService
) -> None:
    urn = "urn:pulumi:fake::sandbox::sandbox:network:Network$aws:ec2/vpc:Vpc::sandbox-vpc"
    stack.pending = [Change(operation="replace", urn=urn)]
    with pytest.raises(RefusedError, match="replace aws:ec2/vpc:Vpc sandbox-vpc"):
        rotator(stack, service).run()
    assert stack.calls == 0


@pytest.mark.parametrize("identity", ["irsa", "pod-identity"])
def test_a_role_has_no_key_to_rotate(stack: FakeStack, identity: str) -> None:
    stack.identity, stack.keys = identity, {}
    for command in (
        rotator(stack, None).run,
        rotator(stack, None).roll_back,
        lambda: is_due(stack, timedelta(0), now=datetime.now(UTC)),
    ):
        with pytest.raises(RefusedError, match=identity):
            command()
    assert listing.read(stack, now=datetime.now(UTC)) == []


def test_a_key_deleted_by_hand_is_listed_as_missing_and_named_by_the_rotation(
    stack: FakeStack, service: SignedInService
) -> None:
    with pytest.raises(NotYetError):
        rotator(stack, service).run()
    (new_key,) = set(stack.key_ids()) - {stack.keys["a"].id}
    stack.iam.delete_access_key(UserName=names.MANAGER, AccessKeyId=new_key)
    stack.keys["b"] = access_key("b", new_key, created=datetime.now(UTC) - 2 * KNOWN_WITHIN)
    with pytest.raises(SandboxError, match=new_key):
        rotator(stack, service).run()
    statuses = {key.slot: key.status for key in listing.read(stack, now=datetime.now(UTC))}
    assert statuses == {"a": "Active", "b": listing.MISSING}


def test_a_key_that_iam_does_not_know_yet_is_waited_for(
    stack: FakeStack, service: SignedInService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IAM answers from copies that learn of a new key within seconds."""
    asked, waited = list[str](), list[float]()
    known = stack.iam.get_access_key_last_used

    def learns_late(*, AccessKeyId: str) -> Any:  # noqa: N803 - as boto3 names it
        asked.append(AccessKeyId)
        late = AccessKeyId != service.key and len(waited) < 3
        return known(AccessKeyId="AKIAUNKNOWNUNKNOWN00" if late else AccessKeyId)

    monkeypatch.setattr(stack.iam, "get_access_key_last_used", learns_late)
    monkeypatch.setattr(time, "sleep", waited.append)
    with pytest.raises(NotYetError):
        rotator(stack, None).run()
    assert waited == [KNOWN_POLL] * 3
    assert stack.stages == {"a": "retiring", "b": "current"}
    assert stack.handed_out in asked


def test_the_list_shows_stage_age_and_last_use_of_each_key(
    stack: FakeStack, service: SignedInService
) -> None:
    service.work()
    with pytest.raises(NotYetError):
        rotator(stack, None).run()
    later = datetime.now(UTC) + timedelta(days=3, minutes=1)
    old, new = listing.read(stack, now=later)
    assert (old.slot, old.stage, old.status, old.age_days) == ("a", "retiring", "Active", 3)
    assert (new.slot, new.stage, new.key_id) == ("b", "current", stack.handed_out)
    assert old.as_json()["last_used"]
    assert new.as_json()["last_used"] is None

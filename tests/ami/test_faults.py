"""Every AWS call of a build fails in every way: nothing is left but, on success, the one image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ami import aws
from ami.errors import AmiError, Interrupted
from tests.ami import faults, world
from tests.ami.faults import CHANGING, EVERYTHING, KINDS, MARK, RECOVERED, Injector, Kind

if TYPE_CHECKING:
    from tests.ami.conftest import Account, Tally

pytestmark = pytest.mark.proof


@pytest.fixture(scope="module")
def seen() -> list[str]:
    """The numbered calls of a build without a fault, once they were seen."""
    return []


@pytest.fixture
def calls(account: Account, tally: Tally, seen: list[str]) -> list[str]:
    """The numbered calls of a build without a fault."""
    if not seen:
        injector = Injector()
        account.build(injector.watch(account.clients()))
        account.before |= account.new()
        account.machines.end()
        seen += injector.numbered
        tally.calls = len(seen)
    return seen


def to_try(calls: list[str], kind: Kind) -> list[int]:
    chosen: list[int] = []
    for number, name in enumerate(calls):
        changes = name.startswith(CHANGING)
        if kind == "answer lost for good" and not changes:
            continue  # of a call that only reads, any lost answer is like a refused one
        turn = (
            number % 3 == KINDS.index(kind) % 3 if changes else number % 12 == 2 * KINDS.index(kind)
        )
        if EVERYTHING or turn:
            chosen.append(number)
    return chosen


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_at_any_call_leaves_nothing(
    account: Account, tally: Tally, calls: list[str], kind: Kind
) -> None:
    for number in to_try(calls, kind):
        injector = Injector(kind, number)
        where = f"{kind} at call {number}, {calls[number]}"
        image = snapshot = ""
        try:
            image = account.build(injector.watch(account.clients()))
        except (*aws.AWS_ERRORS, AmiError) as error:
            assert kind not in RECOVERED, f"{where}: {error!r}"  # noqa: PT017 - either end is right
            assert MARK in str(error), f"{where}: the first error is hidden by {error!r}"  # noqa: PT017
        except (Interrupted, KeyboardInterrupt):
            assert kind.startswith("Ctrl-C"), where
        assert injector.fired, where
        left = account.new()
        if image:
            made = account.look.describe_images(ImageIds=[image])["Images"][0]
            snapshot = made["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
            assert account.stack.configured[-1] == image
            left -= {image, snapshot}
        tally.faults += 1
        tally.left += len(left)
        assert not left, f"{where} left {left}: {account.said[-12:]}"
        account.machines.end()
        if image:  # so that describing does not get slower with each build
            account.look.deregister_image(ImageId=image)
            account.look.delete_snapshot(SnapshotId=snapshot)


CREATES = ("ImportKeyPair", "CreateSecurityGroup", "RunInstances", "CreateImage")


@pytest.mark.parametrize("rounds", [1, 2] if EVERYTHING else [2])
def test_stale_answers_after_a_fault_do_not_end_the_clean_up(
    account: Account, tally: Tally, calls: list[str], rounds: int
) -> None:
    created = [
        n
        for n, name in enumerate(calls)
        if name in CREATES and n > calls.index("ImportKeyPair") - 1
    ]
    for number in created:
        injector = Injector("answer lost for good", number, stale=rounds)
        with pytest.raises((*aws.AWS_ERRORS, AmiError)):
            account.build(injector.watch(account.clients()))
        tally.faults += 1
        left = account.new()
        tally.left += len(left)
        assert not left, f"answer of {calls[number]} lost, {rounds} stale rounds: left {left}"
        account.machines.end()


@pytest.mark.parametrize(
    "operation", ["TerminateInstances", "DeleteSecurityGroup", "DeleteKeyPair"]
)
def test_what_cannot_be_removed_is_named_with_the_command_that_removes_it(
    account: Account, tally: Tally, operation: str
) -> None:
    clients = account.clients()

    def refuse(model: object, **_: object) -> None:
        if getattr(model, "name", "") == operation:
            raise faults.ConnectionClosedError(endpoint_url=MARK)

    account.machines.prepare.append("no-gpu")
    clients.ec2.meta.events.register("before-call.*", refuse)
    limits = world.replace(world.FAST, terminated=1, sweep=2)
    with pytest.raises(AmiError, match="nvidia-smi") as failed:
        account.build(clients, limits=limits)
    said = "\n".join(failed.value.__notes__)
    left = account.new()
    tally.faults += 1
    assert left, "the operation was refused, so something is there"
    command = {
        "TerminateInstances": "aws ec2 terminate-instances --instance-ids i-",
        "DeleteSecurityGroup": "aws ec2 delete-security-group --group-id sg-",
        "DeleteKeyPair": "aws ec2 delete-key-pair --key-name ami-build-",
    }[operation]
    assert command in said
    assert "sandbox image clean --build" in said

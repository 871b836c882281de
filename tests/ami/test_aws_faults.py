"""Each AWS call of a build fails in every way; only the image of a successful build may be left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ami.aws_calls import AWS_ERRORS
from sandbox.core.errors import Interrupted, SandboxError
from tests.ami import fake_account, fault_injector
from tests.ami.fault_injector import (
    CHANGING,
    KINDS,
    MARK,
    RECOVERED,
    FaultInjector,
    Kind,
)
from tests.slices import EVERYTHING

if TYPE_CHECKING:
    from tests.ami.conftest import BuildTally, EmulatedAccount, FinishedBuild

pytestmark = [
    pytest.mark.builds,
    pytest.mark.proof,
    pytest.mark.usefixtures("machines_possible", "short_set_up_of_machine"),
    pytest.mark.xdist_group("image builds"),  # one worker makes the finished build and the tally
]
CREATES = ("ImportKeyPair", "CreateSecurityGroup", "RunInstances", "CreateImage")


@pytest.fixture
def calls(finished_build: FinishedBuild, tally: BuildTally) -> Sequence[str]:
    """The numbered calls of a build without a fault."""
    tally.calls = len(finished_build.calls)
    return finished_build.calls


def to_try(calls: Sequence[str], kind: Kind) -> list[int]:
    """The numbers of the calls that fail in this way.

    Without PROVE_ALL each kind of fault gets one changing call, and "denied" one reading call.
    """
    changing = [number for number, name in enumerate(calls) if name.startswith(CHANGING)]
    reading = sorted(set(range(len(calls))) - set(changing))
    if not EVERYTHING:
        changing = changing[2 * KINDS.index(kind) :][:1]
        reading = reading[4:5] if kind == "denied" else []
    # for a call that only reads, a lost answer is the same as a refusal
    return sorted(changing if kind == "answer lost for good" else changing + reading)


TOGETHER: Sequence[Sequence[Kind]] = (
    [[kind] for kind in KINDS]
    if EVERYTHING
    else [
        [kind for kind in KINDS if kind in RECOVERED],
        *([kind] for kind in KINDS if kind not in RECOVERED),
    ]
)
"""Kinds of faults; without PROVE_ALL one build recovers from all that pass."""


@pytest.mark.parametrize("kinds", TOGETHER, ids=lambda kinds: kinds[0])
def test_a_fault_at_any_call_leaves_nothing(
    account: EmulatedAccount, tally: BuildTally, calls: Sequence[str], kinds: Sequence[Kind]
) -> None:
    faults = [FaultInjector(kind, number) for kind in kinds for number in to_try(calls, kind)]
    for injectors in [faults] if len(kinds) > 1 else [[fault] for fault in faults]:
        case = ", ".join(f"{fault.kind} at call {fault.at}" for fault in injectors)
        clients = account.clients()
        for injector in injectors:
            injector.watch(clients)
        image_id = snapshot = ""
        try:
            image_id = account.build(clients)
        except (*AWS_ERRORS, SandboxError) as error:
            assert RECOVERED.isdisjoint(kinds), f"{case}: {error!r}"  # noqa: PT017 - either end is right
            assert MARK in str(error), f"{case}: the first error is hidden by {error!r}"  # noqa: PT017
        except (Interrupted, KeyboardInterrupt):
            assert kinds[0].startswith("Ctrl-C"), case
        assert all(injector.fired for injector in injectors), case
        left = account.created()
        if image_id:
            disk = fake_account.image(account.ec2, image_id)["BlockDeviceMappings"][0]["Ebs"]
            snapshot = disk["SnapshotId"]
            assert account.stack_image.configured[-1] == image_id
            left -= {image_id, snapshot}
        tally.faults += len(injectors)
        tally.left += len(left)
        assert not left, f"{case} left {left}: {account.lines[-12:]}"
        account.machines.remove()
        if image_id:  # the account's lists must not grow with each build
            account.ec2.deregister_image(ImageId=image_id)
            account.ec2.delete_snapshot(SnapshotId=snapshot)


@pytest.mark.parametrize("answers", [1, 2] if EVERYTHING else [2])
def test_stale_answers_after_a_fault_do_not_end_the_clean_up(
    account: EmulatedAccount, tally: BuildTally, calls: Sequence[str], answers: int
) -> None:
    start = calls.index("ImportKeyPair")  # an earlier RunInstances is the dry run of the plan
    for number, name in enumerate(calls):
        if number < start or name not in (CREATES if EVERYTHING else CREATES[1:3]):
            continue
        injector = FaultInjector("answer lost for good", number, stale=answers)
        with pytest.raises((*AWS_ERRORS, SandboxError)):
            account.build(injector.watch(account.clients()))
        tally.faults += 1
        left = account.created()
        tally.left += len(left)
        assert not left, f"answer of {name} lost, {answers} stale answers: left {left}"
        account.machines.remove()


@pytest.mark.parametrize(
    ("operation", "command"),
    [
        ("TerminateInstances", "aws ec2 terminate-instances --instance-ids i-"),
        ("DeleteSecurityGroup", "aws ec2 delete-security-group --group-id sg-"),
        ("DeleteKeyPair", "aws ec2 delete-key-pair --key-name ami-build-"),
    ],
)
def test_a_resource_that_cannot_be_removed_is_named_with_the_command_that_removes_it(
    account: EmulatedAccount, tally: BuildTally, operation: str, command: str
) -> None:
    clients = account.clients()

    def refuse(**_: object) -> None:
        raise fault_injector.ConnectionClosedError(endpoint_url=MARK)

    account.machines.prepare.append("other-host-key")
    clients.ec2.meta.events.register(f"before-call.ec2.{operation}", refuse)
    limits = replace(fake_account.FAST, terminated=0.2, sweep=0.5)
    with pytest.raises(SandboxError, match="host key") as failed:
        account.build(clients, limits=limits)
    tally.faults += 1
    assert account.created(), "the operation was refused, so its resource is left"
    notes = "\n".join(failed.value.__notes__)
    assert command in notes
    assert "sandbox image clean --build" in notes

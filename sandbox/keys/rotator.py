"""A rotation of the service's key: each step is an update of the stack, and can be the last.

The stage of each slot stands in the stack's file, so an interrupted rotation goes on where it was:
the file says what is wanted, the update makes it so, and only then the next step is written.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from infra import access_keys as keys
from infra import names
from infra.access_keys import SLOTS, Keys, Slot
from sandbox.core.errors import NotYetError, SandboxError
from sandbox.core.stack import Change, Resource, Stack
from sandbox.keys import stages as rotation
from sandbox.secret.manifest import FIELDS

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

KEY_OUTPUT: Final = FIELDS["AWS_ACCESS_KEY_ID"]
ACCESS_KEY: Final = "aws:iam/accessKey:AccessKey"
DONE: Final = {
    "next": "made a second key in slot {other}; the service still uses slot {own}",
    "retiring": "the stack now hands out slot {own}; the key in slot {other} still works",
    "inactive": "switched off the key in slot {other}; it can still be rolled back",
    None: "deleted the old key; slot {own} holds the only one",
}


@dataclass(slots=True, kw_only=True)
class Rotator:
    """One rotation of one stack, from wherever it stands."""

    stack: Stack
    iam: "IAMClient"
    hand_over: Callable[[], None] | None
    """Gives the current key to the service; None leaves that to the operator."""
    say: Callable[[str], None]
    grace: timedelta
    poll: timedelta | None
    """How often to look again while waiting; None ends the command instead."""
    _looked: bool = field(default=False, init=False)
    """Whether this command has already seen that an update changes nothing but keys."""

    def run(self) -> None:
        """Begin a rotation, or go on with the one that has begun, until one key is left.

        Raises:
            NotYetError: time has to pass, or the service has to read its new key.
            SandboxError: the stack or the account is not as it has to be.
        """
        stages = self.stack.settings().manager_keys
        self._require_no_stranger()
        is_last_step = len(self._keys()) > len(stages)
        if not self._is_settled(stages):  # an interrupted command left the file ahead of the stack
            self._update()
        if is_last_step:
            self.say(DONE[None].format(own=keys.current(stages)))
            return
        if self.hand_over and self._is_unused(stages):  # what gave it away last time was stopped
            self.hand_over()
        while True:
            self._wait(stages)
            stages = self._step(stages, rotation.advance(stages))
            if len(stages) == 1:
                return

    def roll_back(self) -> None:
        """Hand the old key out again, or drop a new one that nobody has yet.

        Raises:
            SandboxError: the old key is already deleted.
        """
        stages = self.stack.settings().manager_keys
        self._step(stages, rotation.back(stages))

    def _step(self, before: Keys, after: Keys) -> Keys:
        self.stack.configure_keys(after, removed=[slot for slot in before if slot not in after])
        self._update()
        own, spare = keys.current(after), rotation.other(after)
        self.say(DONE[after.get(spare)].format(own=own, other=spare))
        if self.hand_over and own != keys.current(before):
            self.hand_over()
            self.say(f"gave the key in slot {own} to the service")
        return after

    def _update(self) -> None:
        """Update the stack, unless that would change anything but the keys.

        Raises:
            SandboxError: it would; seen once, it holds for the steps that follow at once.
        """
        if not self._looked:
            self._require_only_keys(self.stack.changes())
        self._looked = True
        self.stack.update()

    def _require_only_keys(self, changes: Sequence[Change]) -> None:
        strange = [str(one) for one in changes if one.type != ACCESS_KEY]
        if strange:
            raise SandboxError(
                f"stack {self.stack.name} has changes that are none of the rotation's: "
                f"{', '.join(strange)}; run pulumi up --stack {self.stack.name} first"
            )

    def _is_settled(self, stages: Keys) -> bool:
        """The stack has the keys that the file names, and hands out the current one."""
        found = self._keys()
        return (
            found.keys() == stages.keys()
            and all(found[slot].outputs["status"] == keys.status(stages[slot]) for slot in found)
            and self.stack.outputs(secrets=True).get(KEY_OUTPUT) == found[keys.current(stages)].id
        )

    def _wait(self, stages: Keys) -> None:
        while waiting := self._waits_for(stages):
            if self.poll is None:
                raise NotYetError(f"not yet: {waiting}; run the same command again later")
            self.say(f"waiting: {waiting}")
            time.sleep(self.poll.total_seconds())
            self._looked = False  # much may have changed meanwhile

    def _waits_for(self, stages: Keys) -> str | None:
        return rotation.waits_for(stages, self._uses(), now=datetime.now(UTC), grace=self.grace)

    def _is_unused(self, stages: Keys) -> bool:
        return stages.get(rotation.other(stages)) == "retiring" and not rotation.is_taken_over(
            stages, self._uses()
        )

    def _uses(self) -> Mapping[Slot, rotation.Use]:
        return {slot: self._use(one) for slot, one in self._keys().items()}

    def _use(self, key: Resource) -> rotation.Use:
        answer = self.iam.get_access_key_last_used(AccessKeyId=key.id)
        return rotation.Use(
            last_used=answer["AccessKeyLastUsed"].get("LastUsedDate"),
            changed=datetime.fromisoformat(key.modified),
        )

    def _keys(self) -> Mapping[Slot, Resource]:
        return of_stack(self.stack.resources())

    def _require_no_stranger(self) -> None:
        own = {one.id for one in self._keys().values()}
        found = self.iam.list_access_keys(UserName=names.MANAGER)["AccessKeyMetadata"]
        strangers = [
            one.get("AccessKeyId", "") for one in found if one.get("AccessKeyId") not in own
        ]
        if strangers:
            raise SandboxError(
                f"user {names.MANAGER} has a key that this stack did not make: "
                f"{', '.join(strangers)}; IAM takes two keys, so delete it first: "
                f"aws iam delete-access-key --user-name {names.MANAGER} "
                f"--access-key-id {strangers[0]}"
            )


def of_stack(resources: Sequence[Resource]) -> Mapping[Slot, Resource]:
    """The stack's access keys by slot."""
    found = {one.name: one for one in resources if one.type == ACCESS_KEY}
    return {
        slot: found[keys.resource_name(slot)] for slot in SLOTS if keys.resource_name(slot) in found
    }


def is_older(stack: Stack, age: timedelta, *, now: datetime) -> bool:
    """The current key has reached *age*, or a rotation has already begun."""
    stages, found = stack.settings().manager_keys, of_stack(stack.resources())
    if len(stages) > 1 or len(found) > 1:
        return True
    made = found[keys.current(stages)].outputs["createDate"]
    return now - datetime.fromisoformat(made) >= age

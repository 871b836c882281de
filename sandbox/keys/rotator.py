"""Rotates the manager's access key; each step is one update of the stack.

The stack's file holds the stage of each slot. A step writes the file first and then updates the
stack, so a rotation that was interrupted anywhere continues from there.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from infra import access_keys, catalogue, names
from infra.access_keys import Keys, Slot
from infra.settings import Settings
from sandbox.core import output
from sandbox.core.access_keys import by_slot
from sandbox.core.errors import NotYetError, RefusedError, SandboxError
from sandbox.core.kubernetes import KEY_ID_OUTPUT
from sandbox.core.stack import Resource, Stack
from sandbox.keys.stages import (
    KeyUse,
    advance,
    blocking_reason,
    other_slot,
    rolled_back,
    uses_new_key,
)

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

KNOWN_WITHIN: Final = timedelta(minutes=1)
"""How long IAM may not know a new key: its copies get it within seconds. The key is handed out only
when all of them have it."""
KNOWN_POLL: Final = 2
"""Seconds between two checks whether IAM knows it."""
STEP_DONE: Final = {
    "next": "created a second key in slot {other}; the service still uses slot {current}",
    "retiring": "the stack now hands out slot {current}; the key in slot {other} still works",
    "inactive": "switched off the key in slot {other}; a rollback can switch it on again",
    None: "done: deleted the key in slot {other}; slot {current} holds the only key",
}


@dataclass(slots=True, kw_only=True)
class Rotator:
    """Rotates one stack's key, from whatever stage it has reached."""

    stack: Stack
    iam: "IAMClient"
    hand_over: Callable[[], None] | None
    """Applies the current key to the cluster; None leaves that to the operator."""
    destination: str
    """Its description in the question, for example "apply it to namespace default"."""
    hand_over_command: str
    """The command with which the operator applies it."""
    again_command: str
    """The command that continues this rotation."""
    confirm: Callable[[str], None]
    """Asks before the change that its argument describes; raises if the answer is no."""
    grace: timedelta
    poll: timedelta | None
    """The time between two checks while waiting; None ends the command instead of waiting."""
    _preview_checked: bool = field(default=False, init=False)
    """Whether this command has seen that an update changes only access keys."""

    def run(self) -> None:
        """Start a rotation, or continue the one that has started, until one key is left.

        Raises:
            NotYetError: time has to pass, or the service has to use its new key.
            RefusedError: the manager is a role, or the answer to the question is no.
            SandboxError: the stack or the account is not ready for a rotation.
        """
        stages, keys = _stages(self.stack), self._keys()
        self._require_no_unmanaged_key(keys)
        if len(stages) == len(keys) == 1:
            self._confirm_start(stages, keys)
        was_last_step = len(keys) > len(stages)
        # an earlier run may have ended before its update, or before it handed the key over
        if not self._is_up_to_date(stages, keys):
            self._update()
        if was_last_step:
            self._report(stages)
            return
        if self.hand_over and _new_key_not_used_yet(stages, self._uses(self._keys())):
            self.hand_over()
        while True:
            self._wait(stages)
            stages = self._step(stages, advance(stages))
            if len(stages) == 1:
                return

    def roll_back(self) -> None:
        """Hand out the old key again, or delete a new key that was not handed out yet.

        Raises:
            RefusedError: there is no second key, the manager is a role, or the answer is no.
        """
        stages = _stages(self.stack)
        after = rolled_back(stages)
        slot, other = access_keys.current(after), other_slot(after)
        self.confirm(
            f"stack {self.stack.name}: delete the new key in slot {other}, which was not handed out"
            if len(after) == 1
            else f"stack {self.stack.name}: hand out the key in slot {slot} again"
        )
        self._step(stages, after)

    def _confirm_start(self, stages: Keys, keys: Mapping[Slot, Resource]) -> None:
        slot = access_keys.current(stages)
        old_key = keys[slot].id if slot in keys else "which is missing"
        self.confirm(
            f"stack {self.stack.name}: create an access key in slot {other_slot(stages)}, "
            f"{self.destination}, and delete the key in slot {slot} ({old_key}) once it was unused "
            f"for {self.grace / timedelta(hours=1):g} hours"
        )

    def _step(self, before: Keys, after: Keys) -> Keys:
        self._check_preview()
        self.stack.configure_keys(after, removed=[slot for slot in before if slot not in after])
        self._update()
        self._report(after)
        slot = access_keys.current(after)
        if self.hand_over and slot != access_keys.current(before):
            self.hand_over()
            output.note(f"applied the key in slot {slot} to the cluster")
        return after

    def _report(self, stages: Keys) -> None:
        other = other_slot(stages)
        done = STEP_DONE[stages.get(other)]
        output.note(done.format(current=access_keys.current(stages), other=other))

    def _update(self) -> None:
        self._check_preview()
        with output.progress(f"stack {self.stack.name}: updating it"):
            self.stack.update()

    def _check_preview(self) -> None:
        """Refuse an update that changes more than access keys.

        One preview covers all steps that follow each other at once.
        """
        if self._preview_checked:
            return
        with output.progress(f"stack {self.stack.name}: checking that only keys change"):
            changes = self.stack.changes()
        others = [str(change) for change in changes if change.type != catalogue.ACCESS_KEY.name]
        if others:
            raise RefusedError(
                f"stack {self.stack.name}: has changes that do not belong to the rotation: "
                f"{', '.join(others)}; run pulumi up --stack {self.stack.name} first"
            )
        self._preview_checked = True

    def _is_up_to_date(self, stages: Keys, keys: Mapping[Slot, Resource]) -> bool:
        """Whether the stack holds the keys of its file, and hands out the current one."""
        return (
            keys.keys() == stages.keys()
            and all(
                keys[slot].outputs["status"] == access_keys.status(stages[slot]) for slot in keys
            )
            and self.stack.outputs(secrets=True).get(KEY_ID_OUTPUT)
            == keys[access_keys.current(stages)].id
        )

    def _wait(self, stages: Keys) -> None:
        while reason := self._blocking_reason(stages):
            if self.poll is None:
                raise NotYetError(f"not yet: {reason}; run again later: {self.again_command}")
            output.note(f"waiting: {reason}")
            time.sleep(self.poll.total_seconds())
            self._preview_checked = False  # others may have changed the program or the account

    def _blocking_reason(self, stages: Keys) -> str | None:
        uses = self._uses(self._keys())
        reason = blocking_reason(stages, uses, now=datetime.now(UTC), grace=self.grace)
        if reason and _new_key_not_used_yet(stages, uses):
            return f"{reason}; hand it over and restart what reads it: {self.hand_over_command}"
        return reason

    def _uses(self, keys: Mapping[Slot, Resource]) -> Mapping[Slot, KeyUse]:
        return {slot: self._use(key) for slot, key in keys.items()}

    def _use(self, key: Resource) -> KeyUse:
        created = datetime.fromisoformat(key.outputs["createDate"])
        while True:
            try:
                answer = self.iam.get_access_key_last_used(AccessKeyId=key.id)
                break
            except self.iam.exceptions.NoSuchEntityException:
                if datetime.now(UTC) - created > KNOWN_WITHIN:
                    raise SandboxError(
                        f"stack {self.stack.name}: key {key.id} was deleted by hand; run "
                        f"pulumi up --refresh --stack {self.stack.name}, then the rotation again"
                    ) from None
                time.sleep(KNOWN_POLL)
        return KeyUse(
            last_used=answer["AccessKeyLastUsed"].get("LastUsedDate"),
            changed=datetime.fromisoformat(key.modified),
        )

    def _keys(self) -> Mapping[Slot, Resource]:
        return by_slot(self.stack.resources())

    def _require_no_unmanaged_key(self, keys: Mapping[Slot, Resource]) -> None:
        managed = {key.id for key in keys.values()}
        in_account = [
            key.get("AccessKeyId", "")
            for key in self.iam.list_access_keys(UserName=names.MANAGER)["AccessKeyMetadata"]
        ]
        unmanaged = [key_id for key_id in in_account if key_id not in managed]
        if unmanaged:
            raise RefusedError(
                f"user {names.MANAGER}: has a key that this stack did not create: "
                f"{', '.join(unmanaged)}; IAM allows two keys, so delete it first: "
                f"aws iam delete-access-key --user-name {names.MANAGER} "
                f"--access-key-id {unmanaged[0]}"
            )


def is_due(stack: Stack, age: timedelta, *, now: datetime) -> bool:
    """Whether the current key has reached *age*, or a rotation has already started.

    Raises:
        RefusedError: the manager is a role.
    """
    stages, keys = _stages(stack), by_slot(stack.resources())
    key = keys.get(access_keys.current(stages))
    if len(stages) > 1 or len(keys) > 1 or key is None:
        return True
    created = key.outputs["createDate"]
    return now - datetime.fromisoformat(created) >= age


def has_keys(settings: Settings) -> bool:
    """Whether the manager is a user; a role has no access keys."""
    return settings.manager_identity == "user"


def _new_key_not_used_yet(stages: Keys, uses: Mapping[Slot, KeyUse]) -> bool:
    return stages.get(other_slot(stages)) == "retiring" and not uses_new_key(stages, uses)


def _stages(stack: Stack) -> Keys:
    settings = stack.settings()
    if not has_keys(settings):
        raise RefusedError(
            f"stack {stack.name}: sandbox:manager_identity = {settings.manager_identity}: the "
            "manager is a role and has no access keys; AWS renews its credentials by itself"
        )
    return settings.manager_keys

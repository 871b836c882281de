"""A stack without an engine, whose keys are real keys of the emulated IAM.

tests/sandbox/test_engine.py interrupts and rolls back one rotation on the real engine. The tests
here try every interruption, which would take an hour on the engine.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from infra import access_keys, catalogue, names
from infra.access_keys import SLOTS, Keys, Slot
from infra.settings import Settings
from sandbox.core.kubernetes import KEY_ID_OUTPUT
from sandbox.core.stack import Change, Resource, Stack


class KilledError(BaseException):
    """The process was killed here."""


class FakeStack(Stack):
    """Changes the emulated IAM like an update of the program changes the real one."""

    def __init__(self, iam: Any) -> None:
        self.name = "fake"
        self.iam = iam
        self.stages: Keys = {"a": "current"}
        self.identity = "user"
        self.keys: dict[Slot, Resource] = {}
        self.handed_out = ""
        self.pending: Sequence[Change] = ()
        self.calls = 0
        self.killed_at = 0
        """The number of the call at which the process is killed; 0 for never."""
        self.most_keys = 0
        self.update()
        self.calls = 0

    def settings(self) -> Settings:
        return Settings.model_validate(
            {"manager_keys": dict(self.stages), "manager_identity": self.identity}
        )

    def resources(self) -> Sequence[Resource]:
        return list(self.keys.values())

    def aws(self) -> Any:
        return self

    def outputs(self, *, secrets: bool = False) -> Mapping[str, Any]:
        del secrets
        return {KEY_ID_OUTPUT: self.handed_out}

    def changes(self, *arguments: str) -> Sequence[Change]:
        del arguments
        return self.pending

    def configure_keys(self, stages: Keys, *, removed: Sequence[Slot]) -> None:
        self._count_call()
        del removed
        self.stages = stages

    def update(self) -> None:
        self._count_call()
        for slot in SLOTS:
            if slot in self.keys and slot not in self.stages:
                key_id = self.keys.pop(slot).id
                self.iam.delete_access_key(UserName=names.MANAGER, AccessKeyId=key_id)
        for slot, stage in self.stages.items():
            status = access_keys.status(stage)
            if slot not in self.keys:
                key = self.iam.create_access_key(UserName=names.MANAGER)["AccessKey"]
                self.keys[slot] = access_key(slot, key["AccessKeyId"])
            if self.keys[slot].outputs["status"] != status:
                key_id = self.keys[slot].id
                self.keys[slot] = access_key(slot, key_id, status=status)
                self.iam.update_access_key(
                    UserName=names.MANAGER, AccessKeyId=key_id, Status=status
                )
        self.handed_out = self.keys[access_keys.current(self.stages)].id
        self.most_keys = max(self.most_keys, len(self.key_ids()))

    def key_ids(self) -> list[str]:
        """The keys that IAM has."""
        keys = self.iam.list_access_keys(UserName=names.MANAGER)["AccessKeyMetadata"]
        return [key["AccessKeyId"] for key in keys]

    def _count_call(self) -> None:
        self.calls += 1
        if self.calls == self.killed_at:
            raise KilledError


def access_key(
    slot: Slot, key_id: str, *, status: str = "Active", created: datetime | None = None
) -> Resource:
    """An access key in the form of a state; *created* is now by default."""
    time = (created or datetime.now(UTC)).isoformat()
    return Resource(
        urn=f"urn:pulumi:fake::sandbox::{catalogue.ACCESS_KEY.name}::"
        f"{access_keys.resource_name(slot)}",
        type=catalogue.ACCESS_KEY.name,
        id=key_id,
        parent="",
        inputs={},
        outputs={"status": status, "createDate": time},
        modified=time,
    )

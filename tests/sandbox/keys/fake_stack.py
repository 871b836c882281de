"""A stack without an engine, for what surrounds it: its keys are real ones of the emulator.

test_engine.py interrupts and rolls back one rotation on the real engine; here every way to do so is
tried, which would take the engine an hour.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from infra import access_keys as keys
from infra import names
from infra.access_keys import SLOTS, Keys, Slot
from infra.settings import Settings
from sandbox.core.stack import Change, Resource, Stack


class Stopped(BaseException):
    """The process was killed here."""


class FakeStack(Stack):
    """Does with the emulator's IAM what an update of the program would do."""

    def __init__(self, iam: Any) -> None:
        self.name = "fake"
        self.iam = iam
        self.wanted: Keys = {"a": "current"}
        self.made: dict[Slot, Resource] = {}
        self.handed_out = ""
        self.pending: Sequence[Change] = ()
        self.calls = 0
        self.stop_at = 0
        """The number of the call at which the process is killed; 0 for never."""
        self.most_keys = 0
        self.update()
        self.calls = 0

    def settings(self) -> Settings:
        return Settings(manager_keys=dict(self.wanted))

    def resources(self) -> Sequence[Resource]:
        return list(self.made.values())

    def outputs(self, *, secrets: bool = False) -> Mapping[str, Any]:
        del secrets
        return {"sandbox_manager_access_key_id": self.handed_out}

    def changes(self, *arguments: str) -> Sequence[Change]:
        del arguments
        return self.pending

    def configure_keys(self, stages: Keys, *, removed: Sequence[Slot]) -> None:
        self._tick()
        del removed
        self.wanted = stages

    def update(self) -> None:
        self._tick()
        for slot in SLOTS:
            if slot in self.made and slot not in self.wanted:
                gone = self.made.pop(slot).id
                self.iam.delete_access_key(UserName=names.MANAGER, AccessKeyId=gone)
        for slot, stage in self.wanted.items():
            if slot not in self.made:
                key = self.iam.create_access_key(UserName=names.MANAGER)["AccessKey"]
                self.made[slot] = self._resource(slot, key["AccessKeyId"])
            if self.made[slot].outputs["status"] != keys.status(stage):
                self.made[slot] = self._resource(slot, self.made[slot].id, keys.status(stage))
                self.iam.update_access_key(
                    UserName=names.MANAGER,
                    AccessKeyId=self.made[slot].id,
                    Status=keys.status(stage),
                )
        self.handed_out = self.made[keys.current(self.wanted)].id
        found = self.iam.list_access_keys(UserName=names.MANAGER)["AccessKeyMetadata"]
        self.most_keys = max(self.most_keys, len(found))

    def _tick(self) -> None:
        self.calls += 1
        if self.calls == self.stop_at:
            raise Stopped

    def _resource(self, slot: Slot, key_id: str, status: str = "Active") -> Resource:
        now = datetime.now(UTC).isoformat()
        return Resource(
            urn=f"urn:pulumi:fake::sandbox::aws:iam/accessKey:AccessKey::{keys.resource_name(slot)}",
            type="aws:iam/accessKey:AccessKey",
            id=key_id,
            parent="",
            outputs={"status": status, "createDate": now},
            modified=now,
        )

"""The manager's access keys as a table."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

from infra import names
from sandbox.core.access_keys import by_slot
from sandbox.core.stack import Stack

COLUMNS: Final = ("slot", "stage", "key", "status", "age", "last used")
MISSING: Final = "missing"
"""The status of a key that the state holds and the account does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One slot's access key. The field names are those of `--json`."""

    slot: str
    stage: str
    key_id: str
    status: str
    """Active or Inactive, as IAM has it, or `MISSING`."""
    age_days: int
    last_used: datetime | None
    """See `KeyUse.last_used`."""

    def row(self) -> Sequence[str]:
        """The key as a row below `COLUMNS`."""
        last_used = f"{self.last_used:%Y-%m-%d %H:%M} UTC" if self.last_used else "never"
        age = f"{self.age_days} days"
        return self.slot, self.stage, self.key_id, self.status, age, last_used

    def as_json(self) -> dict[str, object]:
        """The key for a program; the time is in ISO 8601, in UTC."""
        last_used = self.last_used.astimezone(UTC).isoformat() if self.last_used else None
        return {**asdict(self), "last_used": last_used}


def read(stack: Stack, *, now: datetime) -> Sequence[Key]:
    """The key of each slot that holds one."""
    keys = by_slot(stack.resources())
    if not keys:
        return []
    stages = stack.settings().manager_keys
    iam = stack.aws().iam
    try:
        in_account = iam.list_access_keys(UserName=names.MANAGER)["AccessKeyMetadata"]
    except iam.exceptions.NoSuchEntityException:
        in_account = list[Any]()
    statuses = {key.get("AccessKeyId"): key.get("Status", "") for key in in_account}
    listed: list[Key] = []
    for slot, key in keys.items():
        exists = key.id in statuses
        use = iam.get_access_key_last_used(AccessKeyId=key.id) if exists else None
        listed.append(
            Key(
                slot=slot,
                stage=stages.get(slot, "to be deleted"),
                key_id=key.id,
                status=statuses.get(key.id, MISSING),
                age_days=(now - datetime.fromisoformat(key.outputs["createDate"])).days,
                last_used=use["AccessKeyLastUsed"].get("LastUsedDate") if use else None,
            )
        )
    return listed

"""The manager's access keys as a table."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from sandbox.core.stack import Stack
from sandbox.keys.rotator import of_stack

COLUMNS: Final = ("slot", "stage", "key", "status", "age_days", "last_used")


def read(stack: Stack, *, now: datetime) -> Sequence[Mapping[str, str | int]]:
    """A row for each slot that holds a key, with the columns of `COLUMNS`."""
    stages = stack.settings().manager_keys
    keys = of_stack(stack.resources())
    iam = stack.aws().iam
    rows: list[Mapping[str, str | int]] = []
    for slot, key in keys.items():
        last_used = iam.get_access_key_last_used(AccessKeyId=key.id)["AccessKeyLastUsed"]
        used = last_used.get("LastUsedDate")
        rows.append(
            {
                "slot": slot,
                "stage": stages.get(slot, "to be deleted"),
                "key": key.id,
                "status": key.outputs["status"],
                "age_days": (now - datetime.fromisoformat(key.outputs["createDate"])).days,
                "last_used": f"{used:%Y-%m-%d %H:%M} UTC" if used else "never",
            }
        )
    return rows

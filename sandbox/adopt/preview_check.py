"""Check that a preview does not disturb the running environment. Pure.

Nothing may be replaced or deleted, and an update in place needs a known reason: a tag, or a defect
of the old module that this program does not have. Every other change is an objection.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from infra import catalogue, names

ANY: Final = "*"
TAGS: Final = "the program's own tags; Terraform=true is removed"
BOUNDARY: Final = "new: a permissions boundary, so that nobody can allow more later"
ACCEPTED: Final[Mapping[tuple[str, str, str], str]] = {
    (ANY, ANY, "tags"): TAGS,
    (ANY, ANY, "tagsAll"): TAGS,
    (catalogue.SUBNET.name, ANY, "mapPublicIpOnLaunch"): (
        "the old subnets gave instances no public address, although researchers connect by SSH"
    ),
    (catalogue.POLICY.name, names.MANAGER_POLICY, "policy"): (
        "the old policy let the manager change every instance and every tag of the account"
    ),
    (catalogue.POLICY.name, names.INSTANCE_POLICY, "policy"): (
        "the old policy let instances use the buckets of other accounts, and pull every container "
        "image of this account"
    ),
    (catalogue.USER.name, names.MANAGER, "permissionsBoundary"): BOUNDARY,
    (catalogue.ROLE.name, names.INSTANCE_ROLE, "permissionsBoundary"): BOUNDARY,
    (catalogue.ROLE.name, names.INSTANCE_ROLE, "assumeRolePolicy"): (
        "the same trust, with a name for its statement"
    ),
    (catalogue.LOG_GROUP.name, names.INSTANCE_LOGS, "retentionInDays"): (
        "the log group kept its events for ever; now for the longest time that AWS offers"
    ),
}
"""The reason by type, name and property."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One step of the preview that changes something."""

    operation: str
    urn: str
    properties: tuple[str, ...]
    """The changed properties of an update, without their nested parts."""

    @property
    def type(self) -> str:
        return self.urn.split("::")[2].split("$")[-1]

    @property
    def name(self) -> str:
        return self.urn.split("::", 3)[3]

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the update is accepted."""
        reasons = (reason_for(self.type, self.name, name) for name in self.properties)
        return tuple(dict.fromkeys(filter(None, reasons)))

    @property
    def unexplained(self) -> tuple[str, ...]:
        """The properties that change without a known reason."""
        return tuple(name for name in self.properties if not reason_for(self.type, self.name, name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the next update would do, and whether that is sound."""

    changes: tuple[Change, ...]
    unchanged: int
    """How many resources stay as they are."""

    def count(self, operation: str) -> int:
        return sum(change.operation == operation for change in self.changes)

    @property
    def objections(self) -> tuple[str, ...]:
        """One line for each change that must not happen."""
        return tuple(_objections(self.changes))

    @property
    def sound(self) -> bool:
        return not self.objections


def reason_for(resource_type: str, name: str, property_name: str) -> str | None:
    """Why the property may change; None if it may not."""
    return (
        ACCEPTED.get((resource_type, name, property_name))
        or ACCEPTED.get((resource_type, ANY, property_name))
        or ACCEPTED.get((ANY, ANY, property_name))
    )


def check_preview(preview: Mapping[str, Any]) -> Verdict:
    """Check the output of `pulumi preview --json`."""
    steps = cast("Sequence[Mapping[str, Any]]", preview.get("steps") or [])
    changes = {
        Change(
            operation=_operation(step["op"]), urn=step["urn"], properties=tuple(_properties(step))
        )
        for step in steps
        if step["op"] not in {"same", "read"}
    }
    return Verdict(
        changes=tuple(
            sorted(changes, key=lambda change: (change.operation, change.type, change.name))
        ),
        unchanged=preview.get("changeSummary", {}).get("same", 0),
    )


def _operation(step_operation: str) -> str:
    """The engine shows a replacement as one step or as three; a reader sees one."""
    return "replace" if "replace" in step_operation else step_operation


def _properties(step: Mapping[str, Any]) -> Iterator[str]:
    if step["op"] != "update":
        return
    detailed: Mapping[str, Any] = step.get("detailedDiff") or {}
    paths: list[str] = [*detailed, *(step.get("diffReasons") or [])]
    yield from dict.fromkeys(re.split(r"[.\[]", path, maxsplit=1)[0] for path in paths)


def _objections(changes: Sequence[Change]) -> Iterator[str]:
    for change in changes:
        resource = f"{change.type} {change.name}"
        if change.operation == "update":
            if change.unexplained:
                yield f"{resource}: {', '.join(change.unexplained)} would change"
            elif not change.properties:
                yield f"{resource}: would change, and the engine does not say how"
        elif change.operation != "create":
            yield f"{resource}: would be {_participle(change.operation)}"


def _participle(operation: str) -> str:
    return {"replace": "replaced", "delete": "deleted"}.get(operation, f"changed ({operation})")

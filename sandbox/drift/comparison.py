"""The account compared with the program: what differs, what is missing, what others attached."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from infra.attachments import unmanaged
from sandbox.core.stack import Change, Resource, Stack


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """The differences between account and program; false if there are none."""

    differing: Sequence[Change]
    missing: Sequence[Resource]
    """Resources in the state that AWS no longer has."""
    unmanaged: Sequence[str]

    def __bool__(self) -> bool:
        return bool(self.differing or self.missing or self.unmanaged)


def compare(stack: Stack) -> Drift:
    """Compare; reads the account and changes nothing."""
    resources = {resource.urn: resource for resource in stack.resources() if resource.id}
    changes = stack.changes("--refresh")
    missing = [
        resources[change.urn]
        for change in changes
        if change.operation == "create" and change.urn in resources
    ]
    missing_urns = {resource.urn for resource in missing}
    return Drift(
        differing=[change for change in changes if change.urn not in missing_urns],
        missing=missing,
        unmanaged=sorted(unmanaged(stack.aws(), resources.values())),
    )


def lines(drift: Drift) -> Iterator[str]:
    """One line for each difference."""
    for change in drift.differing:
        yield f"differs: {change}"
    for resource in drift.missing:
        yield f"missing: {resource.type} {resource.name} ({resource.id})"
    for line in drift.unmanaged:
        yield f"unmanaged: {line}"


def counts(drift: Drift) -> str:
    """The number of each kind, for example "1 differ, 0 missing, 2 unmanaged"."""
    return (
        f"{len(drift.differing)} differ, {len(drift.missing)} missing, "
        f"{len(drift.unmanaged)} unmanaged"
    )


def as_json(drift: Drift) -> dict[str, Any]:
    """The same for a program."""
    return {
        "differing": [
            {"operation": change.operation, "type": change.type, "name": change.name}
            for change in drift.differing
        ],
        "missing": [
            {"type": resource.type, "name": resource.name, "id": resource.id}
            for resource in drift.missing
        ],
        "unmanaged": list(drift.unmanaged),
    }

"""Whether a preview leaves alone what runs: nothing replaced, nothing deleted, every update known.

An update in place is only accepted with a reason: a tag, or a defect of the old module that this
program does not have. Everything else stops the adoption. Pure.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from infra import names
from sandbox.adopt import mapping

ANY: Final = "*"
ROLE: Final = "aws:iam/role:Role"
POLICY: Final = "aws:iam/policy:Policy"
TAGS: Final = "tags: the program's own; Terraform=true goes"
BOUNDARY: Final = "new: a boundary, so that nobody can allow it more later"
ACCEPTED: Final[Mapping[tuple[str, str, str], str]] = {
    (ANY, ANY, "tags"): TAGS,
    (ANY, ANY, "tagsAll"): TAGS,
    ("aws:ec2/subnet:Subnet", ANY, "mapPublicIpOnLaunch"): (
        "the old subnets gave instances no public address, although researchers connect by SSH"
    ),
    (POLICY, names.MANAGER_POLICY, "policy"): (
        "the old policy let the manager change every instance and every tag of the account"
    ),
    (POLICY, names.INSTANCE_POLICY, "policy"): (
        "the old policy let instances use strangers' buckets, and all of the account's images"
    ),
    ("aws:iam/user:User", names.MANAGER, "permissionsBoundary"): BOUNDARY,
    (ROLE, names.INSTANCE_ROLE, "permissionsBoundary"): BOUNDARY,
    (
        ROLE,
        names.INSTANCE_ROLE,
        "assumeRolePolicy",
    ): "the same trust, with a name for its statement",
    (mapping.LOG_GROUP, names.INSTANCE_LOGS, "retentionInDays"): (
        "the instances' events were kept for ever; now for the longest time that AWS offers"
    ),
}
"""Reasons by type, name and property."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One step of the preview that is not `same`."""

    op: str
    urn: str
    properties: tuple[str, ...]
    """Of an update: what changes, as far as the top level names it."""

    @property
    def type(self) -> str:
        return self.urn.split("::")[2].split("$")[-1]

    @property
    def name(self) -> str:
        return self.urn.split("::", 3)[3]

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the update is accepted, as far as it is."""
        found = (reason_for(self.type, self.name, one) for one in self.properties)
        return tuple(dict.fromkeys(one for one in found if one))

    @property
    def unexplained(self) -> tuple[str, ...]:
        """What changes for no known reason."""
        return tuple(one for one in self.properties if not reason_for(self.type, self.name, one))


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the preview would do, in the user's terms."""

    changes: tuple[Change, ...]
    same: int

    def of(self, *ops: str) -> tuple[Change, ...]:
        return tuple(one for one in self.changes if one.op in ops)

    @property
    def created(self) -> tuple[Change, ...]:
        return self.of("create")

    @property
    def updated(self) -> tuple[Change, ...]:
        return self.of("update")

    @property
    def replaced(self) -> tuple[Change, ...]:
        return self.of("replace")

    @property
    def deleted(self) -> tuple[Change, ...]:
        return self.of("delete")

    @property
    def objections(self) -> tuple[str, ...]:
        """One line for everything that must not happen; none if the adoption is sound."""
        return tuple(_objections(self))


def reason_for(kind: str, name: str, prop: str) -> str | None:
    """Why the property may change; None if it may not."""
    return (
        ACCEPTED.get((kind, name, prop))
        or ACCEPTED.get((kind, ANY, prop))
        or ACCEPTED.get((ANY, ANY, prop))
    )


def judge(preview: Mapping[str, Any]) -> Verdict:
    """The verdict on what `pulumi preview --json` printed."""
    steps = cast("Sequence[Mapping[str, Any]]", preview.get("steps") or [])
    changes = [
        Change(op=_plain(step["op"]), urn=step["urn"], properties=tuple(_properties(step)))
        for step in steps
    ]
    moving = [one for one in changes if one.op not in {"same", "read"}]
    return Verdict(
        changes=tuple(sorted(dict.fromkeys(moving), key=lambda one: (one.op, one.type, one.name))),
        same=sum(one.op == "same" for one in changes),
    )


def _plain(op: str) -> str:
    """A replacement is one thing to a reader, in three steps or in one."""
    return "replace" if "replace" in op else op


def _properties(step: Mapping[str, Any]) -> Iterator[str]:
    if step["op"] != "update":
        return
    detailed: Mapping[str, Any] = step.get("detailedDiff") or {}
    paths: list[str] = [*detailed, *(step.get("diffReasons") or [])]
    yield from dict.fromkeys(re.split(r"[.\[]", path, maxsplit=1)[0] for path in paths)


def _objections(verdict: Verdict) -> Iterator[str]:
    for one in verdict.changes:
        if one.op == "update":
            if one.unexplained:
                yield f"{one.type} {one.name}: {', '.join(one.unexplained)} would change"
            elif not one.properties:
                yield f"{one.type} {one.name}: would change, the engine does not say how"
        elif one.op != "create":
            yield f"{one.type} {one.name}: would be {_participle(one.op)}"


def _participle(op: str) -> str:
    return {"replace": "replaced", "delete": "deleted"}.get(op, f"changed ({op})")

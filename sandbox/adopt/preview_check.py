"""Check that a preview does not disturb the running environment. Pure.

Nothing may be replaced or deleted. An update in place needs a reason that is true for its old and
new values: the program's own tags, or a defect of the old module that this program does not have.
What somebody added to the module's tags and policies, and the update would remove, is a question to
the operator. Every other change is an objection.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, cast

from infra import catalogue, names
from sandbox.adopt import policy_comparison

ANY: Final = "*"
DEFAULTS: Final = "__defaults"
"""The engine's own entry in a map of inputs."""
MODULE_TAGS: Final = frozenset({"Name", "Project", "Environment", "Purpose", "Terraform", "Type"})
"""The keys of every tag that the old module sets."""
MODULE_ACTIONS: Final[Mapping[str, frozenset[str]]] = {
    names.MANAGER_POLICY: frozenset(
        {
            *("ec2:ModifyInstanceAttribute", "ec2:DeleteTags", "ec2:Describe*"),
            *("cloudwatch:GetMetricStatistics", "cloudwatch:PutMetricData"),
            "iam:GetInstanceProfile",
        }
    ),
    names.INSTANCE_POLICY: frozenset({"logs:CreateLogGroup", "s3:DeleteObject"}),
}
"""Actions that the old module allowed, by policy, and that the sandbox does not need."""
OUTSIDE: Final = "newly denies what only another policy, or that of a bucket or of a key, allows"
SESSIONS: Final = "newly denies every call with temporary credentials of an access key"
OLD_METADATA: Final = (
    "newly denies every call with credentials that the metadata service gave without a token "
    "(IMDSv1)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """A property before and after an update."""

    old: Any
    new: Any
    """A placeholder if it is not known before the update."""
    lost_tags: frozenset[str]
    """The keys of the resource's tags that go or get another value."""


Kind = Literal["sound", "question", "in the way"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertyChange:
    """A property that an update changes, and why that is accepted."""

    name: str
    reason: str | None
    """None if the change is not accepted, or the operator has to decide."""
    details: tuple[str, ...] = ()
    """What exactly changes."""
    lost: tuple[str, ...] = ()
    """What somebody else than the module set and the update removes; the operator decides."""

    @property
    def kind(self) -> Kind:
        if self.lost:
            return "question"
        return "sound" if self.reason else "in the way"


Explain = Callable[[str, Values], PropertyChange]


def explain_tags(name: str, values: Values) -> PropertyChange:
    foreign = sorted(values.lost_tags - MODULE_TAGS)
    if foreign:
        detail = f"the tags {', '.join(foreign)} would go"
        return PropertyChange(name=name, reason=None, details=(detail,), lost=tuple(foreign))
    removed = "; Terraform=true is removed" if "Terraform" in values.lost_tags else ""
    return PropertyChange(name=name, reason=f"the program's own tags{removed}")


def explain_public_addresses(name: str, values: Values) -> PropertyChange:
    reason = "the old subnets gave instances no public address, although researchers connect by SSH"
    return PropertyChange(name=name, reason=reason if values.new is True else None)


def explain_boundary(name: str, values: Values) -> PropertyChange:
    if values.old:
        detail = (
            f"the boundary {values.old} would be replaced, since IAM takes one; keep it with: "
            f"sandbox settings set permissions_boundary {values.old}"
        )
        return PropertyChange(name=name, reason=None, details=(detail,))
    return PropertyChange(
        name=name,
        reason="new: a permissions boundary, so that nobody can allow more later",
        details=(OUTSIDE,),
    )


def explain_boundary_that_denies(what: str) -> Explain:
    """A boundary that also denies *what*, which no policy of the module did."""

    def explain(name: str, values: Values) -> PropertyChange:
        change = explain_boundary(name, values)
        return replace(change, details=(*change.details, what)) if change.reason else change

    return explain


def explain_trust(name: str, values: Values) -> PropertyChange:
    if policy_comparison.same_trust(values.old, values.new):
        return PropertyChange(name=name, reason="the same trust, with a name for its statement")
    if conditions := policy_comparison.added_conditions(values.old, values.new):
        reason = (
            "the old trust let every pod of the account's clusters that is given the role use it"
        )
        return PropertyChange(
            name=name, reason=reason, details=(f"only with {', '.join(conditions)}",)
        )
    detail = "its principals or conditions would change; restore the module's trust policy first"
    return PropertyChange(name=name, reason=None, details=(detail,))


def explain_manager_policy(name: str, values: Values) -> PropertyChange:
    return _explain_policy(
        name,
        values,
        names.MANAGER_POLICY,
        "the old policy let the manager change every instance and every tag of the account",
    )


def explain_instance_policy(name: str, values: Values) -> PropertyChange:
    reason = (
        "the old policy let instances use the buckets of other accounts, and pull every container "
        "image of this account"
    )
    if not _allows_s3(values.old):
        reason = (
            "the old policy let instances pull every container image of this account; it gave "
            "them no bucket, and the program always gives them sandbox:s3_output_bucket, which is "
            "the only one in sandbox:s3_read_buckets now"
        )
    return _explain_policy(name, values, names.INSTANCE_POLICY, reason)


def explain_retention(name: str, values: Values) -> PropertyChange:
    reason = "the log group kept its events for ever; now for the longest time that AWS offers"
    return PropertyChange(name=name, reason=None if values.old else reason)


def explain_description(name: str, _values: Values) -> PropertyChange:
    return PropertyChange(name=name, reason="the program's own description; nothing else is new")


def _explain_policy(name: str, values: Values, policy_name: str, reason: str) -> PropertyChange:
    comparison = policy_comparison.compare(values.old, values.new)
    if comparison is None:
        detail = "the engine does not show both policies"
        return PropertyChange(name=name, reason=None, details=(detail,))
    foreign = sorted({*comparison.removed_actions} - MODULE_ACTIONS[policy_name])
    details = tuple(comparison.lines())
    if foreign:
        detail = f"the actions {', '.join(foreign)}, which are not the module's, would go"
        return PropertyChange(
            name=name, reason=None, details=(detail, *details), lost=tuple(foreign)
        )
    return PropertyChange(name=name, reason=reason, details=details)


def _allows_s3(document: object) -> bool:
    return any(
        action.startswith("s3:")
        for statement in policy_comparison.statements(document) or ()
        for action in policy_comparison.as_list(statement.get("Action", []))
    )


EXPLAINED: Final[Mapping[tuple[str, str, str], Explain]] = {
    (ANY, ANY, "tags"): explain_tags,
    (ANY, ANY, "tagsAll"): explain_tags,
    (catalogue.SUBNET.name, ANY, "mapPublicIpOnLaunch"): explain_public_addresses,
    (catalogue.INGRESS_RULE.name, ANY, "description"): explain_description,
    (catalogue.EGRESS_RULE.name, ANY, "description"): explain_description,
    (catalogue.POLICY.name, names.MANAGER_POLICY, "policy"): explain_manager_policy,
    (catalogue.POLICY.name, names.INSTANCE_POLICY, "policy"): explain_instance_policy,
    (catalogue.USER.name, names.MANAGER, "permissionsBoundary"): explain_boundary_that_denies(
        SESSIONS
    ),
    (
        catalogue.ROLE.name,
        names.INSTANCE_ROLE,
        "permissionsBoundary",
    ): explain_boundary_that_denies(OLD_METADATA),
    (catalogue.ROLE.name, names.MANAGER, "permissionsBoundary"): explain_boundary,
    (catalogue.ROLE.name, names.INSTANCE_ROLE, "assumeRolePolicy"): explain_trust,
    (catalogue.ROLE.name, names.MANAGER, "assumeRolePolicy"): explain_trust,
    (catalogue.ROLE.name, names.MANAGER, "description"): explain_description,
    (catalogue.LOG_GROUP.name, names.INSTANCE_LOGS, "retentionInDays"): explain_retention,
}
"""By type, name and property; a property that is not here may not change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewedChange:
    """One step of the preview that changes something."""

    operation: str
    urn: str
    property_changes: tuple[PropertyChange, ...] = ()
    """Of an update."""

    @property
    def type(self) -> str:
        return self.urn.split("::")[2].split("$")[-1]

    @property
    def name(self) -> str:
        return self.urn.split("::", 3)[3]

    @property
    def properties(self) -> tuple[str, ...]:
        return tuple(change.name for change in self.property_changes)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the update is accepted."""
        return tuple(
            dict.fromkeys(change.reason for change in self.property_changes if change.reason)
        )

    @property
    def kind(self) -> Kind:
        """The strictest of its properties; an update that shows none is in the way."""
        if self.operation == "create":
            return "sound"
        kinds = {change.kind for change in self.property_changes}
        if self.operation != "update" or not kinds or "in the way" in kinds:
            return "in the way"
        return "question" if "question" in kinds else "sound"

    @property
    def details(self) -> tuple[str, ...]:
        """What exactly changes."""
        return self._details("sound", "question")

    @property
    def objections(self) -> tuple[str, ...]:
        """What exactly must not change."""
        return self._details("in the way")

    def _details(self, *kinds: Kind) -> tuple[str, ...]:
        return tuple(
            dict.fromkeys(
                detail
                for change in self.property_changes
                for detail in change.details
                if change.kind in kinds
            )
        )

    @property
    def unexplained(self) -> tuple[str, ...]:
        """The properties that change without an accepted reason."""
        return tuple(change.name for change in self.property_changes if change.kind == "in the way")

    def lost(self, *properties: str) -> tuple[str, ...]:
        """What of others the update would remove from *properties*."""
        return tuple(
            dict.fromkeys(
                name
                for change in self.property_changes
                if change.name in properties
                for name in change.lost
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the next update would do, and whether that is sound."""

    changes: tuple[PreviewedChange, ...]
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


def check_preview(preview: Mapping[str, Any]) -> Verdict:
    """Check the output of `pulumi preview --json`."""
    steps = cast("Sequence[Mapping[str, Any]]", preview.get("steps") or [])
    changes = {
        PreviewedChange(
            operation=_operation(step["op"]),
            urn=step["urn"],
            property_changes=tuple(_property_changes(step)),
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


def _property_changes(step: Mapping[str, Any]) -> Iterator[PropertyChange]:
    if step["op"] != "update":
        return
    resource_type, name = step["urn"].split("::", 3)[2:]
    resource_type = resource_type.rpartition("$")[2]
    detailed: Mapping[str, Mapping[str, Any]] = step.get("detailedDiff") or {}
    paths: list[str] = [*detailed, *(step.get("diffReasons") or [])]
    for property_name in dict.fromkeys(re.split(r"[.\[]", path, maxsplit=1)[0] for path in paths):
        explain = (
            EXPLAINED.get((resource_type, name, property_name))
            or EXPLAINED.get((resource_type, ANY, property_name))
            or EXPLAINED.get((ANY, ANY, property_name))
        )
        if explain is None:
            yield PropertyChange(name=property_name, reason=None)
        else:
            yield explain(property_name, _values(step, property_name))


def _values(step: Mapping[str, Any], property_name: str) -> Values:
    old = _properties(step, "oldState", "outputs") | _properties(step, "oldState", "inputs")
    new = _properties(step, "newState", "inputs")
    # not the difference as the engine shows it: for some types that does not name the keys
    old_tags: Mapping[str, str] = old.get("tags") or {}
    new_tags: Mapping[str, str] = new.get("tags") or {}
    return Values(
        old=old.get(property_name),
        new=new.get(property_name),
        lost_tags=frozenset(
            key for key, value in old_tags.items() if key != DEFAULTS and new_tags.get(key) != value
        ),
    )


def _properties(step: Mapping[str, Any], state: str, part: str) -> dict[str, Any]:
    state_of_step = cast("Mapping[str, Any]", step.get(state) or {})
    return dict(cast("Mapping[str, Any]", state_of_step.get(part) or {}))


def _objections(changes: Sequence[PreviewedChange]) -> Iterator[str]:
    for change in changes:
        resource = f"{change.type} {change.name}"
        if change.operation == "update":
            if change.unexplained:
                yield (
                    f"{resource}: {', '.join(change.unexplained)} would change"
                    f"{_in_brackets(change.objections)}"
                )
            elif not change.property_changes:
                yield f"{resource}: would change, and the engine does not say how"
        elif change.operation != "create":
            yield f"{resource}: would be {_participle(change.operation)}"


def _in_brackets(texts: Sequence[str]) -> str:
    return f" ({'; '.join(texts)})" if texts else ""


def _participle(operation: str) -> str:
    return {"replace": "replaced", "delete": "deleted"}.get(operation, f"changed ({operation})")

"""Compare two IAM policy documents. Pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final, cast

EVERYTHING: Final = "*"
OTHERS: Final = "all other actions"
"""What a statement with NotAction is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyComparison:
    """The permissions that differ between an old and a new identity policy, sorted."""

    removed_actions: tuple[str, ...]
    """Actions, as the old document writes them, that no statement of the new one allows."""
    narrowed_actions: tuple[str, ...]
    """Actions of both, which the new document allows on fewer resources or under conditions."""
    added_actions: tuple[str, ...]
    removed_buckets: tuple[str, ...]
    """S3 buckets, or patterns of them, that only the old document allows."""
    added_buckets: tuple[str, ...]
    denied: tuple[str, ...]
    """What the new document denies and the old one did not, for example "s3:GetObject* on logs"."""

    def announces(self, action: str) -> bool:
        """Whether the lines say that *action* may be refused from now on."""
        return any(
            fnmatchcase(action, pattern)
            for pattern in (*self.removed_actions, *self.narrowed_actions)
        ) or any(
            fnmatchcase(action, pattern)
            for pattern in (line.partition(" on ")[0] for line in self.denied)
            if pattern != EVERYTHING  # it has conditions, which a line of its own explains
        )

    def lines(self) -> Iterator[str]:
        """One line for each kind of difference."""
        for text, values in (
            ("no longer allows", self.removed_actions),
            ("still allows, but not in every case as before,", self.narrowed_actions),
            ("newly allows", self.added_actions),
            ("no longer allows the buckets", self.removed_buckets),
            ("newly allows the buckets", self.added_buckets),
            ("newly denies", self.denied),
        ):
            if values:
                yield f"{text} {', '.join(values)}"


def compare(old: object, new: object) -> PolicyComparison | None:
    """Compare the documents *old* and *new*; None if one of them is not a known JSON document."""
    old_statements, new_statements = statements(old), statements(new)
    if old_statements is None or new_statements is None:
        return None
    old_actions, new_actions = _actions(old_statements), _actions(new_statements)
    old_buckets, new_buckets = _buckets(old_statements), _buckets(new_statements)
    return PolicyComparison(
        removed_actions=tuple(sorted(old_actions - new_actions)),
        narrowed_actions=tuple(
            action
            for action in sorted(old_actions & new_actions)
            if _grants(old_statements, action) - _grants(new_statements, action)
        ),
        added_actions=tuple(sorted(new_actions - old_actions)),
        removed_buckets=tuple(sorted(old_buckets - new_buckets)),
        added_buckets=tuple(sorted(new_buckets - old_buckets)),
        denied=tuple(sorted(_denied(new_statements) - _denied(old_statements))),
    )


def same_trust(old: object, new: object) -> bool:
    """Whether both trust policies name the same principals, actions and conditions."""
    old_statements, new_statements = statements(old), statements(new)
    if old_statements is None or new_statements is None:
        return False
    return _normalized(old_statements) == _normalized(new_statements)


def added_conditions(old: object, new: object) -> Sequence[str]:
    """What only the *new* trust asks for; empty if the two differ in anything else too."""
    old_statements, new_statements = statements(old), statements(new)
    if not old_statements or not new_statements:
        return ()
    without = [
        {key: value for key, value in statement.items() if key != "Condition"}
        for statement in new_statements
    ]
    if _normalized(old_statements) != _normalized(without):
        return ()
    return sorted(
        f"{key} = {' or '.join(as_list(values))}"
        for statement in new_statements
        for test in statement.get("Condition", {}).values()
        for key, values in test.items()
    )


def statements(document: object) -> Sequence[Mapping[str, Any]] | None:
    """The statements of a JSON document; None if it is not one, or not known before the update."""
    try:
        parsed: Any = json.loads(document) if isinstance(document, str) else None
        return cast("Sequence[Mapping[str, Any]]", as_list(parsed["Statement"]))
    except (ValueError, TypeError, KeyError):
        return None


def as_list(value: Any) -> Sequence[Any]:  # noqa: ANN401 - IAM takes one value or a list
    return cast("list[Any]", value) if isinstance(value, list) else [value]


def _of_effect(
    all_statements: Sequence[Mapping[str, Any]], effect: str
) -> Iterator[Mapping[str, Any]]:
    return (statement for statement in all_statements if statement.get("Effect") == effect)


def _actions(all_statements: Sequence[Mapping[str, Any]]) -> set[str]:
    return {
        action
        for statement in _of_effect(all_statements, "Allow")
        for action in as_list(statement.get("Action", "NotAction"))
    }


def _grants(all_statements: Sequence[Mapping[str, Any]], action: str) -> set[tuple[str, str]]:
    """The resources on which *action* is allowed, each with its conditions."""
    return {
        (resource, json.dumps(statement.get("Condition", {}), sort_keys=True))
        for statement in _of_effect(all_statements, "Allow")
        if action in as_list(statement.get("Action", []))
        for resource in as_list(statement.get("Resource", []))
    }


def _buckets(all_statements: Sequence[Mapping[str, Any]]) -> set[str]:
    return {
        _short(resource).partition("/")[0]
        for statement in _of_effect(all_statements, "Allow")
        for resource in as_list(statement.get("Resource", []))
        if resource.startswith("arn:aws:s3:::")
    }


def _denied(all_statements: Sequence[Mapping[str, Any]]) -> set[str]:
    return {
        f"{action} on {_short(resource)}{_tested(statement)}"
        for statement in _of_effect(all_statements, "Deny")
        for action in as_list(statement.get("Action", OTHERS))
        for resource in as_list(statement.get("Resource", "NotResource"))
    }


def _tested(statement: Mapping[str, Any]) -> str:
    """The condition keys that decide whether a statement applies."""
    keys = sorted({key for test in statement.get("Condition", {}).values() for key in test})
    return f" (as {' and '.join(keys)} decide)" if keys else ""


def _short(arn: str) -> str:
    return arn.removeprefix("arn:aws:s3:::")


def _normalized(all_statements: Sequence[Mapping[str, Any]]) -> list[str]:
    """The statements without their names, with every single value as a list."""
    return sorted(
        json.dumps(_listed({k: v for k, v in statement.items() if k != "Sid"}), sort_keys=True)
        for statement in all_statements
    )


def _listed(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        return {key: _listed(inner) for key, inner in cast("Mapping[str, Any]", value).items()}
    return sorted(as_list(value))

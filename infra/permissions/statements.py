"""Policy statements, and documents of them within AWS's limits.

Limits: IAM User Guide, IAM and AWS STS quotas.
"""

import functools
import inspect
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, ParamSpec

MANAGED_POLICY_LIMIT: Final = 6_144
"""Characters of a managed policy; AWS does not count white space."""
TRUST_POLICY_LIMIT: Final = 2_048
"""Characters of a trust policy, by the default quota."""
POLICIES_PER_IDENTITY: Final = 10
"""Managed policies of one user or role, by the default quota."""

Condition = Mapping[str, Mapping[str, str | Sequence[str]]]
P = ParamSpec("P")


class DocumentError(ValueError):
    """Statements that AWS would refuse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement of a policy, with the sentence that describes it."""

    effect: Literal["Allow", "Deny"]
    actions: tuple[str, ...] = ()
    all_actions_but: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    all_resources_but: tuple[str, ...] = ()
    principal: Mapping[str, str] | None = None
    """Set in trust policies only, which have no resource."""
    when: Condition | None = None
    sid: str = ""
    sentence: str = ""

    def as_json(self) -> dict[str, object]:
        """The statement as IAM reads it, without the elements that are not set."""
        parts: dict[str, object] = {
            "Sid": self.sid,
            "Effect": self.effect,
            "Principal": self.principal,
            "Action": self.actions,
            "NotAction": self.all_actions_but,
            "Resource": self.resources,
            "NotResource": self.all_resources_but,
            "Condition": self.when,
        }
        return {name: value for name, value in parts.items() if value}


def statement(write: Callable[P, Statement]) -> Callable[P, Statement]:
    """Give a statement its Sid, the function's name in CamelCase, and its sentence."""
    sid = "".join(word.capitalize() for word in write.__name__.split("_"))
    sentence = " ".join(inspect.cleandoc(write.__doc__ or "").split())
    if not sentence:
        raise DocumentError(
            f"{write.__name__}: has no docstring; write the sentence that describes the statement"
        )

    @functools.wraps(write)
    def named(*args: P.args, **kwargs: P.kwargs) -> Statement:
        return replace(write(*args, **kwargs), sid=sid, sentence=sentence)

    return named


def allow(*actions: str, on: str | Iterable[str], when: Condition | None = None) -> Statement:
    return Statement(effect="Allow", actions=actions, resources=_as_tuple(on), when=when)


def deny(*actions: str, on: str | Iterable[str], when: Condition | None = None) -> Statement:
    return Statement(effect="Deny", actions=actions, resources=_as_tuple(on), when=when)


def allow_to_assume(
    *actions: str, by: Mapping[str, str], when: Condition | None = None
) -> Statement:
    return Statement(effect="Allow", actions=actions, principal=by, when=when)


def fits(statements: Iterable[Statement]) -> bool:
    """Whether one managed policy can hold *statements*."""
    return len(_render(statements)) <= MANAGED_POLICY_LIMIT


def document(statements: Iterable[Statement], *, limit: int = MANAGED_POLICY_LIMIT) -> str:
    """One document: for a boundary or a trust policy, of which an identity has only one.

    Raises:
        DocumentError: it is longer than *limit* characters.
    """
    statements = tuple(statements)
    text = _render(statements)
    if len(text) > limit:
        raise DocumentError(
            f"{statements[0].sid} … {statements[-1].sid}: {len(text):,} characters, but AWS allows "
            f"{limit:,} in this document; shorten the lists in the stack's settings"
        )
    return text


def documents(statements: Iterable[Statement]) -> tuple[str, ...]:
    """As few documents as possible that hold *statements* in order, each within AWS's limit.

    A document ends only where the next statement no longer fits, so a change in one statement
    moves as few of the others as possible.

    Raises:
        DocumentError: a statement is longer than a document, or the documents are too many.
    """
    groups: list[list[Statement]] = []
    for next_statement in statements:
        if (length := len(_render([next_statement]))) > MANAGED_POLICY_LIMIT:
            raise DocumentError(
                f"{next_statement.sid}: {length:,} characters, but AWS allows "
                f"{MANAGED_POLICY_LIMIT:,} in a policy; shorten the lists in the stack's settings"
            )
        if groups and len(_render([*groups[-1], next_statement])) <= MANAGED_POLICY_LIMIT:
            groups[-1].append(next_statement)
        else:
            groups.append([next_statement])
    if len(groups) > POLICIES_PER_IDENTITY:
        raise DocumentError(
            f"{groups[0][0].sid} … {groups[-1][-1].sid}: {len(groups)} policies, but AWS "
            f"attaches at most {POLICIES_PER_IDENTITY} to one identity; shorten the lists in the "
            "stack's settings"
        )
    return tuple(_render(group) for group in groups)


def _render(statements: Iterable[Statement]) -> str:
    """The document without white space, so that its length is the one that AWS counts."""
    body = {"Version": "2012-10-17", "Statement": [item.as_json() for item in statements]}
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False)


def _as_tuple(on: str | Iterable[str]) -> tuple[str, ...]:
    return (on,) if isinstance(on, str) else tuple(on)

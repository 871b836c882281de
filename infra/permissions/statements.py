"""A statement of a policy, and documents that fit into AWS's limits."""

import functools
import inspect
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, ParamSpec

MANAGED_POLICY_LIMIT: Final = 6_144
"""Characters of one managed policy; AWS does not count white space."""
TRUST_POLICY_LIMIT: Final = 2_048
"""Characters of one trust policy, unless AWS raised the account's quota."""
POLICIES_PER_IDENTITY: Final = 10
"""Managed policies that one user or role can have, unless AWS raised the account's quota."""

Condition = Mapping[str, Mapping[str, str | Sequence[str]]]
P = ParamSpec("P")


class DocumentError(ValueError):
    """Statements that AWS would not take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What may or may not be done, to what, when, and the sentence that says so."""

    effect: Literal["Allow", "Deny"]
    actions: tuple[str, ...] = ()
    all_actions_but: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    all_resources_but: tuple[str, ...] = ()
    principal: Mapping[str, str] | None = None
    """Only in trust policies, which have no resource."""
    when: Condition | None = None
    sid: str = ""
    sentence: str = ""

    def as_json(self) -> dict[str, object]:
        """The statement as IAM reads it, without what is not set."""
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
        raise DocumentError(f"{write.__name__}: has no docstring, the sentence for the reader")

    @functools.wraps(write)
    def named(*args: P.args, **kwargs: P.kwargs) -> Statement:
        return replace(write(*args, **kwargs), sid=sid, sentence=sentence)

    return named


def allow(*actions: str, on: str | Iterable[str], when: Condition | None = None) -> Statement:
    return Statement(effect="Allow", actions=actions, resources=_many(on), when=when)


def deny(*actions: str, on: str | Iterable[str], when: Condition | None = None) -> Statement:
    return Statement(effect="Deny", actions=actions, resources=_many(on), when=when)


def trust(*actions: str, by: Mapping[str, str], when: Condition | None = None) -> Statement:
    return Statement(effect="Allow", actions=actions, principal=by, when=when)


def document(statements: Iterable[Statement], *, limit: int = MANAGED_POLICY_LIMIT) -> str:
    """One document, for what AWS takes only one of: a boundary or a trust policy."""
    statements = tuple(statements)
    text = _render(statements)
    if len(text) > limit:
        raise DocumentError(
            f"{statements[0].sid} … {statements[-1].sid}: {len(text):,} characters in one document,"
            f" AWS takes {limit:,}: shorten the lists in the stack's settings"
        )
    return text


def documents(statements: Iterable[Statement]) -> tuple[str, ...]:
    """As few documents as the order of *statements* allows, none above AWS's limit.

    The order is kept and a document is only closed when the next statement no longer fits, so a
    change in one statement moves as few of the others as possible.
    """
    groups: list[list[Statement]] = []
    for one in statements:
        if len(_render([one])) > MANAGED_POLICY_LIMIT:
            raise DocumentError(
                f"{one.sid}: {len(_render([one])):,} characters in one statement, AWS takes"
                f" {MANAGED_POLICY_LIMIT:,} in a policy: shorten the lists in the stack's settings"
            )
        if groups and len(_render([*groups[-1], one])) <= MANAGED_POLICY_LIMIT:
            groups[-1].append(one)
        else:
            groups.append([one])
    if len(groups) > POLICIES_PER_IDENTITY:
        raise DocumentError(
            f"{groups[0][0].sid} … {groups[-1][-1].sid}: {len(groups)} policies, AWS attaches"
            f" {POLICIES_PER_IDENTITY} to one identity: shorten the lists in the stack's settings"
        )
    return tuple(_render(group) for group in groups)


def _render(statements: Iterable[Statement]) -> str:
    """The document without white space, so its length is what AWS counts."""
    body = {"Version": "2012-10-17", "Statement": [one.as_json() for one in statements]}
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False)


def _many(on: str | Iterable[str]) -> tuple[str, ...]:
    return (on,) if isinstance(on, str) else tuple(on)

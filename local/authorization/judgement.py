"""IAM's decision on one question, and the kind of policy that decides.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from local.authorization.callers import Caller
from local.authorization.question import CannotJudgeError, Question, not_filled
from local.iam.evaluator import (
    Decision,
    Document,
    Layers,
    Request,
    Values,
    decide,
    effects,
    matches,
)

Kind = Literal[
    "identity-based policy", "permissions boundary", "session policy", "resource-based policy"
]
VARIABLE: Final = re.compile(r"\$\{([^},]+)(?:,\s*'([^']*)')?\}")
"""A policy variable, with its default.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html"""
NOTHING: Final = "\0"
"""Replaces a variable without a value: no text equals it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The decision on one question."""

    question: Question
    context: Mapping[str, Values]
    """All condition keys of the request."""
    decision: Decision
    kind: Kind | None = None
    """The kind of policy that refuses."""
    denials: tuple[Mapping[str, Any], ...] = ()
    """The statements that forbid it."""


def judge(caller: Caller, question: Question, about_call: Mapping[str, Values]) -> Judgement:
    """The decision of IAM.

    Raises:
        CannotJudgeError: a policy uses what the evaluator does not know.
    """
    context = {**about_call, **question.context}
    try:
        return _judge(caller, question, context)
    except (NotImplementedError, KeyError) as error:
        raise CannotJudgeError(f"{question.action}: a policy uses {error}") from error


def _judge(caller: Caller, question: Question, context: Mapping[str, Values]) -> Judgement:
    foreign = question.owner not in {"", caller.account}
    request = Request(
        principal=caller.principal_arn,
        action=question.action,
        resource=question.resource,
        context=context,
        foreign=foreign,
    )
    partition = caller.arn.split(":")[1]
    root = f"arn:{partition}:iam::{caller.account}:root"
    whole_account = [replace(request, principal=name) for name in (root, caller.account)]
    by_name = [request, replace(request, principal=caller.arn)]
    layers: dict[Kind, Sequence[Document]] = {
        "identity-based policy": caller.identity,
        "permissions boundary": _some(caller.boundary),
        "session policy": _some(caller.session),
    }
    layers = {kind: [_filled(text, context) for text in texts] for kind, texts in layers.items()}
    policy = _filled(question.policy, context) if question.policy else None
    for documents in layers.values():
        _require_filled_keys(documents, request)

    def judgement(decision: Decision, kind: Kind | None = None, *denials: Any) -> Judgement:
        return Judgement(
            question=question, context=context, decision=decision, kind=kind, denials=denials
        )

    for kind, documents in layers.items():
        if denials := _denials(documents, [request]):
            return judgement("forbidden", kind, *denials)
    if denials := _denials(_some(policy), [*by_name, *whole_account]):
        return judgement("forbidden", "resource-based policy", *denials)
    named = _allows(policy, by_name)
    delegated = _allows(policy, whole_account)
    if (question.resource_decides or foreign) and not (named or delegated):
        return judgement("denied", "resource-based policy")
    identity, boundary = layers["identity-based policy"], layers["permissions boundary"]
    whole = Layers(
        identity=identity,
        boundary=boundary[0] if boundary else None,
        resource=policy if named else None,
    )
    # a policy for the whole account leaves the decision to the caller's own policies
    request = replace(request, foreign=foreign and named)
    asked = [replace(request, principal=request_by_name.principal) for request_by_name in by_name]
    allowed = any(decide(whole, question) == "allowed" for question in asked)
    restricted = layers["session policy"] and not _allows(layers["session policy"][0], [request])
    if allowed and not restricted:
        return judgement("allowed")
    for kind, documents in layers.items():
        if (documents or kind == "identity-based policy") and not any(
            _allows(document, [request]) for document in documents
        ):
            return judgement("denied", kind)
    return judgement("denied", "identity-based policy")


def _require_filled_keys(documents: Sequence[Document], request: Request) -> None:
    """Refuse to decide by a condition key that AWS sets and the emulated AWS does not.

    Raises:
        CannotJudgeError: the message names the key.
    """
    for document in documents:
        for statement in document["Statement"]:
            keys = [key for tests in statement.get("Condition", {}).values() for key in tests]
            missing = not_filled(request.action, request.resource, keys)
            if missing and matches({**statement, "Condition": {}}, request):
                raise CannotJudgeError(
                    f"{request.action}: a policy uses {', '.join(missing)}, which is never set here"
                )


def _some(document: Document | None) -> Sequence[Document]:
    return [document] if document else []


def _denials(documents: Sequence[Document], requests: Sequence[Request]) -> list[Any]:
    return [
        statement
        for document in documents
        for statement in document["Statement"]
        if statement["Effect"] == "Deny"
        and any(matches(statement, question) for question in requests)
    ]


def _allows(document: Document | None, requests: Sequence[Request]) -> bool:
    return document is not None and any(
        "Allow" in effects(document, question) for question in requests
    )


def _filled(document: Document, context: Mapping[str, Values]) -> Document:
    """The document with its policy variables replaced by their values."""
    keys = {key.lower(): value for key, value in context.items()}

    def value(match: re.Match[str]) -> str:
        if match[1] in "*?$":
            raise NotImplementedError(f"the escaped character {match[0]}")
        given = keys.get(match[1].strip().lower(), match[2])
        return given if isinstance(given, str) else NOTHING

    def fill(part: Any) -> Any:
        if isinstance(part, str):
            return VARIABLE.sub(value, part) if "${" in part else part
        if isinstance(part, Mapping):
            return {key: fill(inner) for key, inner in part.items()}
        return [fill(inner) for inner in part] if isinstance(part, list) else part

    return fill(document)

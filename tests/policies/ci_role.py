"""The role of the pipeline, filled in for the emulated account, and asked about calls."""

import json
from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from local import stack
from local.iam.evaluator import Document, Layers, decide
from tests.infra.permissions.judging import Question
from tests.infra.permissions.second_opinion import ask
from tests.policies import workflows
from tests.policies.needs import ACCOUNT, STATE_KEY, Need
from tests.policies.standing_stack import BUCKET

FOLDER: Final = workflows.ROOT / "policies"
PLACEHOLDERS: Final = {
    "ACCOUNT": ACCOUNT,
    "REGION": stack.REGION,
    "STATE_BUCKET": BUCKET,
    "STATE_KEY": STATE_KEY,
}
KEY_POLICY: Final = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
            "Action": "kms:*",
            "Resource": "*",
        }
    ],
}
"""The default policy of a KMS key; without it no identity's policy applies to the key."""


@cache
def role_text() -> str:
    return (FOLDER / "ci-role.json").read_text(encoding="utf-8")


@cache
def budget_text() -> str:
    return (FOLDER / "ci-role-budget.json").read_text(encoding="utf-8")


def filled_in(text: str) -> Document:
    for placeholder, value in PLACEHOLDERS.items():
        text = text.replace(placeholder, value)
    return json.loads(text)


def role_document() -> Document:
    return filled_in(role_text())


def preview_document() -> Document:
    """The part of the document that the preview's role has."""
    document: dict[str, Any] = {**role_document()}
    document["Statement"] = [
        statement
        for statement in document["Statement"]
        if not statement["Sid"].startswith("Change")
    ]
    return document


def refused(needs: Sequence[Need], document: Document) -> list[str]:
    """Every need that one of the two evaluators does not allow."""
    second_opinions = ask(
        Question(
            request=need.request,
            owner=ACCOUNT,
            identity=[document],
            resource=KEY_POLICY if need.action.startswith("kms:") else None,
        )
        for need in needs
    )
    return [
        f"{need.action} on {need.resource} with {dict(need.keys)}: {decision}, {second_opinion}"
        for need, second_opinion in zip(needs, second_opinions, strict=True)
        if (decision := decide(Layers(identity=[document]), need.request)) != "allowed"
        or second_opinion != "allowed"
    ]

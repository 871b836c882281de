"""The pipeline's role in the emulated account, and its decisions on calls."""

import json
from collections.abc import Sequence
from functools import cache
from typing import Final

from local import stack
from local.iam.evaluator import Decision, Document, Layers, decide
from tests.infra.permissions.iam_simulate import ask
from tests.infra.permissions.row_verdicts import RowQuestion
from tests.policies import workflows
from tests.policies.required_permissions import ACCOUNT, STATE_KEY, Need
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
"""The default policy of a KMS key, without which no identity's policy applies to the key."""


@cache
def role_texts() -> tuple[str, ...]:
    """The two policies of the role."""
    return (_text("ci-role"), _text("ci-role-identities"))


@cache
def budget_text() -> str:
    return _text("ci-role-budget")


@cache
def setup_text() -> str:
    """The policy that an administrator attaches to the role to change a boundary."""
    return _text("ci-role-setup")


def _text(name: str) -> str:
    return (FOLDER / f"{name}.json").read_text(encoding="utf-8")


def filled_in(text: str) -> Document:
    for placeholder, value in PLACEHOLDERS.items():
        text = text.replace(placeholder, value)
    return json.loads(text)


def role_documents() -> tuple[Document, ...]:
    return tuple(map(filled_in, role_texts()))


def setup_document() -> Document:
    return filled_in(setup_text())


def preview_documents() -> tuple[Document, ...]:
    """The part of the documents for the preview's role."""
    return tuple(
        {
            **document,
            "Statement": [
                statement
                for statement in document["Statement"]
                if not statement["Sid"].startswith("Change")
            ],
        }
        for document in role_documents()
    )


def refused(needs: Sequence[Need], documents: Sequence[Document]) -> list[str]:
    """Each permission that one of the two evaluators does not allow."""
    second_opinions = ask(
        RowQuestion(
            request=need.request,
            owner=ACCOUNT,
            identity=documents,
            resource=_resource_policy(need),
        )
        for need in needs
    )
    return [
        f"{need.action} on {need.resource} with {dict(need.keys)}: {decision}, {second_opinion}"
        for need, second_opinion in zip(needs, second_opinions, strict=True)
        if (decision := decided(need, documents)) != "allowed" or second_opinion != "allowed"
    ]


def decided(need: Need, documents: Sequence[Document]) -> Decision:
    """The decision of local.iam.evaluator."""
    layers = Layers(identity=documents, resource=_resource_policy(need))
    return decide(layers, need.request)


def _resource_policy(need: Need) -> Document | None:
    return KEY_POLICY if need.action.startswith("kms:") else None

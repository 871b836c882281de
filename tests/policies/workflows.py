"""The files of .github, parsed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / ".github" / "workflows"
SET_UP: Final = ROOT / ".github" / "actions" / "set-up" / "action.yml"
WITH_PULUMI: Final = ("drift", "main", "pull-request")
WORKFLOWS: Final = ("drift", "image-pins", "main", "pull-request")


def path(workflow: str) -> Path:
    return FOLDER / f"{workflow}.yml"


def text(workflow: str) -> str:
    return path(workflow).read_text(encoding="utf-8")


def content(workflow: str) -> dict[str, Any]:
    return yaml.safe_load(text(workflow))


def jobs(workflow: str) -> Mapping[str, Any]:
    return content(workflow)["jobs"]


def steps(workflow: str) -> list[dict[str, Any]]:
    return [step for job in jobs(workflow).values() for step in job["steps"]]


def script(workflow: str) -> str:
    """The script of the step that runs Pulumi: the one with the stack's passphrase."""
    (step,) = [step for step in steps(workflow) if "secrets." in str(step.get("env"))]
    return step["run"]

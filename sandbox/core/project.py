"""Where the program is: the folder in which `pulumi` runs."""

from pathlib import Path
from typing import Any, Final, cast

import yaml

from sandbox.core import yaml_text

FILE: Final = "Pulumi.yaml"
NAME: Final = "sandbox"
CHECKOUT: Final = Path(__file__).resolve().parents[2]


def folder(start: Path | None = None) -> Path:
    """The program's folder: *start*, a folder above it, or the checkout of this code.

    *start* is the current folder by default. Commands work from any folder, since the virtual
    environment belongs to one checkout.
    """
    try:
        here = (start or Path.cwd()).resolve()
    except FileNotFoundError:  # somebody removed the current folder
        return CHECKOUT
    return next(filter(_holds_program, (here, *here.parents)), CHECKOUT)


def _holds_program(candidate: Path) -> bool:
    try:
        content = yaml_text.parse((candidate / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return False
    return isinstance(content, dict) and cast("dict[str, Any]", content).get("name") == NAME

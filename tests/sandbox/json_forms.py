"""The fields of `--json` as each command's help documents them."""

import re
from typing import Any, Final

from sandbox import cli

FORM: Final = re.compile(r"JSON[^:]*:.*?\{([^{}]+)\}")


def command(*words: str) -> Any:
    """Typer's object for the command *words*."""
    group = cli.command_tree()
    for word in words:
        group = group.commands[word]
    return group


def help_of(*words: str) -> str:
    """Its help, each paragraph in one line."""
    return command(*words).help


def fields(*words: str) -> set[str]:
    """The fields of the object that `sandbox` *words* prints, or of each entry of its list."""
    form = FORM.search(help_of(*words))
    assert form, f"{' '.join(words)}: its help does not describe the JSON"
    return {name.strip() for name in form[1].split(",")}

"""The commands that the documents print, for the tests that run them.

A block of commands is fenced as `sh` or indented by four spaces. A test gets the blocks of a
section from `scripts`. tests/docs/test_commands.py reads these calls in the source of the tests,
so it knows which commands no test runs.
"""

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PATTERNS: Final = ("README.md", "CONTRIBUTING.md", "docs/*.md")
SUITE: Final = "runs these tests"
EC2: Final = "logs in to an EC2 instance from a public address; tests/ami has stand-ins for both"
GPU: Final = "needs a GPU and Ubuntu's archive; docs/image-contents.md lists what has run elsewhere"
PACKAGES: Final = "installs packages on this computer"
NOT_RUN: Final = {
    "make unit": SUITE,
    "make check": "CI runs it beside these tests",
    "make test": SUITE,
    "sudo make prove-machine": SUITE,
    "sudo make test": SUITE,
    "sudo apt-get update": PACKAGES,
    "sudo apt-get install mmdebstrap systemd-container util-linux iproute2": PACKAGES,
    "sandbox image build --stack production": EC2,
    "sandbox image build --dry-run": EC2,
    "sandbox image build": EC2,
    "FOLDER=/root/ami/setup bash /root/ami/setup/verify.sh": GPU,
    "FOLDER=/root/ami/setup bash /root/ami/setup/verify.sh gpus metta": GPU,
}
"""Printed commands that no test can run, with the reason."""


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive commands of a document."""

    document: str
    section: str
    """The nearest heading above the block."""
    commands: tuple[str, ...]
    """The commands as printed, without comments; one command may have several lines."""


def documents() -> Sequence[str]:
    """The path of each document, from the root of the project."""
    files = (file for pattern in PATTERNS for file in sorted(ROOT.glob(pattern)))
    return [str(file.relative_to(ROOT)) for file in files]


def text(document: str) -> str:
    return (ROOT / document).read_text(encoding="utf-8")


def blocks(document: str) -> Iterator[Block]:
    """The blocks of commands of *document*, in order."""
    section = ""
    for kind, lines in groupby(_kinds(text(document)), key=lambda pair: pair[0]):
        content = [line for _, line in lines]
        if kind == "heading":
            section = content[-1].lstrip("# ")
        elif kind.startswith("commands") and (commands := tuple(_commands(content))):
            yield Block(document, section, commands)


def scripts(document: str, section: str | None = None) -> Sequence[str]:
    """The script of each block in a section, or in the whole document, without what cannot run.

    Raises:
        AssertionError: there is none, so the caller tests nothing.
    """
    of_section = [block for block in blocks(document) if section in {None, block.section}]
    runnable = ([line for line in block.commands if line not in NOT_RUN] for block in of_section)
    texts = ["\n".join(lines) for lines in runnable if lines]
    assert texts, f"{document}: no commands to run below {section!r}"
    return texts


def _kinds(markdown: str) -> Iterator[tuple[str, str]]:
    """Each line with its kind; consecutive lines of one block have the same kind."""
    fence, number = None, 0
    for line in markdown.splitlines():
        if line.startswith("```"):
            fence = line.removeprefix("```") if fence is None else None
            number += 1
            yield "text", line
        elif fence is not None:
            yield (f"commands {number}" if fence == "sh" else "text"), line
        elif line.startswith("    "):
            yield f"commands {number}", line.removeprefix("    ")
        else:
            yield ("heading" if re.match("#{1,6} ", line) else "text"), line


def _commands(lines: Sequence[str]) -> Iterator[str]:
    """The commands of a block; a backslash or an open quotation mark continues a command."""
    pending: list[str] = []
    for line in lines:
        pending.append(line)
        whole = "\n".join(pending)
        if not whole.endswith("\\") and _is_quoted_whole(whole):
            pending = []
            if command := re.sub(r"(^|\s+)#\s.*$", "", whole):
                yield command


def _is_quoted_whole(line: str) -> bool:
    try:
        shlex.split(line, comments=True)
    except ValueError:  # no closing quotation
        return False
    return True

"""The documents name existing files and make targets, and their generated parts are current."""

import re
import subprocess
from pathlib import Path
from typing import Final

import pytest
from cogapp import Cog

from docs import tables

ROOT: Final = Path(__file__).parents[2]
DOCUMENTS: Final = ("README.md", "CONTRIBUTING.md", "docs/*.md")
GENERATED: Final = {
    "docs/permissions.md": (".venv/bin/python", "-m", "sandbox.permissions.documentation"),
    "docs/sandbox_config.schema.json": (".venv/bin/sandbox", "config", "schema"),
}
"""Files that `make docs` writes completely, and the command that prints each."""


@pytest.fixture(scope="module")
def documents() -> dict[Path, str]:
    files = [file for pattern in DOCUMENTS for file in ROOT.glob(pattern)]
    return {file: file.read_text(encoding="utf-8") for file in files}


def test_every_link_leads_to_a_file(documents: dict[Path, str]) -> None:
    links = [
        (file, link)
        for file, text in documents.items()
        for link in re.findall(r"\]\((?!https?:|mailto:)([^)#\s]+)", text)
    ]
    assert len(links) > 10
    assert [(file.name, link) for file, link in links if not (file.parent / link).exists()] == []


def test_every_make_target_that_is_named_exists(documents: dict[Path, str]) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    pattern = re.compile(r"(?:^    |`|\(|&& )make (?:-s )?([a-z-]+)", re.MULTILINE)
    named = {name for text in documents.values() for name in pattern.findall(text)}
    assert {"up", "test", "env"} <= named
    assert named <= targets, named - targets


def test_the_readme_is_short(documents: dict[Path, str]) -> None:
    assert len(documents[ROOT / "README.md"].splitlines()) <= 160


def test_the_parts_that_cog_writes_are_current(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = ["README.md", *(str(file.relative_to(ROOT)) for file in ROOT.glob("docs/*.md"))]
    monkeypatch.chdir(ROOT)
    command = ["cog", "--check", "-P", "-I", ".", "-p", "from docs import tables", *files]
    assert Cog().main(command) == 0, f"run make docs: {capsys.readouterr()}"


@pytest.mark.parametrize("path", GENERATED)
def test_a_file_that_is_generated_is_current(path: str) -> None:
    command = GENERATED[path]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert len(printed.stdout) > 1000
    assert printed.stdout == (ROOT / path).read_text(encoding="utf-8"), "run make docs"


def test_every_message_has_a_cure_or_ends_with_a_value_that_may_hold_one() -> None:
    files = [
        file
        for folders in tables.MESSAGE_SOURCES.values()
        for folder in folders
        for file in (ROOT / folder).rglob("*.py")
    ]
    texts = {text for file in files for text in tables.error_texts(file)}
    assert [text for text in texts if not tables.has_cure(text) and text[-1] != tables.HOLE] == []


def test_messages_are_found_in_every_package() -> None:
    """Otherwise the table of messages would silently miss the errors of a package."""
    for folders in tables.MESSAGE_SOURCES.values():
        files = [file for folder in folders for file in (ROOT / folder).rglob("*.py")]
        assert [text for file in files for text in tables.error_texts(file)], folders

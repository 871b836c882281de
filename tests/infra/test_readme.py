"""The README against the code: its tables, its links, its commands."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.settings import Settings
from tests.infra.conftest import ROOT, Run

SAID_BY_OTHERS = {
    "You must run with the --run-program flag",  # tests/e2e/test_life.py provokes it
    "cannot be deleted because it is protected",  # tests/e2e/test_readme.py provokes it
    "UnauthorizedOperation",
    "InsufficientInstanceCapacity",
}
"""Messages of the engine and of AWS."""
PACKAGES = ("infra", "ami", "sandbox", "sandbox_client", "local")


@pytest.fixture(scope="module")
def readme() -> str:
    return (ROOT / "README.md").read_text()


def section(readme: str, title: str) -> str:
    return readme.split(f"\n## {title}\n")[1].split("\n## ")[0]


def as_shown(value: Any) -> str:
    """A default as the table of settings shows it."""
    if value in ("", [], {}):
        return "empty"
    if isinstance(value, dict):
        return f"`{{{', '.join(f'{key}: {item}' for key, item in value.items())}}}`"
    if isinstance(value, list):
        return ", ".join(f"`{item}`" for item in value)
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def settings_table() -> str:
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    rows = [
        f"| `{key}` | {as_shown(setting['default'])} | {setting['description'].strip()} |"
        for key, setting in declared.items()
    ]
    return "\n".join(["| key | default | what |", "|---|---|---|", *rows])


def test_the_settings_table_is_that_of_the_project_file(readme: str) -> None:
    table = readme.split("<!-- settings -->")[1].split("<!-- /settings -->")[0]
    assert table.strip() == settings_table()
    assert [key for key in Settings.model_fields if f"`{key}`" not in table] == []


def test_the_outputs_table_names_every_output(readme: str, record: Run) -> None:
    user = record().outputs
    role = record(manager_identity="pod-identity", service_account="default/manager").outputs
    named = re.findall(r"^\| `(\w+)` \|", section(readme, "Outputs"), re.MULTILINE)
    assert set(named) == set(user) | set(role)


def test_every_link_leads_to_a_file(readme: str) -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)", readme)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_make_target_that_is_named_exists(readme: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:^    |`|\()make (?:-s )?([a-z-]+)", readme, re.MULTILINE))
    assert {"up", "test", "env"} <= named
    assert named <= targets, named - targets


def test_every_message_of_the_troubleshooting_table_is_one_of_the_program(readme: str) -> None:
    rows = [row for row in section(readme, "Troubleshooting").splitlines() if row.startswith("| ")]
    quoted = {text for row in rows[1:] for text in re.findall("`([^`]+)`", row.split("|")[1])}
    assert len(quoted) > 15
    literals = " ".join(
        literal
        for package in PACKAGES
        for file in (ROOT / package).rglob("*.py")
        for literal in _literals(file)
    )
    assert {text for text in quoted - SAID_BY_OTHERS if text not in literals} == set()


def _literals(file: Path) -> Iterator[str]:
    """The string literals of a module, adjacent ones joined as Python joins them."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value

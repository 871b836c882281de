"""The README against the code: its tables, its links, its commands."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from infra.settings import Settings
from tests.infra.conftest import Run

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def shown(value: Any) -> str:
    if value in ("", [], {}):
        return "empty"
    if isinstance(value, dict):
        return f"`{{{', '.join(f'{key}: {one}' for key, one in value.items())}}}`"
    if isinstance(value, list):
        return ", ".join(f"`{one}`" for one in value)
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def settings_table() -> str:
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    rows = [
        f"| `{key}` | {shown(one['default'])} | {one['description'].strip()} |"
        for key, one in declared.items()
    ]
    return "\n".join(["| key | default | what |", "|---|---|---|", *rows])


def test_the_settings_table_is_the_project_files() -> None:
    between = README.split("<!-- settings -->")[1].split("<!-- /settings -->")[0]
    assert between.strip() == settings_table()
    assert all(f"`{key}`" in between for key in Settings.model_fields)


def test_the_outputs_table_names_every_output(record: Run) -> None:
    user = record().outputs
    role = record(manager_identity="pod-identity", service_account="default/manager").outputs
    section = README.split("\n## Outputs\n")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == set(user) | set(role)


def test_every_link_leads_to_a_file() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:^    |`|\()make (?:-s )?([a-z-]+)", README, re.MULTILINE))
    assert {"up", "test", "env"} <= named
    assert named <= targets, named - targets


def test_every_module_that_is_run_exists() -> None:
    for module in set(re.findall(r"python -m ([a-z_.]+)", README)):
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module


OTHERS = {
    "You must run with the --run-program flag",  # tests/e2e/test_life.py sees it
    "cannot be deleted because it is protected",  # tests/e2e/test_readme.py sees it
    "UnauthorizedOperation",
    "InsufficientInstanceCapacity",
}
"""What the engine and AWS say, not the program."""


def test_every_message_of_the_troubleshooting_table_is_one_that_can_appear() -> None:
    section = README.split("\n## Troubleshooting\n")[1].split("\n## ")[0]
    left = [row.split("|")[1] for row in section.splitlines() if row.startswith("| ")][1:]
    named = {text for cell in left for text in re.findall("`([^`]+)`", cell)}
    sources = " ".join(
        " ".join(text for text in _texts(file))
        for folder in ("infra", "ami", "handover", "migrate", "local")
        for file in (ROOT / folder).rglob("*.py")
    )
    assert len(named) > 15
    assert {text for text in named - OTHERS if text not in sources} == set()


def _texts(file: Path) -> Iterator[str]:
    """The texts of a module, joined as Python joins them."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value

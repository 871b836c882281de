"""The README names files and make targets that exist."""

import re

import pytest

from tests.infra.conftest import ROOT


@pytest.fixture(scope="module")
def readme() -> str:
    return (ROOT / "README.md").read_text()


def test_every_link_leads_to_a_file(readme: str) -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)", readme)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_make_target_that_is_named_exists(readme: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:^    |`|\()make (?:-s )?([a-z-]+)", readme, re.MULTILINE))
    assert {"up", "test", "env"} <= named
    assert named <= targets, named - targets

"""docs/guard-rails.md, for the tests that compare it with the code."""

from pathlib import Path

PATH = Path(__file__).parents[2] / "docs" / "guard-rails.md"


def text() -> str:
    return PATH.read_text(encoding="utf-8")


def example(section: str) -> str:
    """The first JSON example of a section."""
    return text().partition(f"## {section}\n")[2].partition("```json\n")[2].partition("```")[0]

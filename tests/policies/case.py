"""One input of a rule, and how many findings it deserves."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from policies.config import Parameters
from tests.policies.view import Made

DEFAULTS: Final = Parameters()


@dataclass(frozen=True, kw_only=True)
class Case:
    """*seen* is one resource for a resource rule, all resources for a stack rule."""

    rule: str
    title: str
    findings: int
    seen: Made | Sequence[Made]
    parameters: Parameters = DEFAULTS

    @property
    def id(self) -> str:
        return f"{self.rule}: {self.title}"


def bad(rule: str, title: str, seen: Made | Sequence[Made], findings: int = 1) -> Case:
    return Case(rule=rule, title=title, findings=findings, seen=seen)


def good(rule: str, title: str, seen: Made | Sequence[Made]) -> Case:
    return Case(rule=rule, title=title, findings=0, seen=seen)

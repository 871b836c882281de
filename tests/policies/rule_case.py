"""One input of a rule, and the number of findings that it must give."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from policies.config import Parameters
from tests.policies.pack_server import FakeResource

DEFAULTS: Final = Parameters()
Subject = FakeResource | Sequence[FakeResource]
"""One resource for a resource rule, or all resources for a stack rule."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """An input of a rule."""

    rule: str
    title: str
    findings: int
    subject: Subject
    parameters: Parameters = DEFAULTS

    @property
    def id(self) -> str:
        return f"{self.rule}: {self.title}"


def bad(rule: str, title: str, subject: Subject, findings: int = 1) -> Case:
    return Case(rule=rule, title=title, findings=findings, subject=subject)


def good(rule: str, title: str, subject: Subject) -> Case:
    return Case(rule=rule, title=title, findings=0, subject=subject)

"""What only the operator can decide before the next update."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from infra import names
from sandbox.adopt.answers import MACHINES, PERMISSIONS, TAGS, Answer
from sandbox.adopt.machines import Machine
from sandbox.adopt.preview_check import Verdict
from sandbox.core import prompts
from sandbox.core.errors import RefusedError


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorQuestion:
    """One question about this environment."""

    about: str
    answer: Answer


def questions(verdict: Verdict, machines: Sequence[Machine]) -> tuple[OperatorQuestion, ...]:
    """What the operator has to decide before the next update."""
    return tuple(_questions(verdict, machines))


def _questions(verdict: Verdict, machines: Sequence[Machine]) -> Iterator[OperatorQuestion]:
    for answer, what, properties in (
        (TAGS, "tags", ("tags", "tagsAll")),
        (PERMISSIONS, "actions", ("policy",)),
    ):
        losing = [change for change in verdict.changes if change.lost(*properties)]
        if losing:
            values = sorted({value for change in losing for value in change.lost(*properties)})
            places = ", ".join(
                f"{change.type.rpartition(':')[2]} {change.name}" for change in losing
            )
            about = f"the {what} {', '.join(values)} of {places} would go"
            yield OperatorQuestion(about=about, answer=answer)
    if uncontrolled := [machine.id for machine in machines if machine.lacks]:
        about = f"after the update {names.MANAGER} could no longer stop {', '.join(uncontrolled)}"
        yield OperatorQuestion(about=about, answer=MACHINES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The operator's answers: *given* by options, or asked one by one."""

    given: frozenset[str] = frozenset()
    """The options."""
    ask: bool = False
    """Whether the others are asked, if somebody can be."""

    def open(self, asked: Sequence[OperatorQuestion]) -> tuple[OperatorQuestion, ...]:
        """Those of *asked* that nobody answered with yes, in order."""
        return tuple(question for question in asked if not self._accepts(question))

    def _accepts(self, question: OperatorQuestion) -> bool:
        if question.answer.option in self.given:
            return True
        if not self.ask or not prompts.can_ask():
            return False
        try:
            prompts.confirm(f"{question.about}; {question.answer.action}", yes=False)
        except RefusedError:
            return False
        return True

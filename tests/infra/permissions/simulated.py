"""The whole table put to the maintained simulator, once."""

from collections.abc import Iterable, Iterator
from functools import cache

from sandbox.permissions.table import Row, rows
from tests.infra.permissions.judging import Bench, Verdict, together
from tests.infra.permissions.second_opinion import DECISIONS, ask
from tests.infra.permissions.stacks import benches


def expected(row: Row) -> Verdict:
    return Verdict(
        whole=row.decision, policy_alone=row.decision == "allowed" or row.held_by_the_boundary
    )


Outcome = tuple[Row, Verdict, Verdict | str]
"""A row, our own verdict, and the simulator's or its reason to give none."""


@cache
def verdicts() -> tuple[Outcome, ...]:
    """The table, put to the documents that the pure functions write."""
    return tuple(judge(benches(rows())))


def judge(before: Iterable[Bench]) -> Iterator[Outcome]:
    """Both verdicts on every row of the benches, with the simulator asked once for all."""
    asked = [
        (row, own, [bench.questions(number, alone=alone) for alone in (False, True)])
        for bench in before
        for number, (row, own) in enumerate(zip(bench.rows, bench.verdicts(), strict=True))
    ]
    answers = iter(ask(one for _, _, both in asked for questions in both for one in questions))
    for row, own, both in asked:
        whole, alone = ([next(answers) for _ in questions] for questions in both)
        unanswered = [one for one in (*whole, *alone) if one not in DECISIONS.values()]
        if unanswered:
            yield row, own, unanswered[0]
        else:
            yield (
                row,
                own,
                Verdict(whole=together(whole), policy_alone=together(alone) == "allowed"),
            )


def wrong() -> list[str]:
    return [f"{row}: {other}" for row, _, other in verdicts() if other != expected(row)]


def disagreements() -> list[str]:
    return [f"{row}: {own} and {other}" for row, own, other in verdicts() if own != other]

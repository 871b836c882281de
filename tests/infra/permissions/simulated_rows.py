"""Evaluates rows of the table with a maintained simulator, once for all tests."""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final, get_args

from sandbox.permissions.table import Row, rows
from tests.infra.permissions.iam_simulate import DECISIONS, ask
from tests.infra.permissions.row_verdicts import Bench, By, RowVerdict, together
from tests.infra.permissions.stacks import benches
from tests.slices import EVERYTHING

SLICE: Final = 3
"""Without PROVE_ALL the simulator is asked about every so many row; our evaluator about all."""
Outcome = tuple[Row, RowVerdict, RowVerdict | str]
"""A row, the verdict of local.iam.evaluator, and the simulator's or why it gives none."""


def expected(row: Row) -> RowVerdict:
    return RowVerdict(
        whole=row.decision,
        policy_alone=row.decision == "allowed" or row.held_by_the_boundary,
        as_administrator=row.decision == "allowed",
    )


@cache
def outcomes() -> tuple[Outcome, ...]:
    """Both verdicts on each row asked, for the documents from infra.permissions."""
    return tuple(judge(benches(rows()[:: 1 if EVERYTHING else SLICE])))


def judge(all_benches: Iterable[Bench]) -> Iterator[Outcome]:
    """Both verdicts on every row of the benches, with one call of the simulator."""
    asked = [
        (row, verdict, [bench.questions(number, by) for by in get_args(By)])
        for bench in all_benches
        for number, (row, verdict) in enumerate(zip(bench.rows, bench.verdicts(), strict=True))
    ]
    answers = iter(
        ask(question for _, _, sets in asked for questions in sets for question in questions)
    )
    for row, verdict, sets in asked:
        whole, alone, admin = ([next(answers) for _ in questions] for questions in sets)
        errors = [answer for answer in (*whole, *alone, *admin) if answer not in DECISIONS.values()]
        if errors:
            yield row, verdict, errors[0]
        else:
            simulated = RowVerdict(
                whole=together(whole),
                policy_alone=together(alone) == "allowed",
                as_administrator=together(admin) == "allowed",
            )
            yield row, verdict, simulated


def wrong() -> list[str]:
    """The rows that fail by the simulator's verdict."""
    return [f"{row}: {verdict}" for row, _, verdict in outcomes() if verdict != expected(row)]


def disagreements() -> list[str]:
    """The rows on which the two evaluators differ."""
    return [f"{row}: {ours} and {theirs}" for row, ours, theirs in outcomes() if ours != theirs]

"""Every row of the contract holds, by two independent evaluators."""

import pytest

from sandbox.permissions.table import rows
from tests.infra.permissions import simulated_rows
from tests.infra.permissions.simulated_rows import expected
from tests.infra.permissions.stacks import benches

# one worker for this file and the mutants, so that the simulator is asked once
pytestmark = [pytest.mark.proof, pytest.mark.xdist_group("permissions")]


def test_every_row_holds_by_our_own_evaluator() -> None:
    broken = [
        f"{row}: {verdict}"
        for bench in benches(rows())
        for row, verdict in zip(bench.rows, bench.verdicts(), strict=True)
        if verdict != expected(row)
    ]
    assert broken == []


def test_rows_hold_by_a_maintained_simulator() -> None:
    assert simulated_rows.wrong() == []


def test_both_evaluators_agree() -> None:
    assert simulated_rows.disagreements() == []

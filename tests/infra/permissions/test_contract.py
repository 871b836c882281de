"""Every row of the contract holds, by two evaluators that know nothing of each other."""

import pytest

from sandbox.permissions.table import rows
from tests.infra.permissions import simulated
from tests.infra.permissions.simulated import expected
from tests.infra.permissions.stacks import benches

# One worker for both modules, so that the simulator is asked once.
pytestmark = [pytest.mark.proof, pytest.mark.xdist_group("permissions")]

ROWS = rows()


def test_every_row_holds_by_our_own_evaluator() -> None:
    wrong = [
        f"{row}: {verdict}"
        for bench in benches(ROWS)
        for row, verdict in zip(bench.rows, bench.verdicts(), strict=True)
        if verdict != expected(row)
    ]
    assert not wrong


def test_every_row_holds_by_a_maintained_simulator() -> None:
    assert not simulated.wrong(), "\n".join(simulated.wrong())


def test_both_evaluators_agree_on_every_row() -> None:
    assert not simulated.disagreements(), "\n".join(simulated.disagreements())

"""Each restriction of the policies is needed: a row fails if the restriction is weakened."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast

import pytest
import yaml

from sandbox.permissions.table import rows
from tests.infra.permissions.mutants import DocumentMutant, mutants
from tests.infra.permissions.row_verdicts import Bench
from tests.infra.permissions.simulated_rows import disagreements, outcomes
from tests.infra.permissions.stacks import benches

# one worker for this file and the contract, so that the simulator is asked once
pytestmark = [pytest.mark.proof, pytest.mark.xdist_group("permissions")]

SURVIVORS = Path(__file__).parent / "survivors.yaml"


Fate = Literal["caught", "equivalent", "survived"]


@cache
def judged() -> Mapping[str, Fate]:
    """The outcome of each mutant for the rows of all stacks that have the statement."""
    fates: dict[str, Fate] = {}
    for bench in benches(rows()):
        who = bench.rows[0].who
        for mutant in of(bench):
            name = f"{who}: {mutant}"
            if fates.get(name) in {"caught", "equivalent"}:
                continue
            if bench.caught_by((mutant.document, mutant.number), mutant.statement):
                fates[name] = "caught"
            else:
                fates[name] = (
                    "equivalent"
                    if mutant.is_equivalent(bench.identity.documents[mutant.document])
                    else "survived"
                )
    return fates


def of(bench: Bench) -> Iterator[DocumentMutant]:
    for name, document in bench.identity.documents.items():
        if bench.rows[0].who == "manager out of budget" and not name.startswith("stop"):
            continue  # the manager's own documents are judged with the manager
        yield from mutants(name, document)


def reasons() -> list[dict[str, str]]:
    return cast("list[dict[str, Any]]", yaml.safe_load(SURVIVORS.read_text()))


def test_every_mutant_is_caught_by_a_row_or_survives_for_a_written_reason() -> None:
    survivors = [name for name, fate in judged().items() if fate == "survived"]
    excused = [entry["mutant"] for entry in reasons()]
    unexplained = [
        name for name in survivors if not any(re.fullmatch(pattern, name) for pattern in excused)
    ]
    unneeded = [
        pattern for pattern in excused if not any(re.fullmatch(pattern, name) for name in survivors)
    ]
    assert (unexplained, unneeded) == ([], [])
    assert all(entry["reason"] for entry in reasons())


def test_the_contract_in_one_line(closing_line: Callable[[str], None]) -> None:
    table = rows()
    fates = Counter(judged().values())
    closing_line(
        f"permissions: {len(table)} rows,"
        f" {sum(row.decision != 'allowed' for row in table)} denials,"
        f" {len(disagreements())} disagreements between simulators on {len(outcomes())} of them,"
        f" {len(judged())} mutants:"
        f" {fates['caught']} caught, {fates['equivalent']} equivalent by AWS's reference,"
        f" {fates['survived']} survivors with a written reason"
    )
    assert not disagreements()

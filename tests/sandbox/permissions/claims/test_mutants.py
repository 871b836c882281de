"""The claims alone catch every weaker document, except those that decide the same."""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, cast

import pytest
import yaml

from tests.infra.permissions import test_mutants as rows
from tests.sandbox.permissions.claims.mutant_fates import judged

pytestmark = pytest.mark.proof

SURVIVORS: Final = Path(__file__).parent / "survivors.yaml"
STEP: Final = 150
"""`make test` tries every so many mutant."""


def reasons() -> list[dict[str, str]]:
    return cast("list[dict[str, Any]]", yaml.safe_load(SURVIVORS.read_text()) or [])


def is_explained(mutant: str) -> bool:
    return any(re.fullmatch(entry["mutant"], mutant) for entry in reasons())


def test_a_slice_of_the_mutants_is_caught() -> None:
    fates = judged(step=STEP)
    assert [
        name
        for name, mutant in fates.items()
        if mutant.fate == "survived" and not is_explained(name)
    ] == []
    assert any(mutant.fate == "caught" for mutant in fates.values())


@pytest.mark.thorough
@pytest.mark.timeout(3600)
def test_every_mutant_is_caught_by_a_claim_or_survives_for_a_written_reason(
    closing_line: Callable[[str], None],
) -> None:
    fates, by_rows = judged(), rows.judged()
    survived = [name for name, mutant in fates.items() if mutant.fate == "survived"]
    counts = Counter(mutant.fate for mutant in fates.values())
    only_claims = sum(
        mutant.fate == "caught" and by_rows.get(name) == "survived"
        for name, mutant in fates.items()
    )
    only_rows = sum(by_rows.get(name) == "caught" for name in survived)
    closing_line(
        f"permissions: {len(fates)} mutants before the claims alone: {counts['caught']} caught,"
        f" {counts['equivalent']} proven to decide the same, {counts['survived']} survived"
        f" ({only_rows} of them caught by rows); {only_claims} that no row catches are caught"
    )
    assert [name for name in survived if not is_explained(name)] == []
    unneeded = [
        entry["mutant"]
        for entry in reasons()
        if not any(re.fullmatch(entry["mutant"], name) for name in survived)
    ]
    assert unneeded == []
    assert counts["caught"] >= 0.95 * (counts["caught"] + counts["survived"])

"""HashiCorp's tests of the resource types that the program creates, against the emulated AWS."""

import json
import re
import shutil
from collections import Counter
from pathlib import Path
from typing import Final

import pytest
import yaml

from infra.catalogue import CATALOGUE
from local import emulator
from local.engine import acceptance
from local.engine.paths import SOURCE
from tests.conftest import Say
from tests.provider.run_tests import Outcome, Result, run

KEPT: Final = yaml.safe_load(Path(__file__).with_name("results.yaml").read_text(encoding="utf-8"))
MAPPED: Final = re.findall(
    r'^\t"(aws_\w+)": +"(aws:[^"]+)",$', (SOURCE / "provider/mappings.go").read_text(), re.MULTILINE
)
RESOURCES: Final = sorted(name for name, token in MAPPED if token in CATALOGUE)
"""The provider's names of the types that the program creates."""


@pytest.mark.thorough
@pytest.mark.timeout(7200)
@pytest.mark.parametrize(
    "resource",
    [
        pytest.param(name, marks=pytest.mark.xdist_group(f"provider {name}"))
        for name in KEPT["resources"]
    ],
)
def test_the_providers_own_tests_end_as_the_table_says(
    resource: str, tmp_path: Path, closing_line: Say
) -> None:
    if not shutil.which("terraform"):
        pytest.skip("terraform is not on PATH")
    program, tests = program_of(resource)
    account = tmp_path / "account"
    try:
        results = run(program, tests, emulator.start(account), tmp_path)
    finally:
        emulator.stop(account)
    for result in results:
        if result.outcome is not Outcome.PASSED:
            (tmp_path / f"{result.test}.log").write_text(result.output)
    failed = {result.test for result in results if result.outcome is Outcome.FAILED}
    known = {test for reason in KEPT["failed"] for test in reason["tests"]}
    assert failed <= known, f"read the logs in {tmp_path}"
    skipped = [result for result in results if result.outcome is Outcome.SKIPPED]
    assert not [result.test for result in skipped if not reason_of(result)]
    counted = Counter(result.outcome for result in results)
    assert counted[Outcome.PASSED] >= KEPT["resources"][resource]["passed"]
    ended = ", ".join(f"{counted[outcome]} {outcome}" for outcome in Outcome)
    better = ", ".join(sorted(known & set(tests) - failed)) or "none"
    closing_line(f"provider, {resource}: {ended}; in the table as failed, but not here: {better}")


def reason_of(result: Result) -> str:
    """The reason for a skipped test, as the table has it; "" if the table lacks it."""
    return next((why for words, why in KEPT["skipped"].items() if words in result.output), "")


def test_the_table_names_every_type_that_the_program_makes() -> None:
    assert sorted([*KEPT["resources"], *KEPT["not run yet"]]) == RESOURCES


def program_of(resource: str) -> tuple[Path, list[str]]:
    """The test program for *resource*, and the names of its tests."""
    home = acceptance.ensure()
    for service in acceptance.TESTED:
        tests = json.loads((home / service / acceptance.TESTS).read_text(encoding="utf-8"))
        if resource in tests:
            return home / service / service, tests[resource]
    raise AssertionError(f"{resource}: none of {acceptance.TESTED} implements it")

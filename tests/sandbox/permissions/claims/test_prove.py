"""`sandbox permissions prove` as a user runs it."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest
import yaml

from sandbox.cli import run
from sandbox.core.errors import ExitCode
from sandbox.permissions.claims import stacks, table
from sandbox.permissions.claims.table import Claim, claims, expected_to_fail
from tests.sandbox import json_forms
from tests.sandbox.conftest import FakePulumi

WITHOUT_SOLVER = """
import sys
sys.modules["cvc5"] = None
from sandbox.cli import main
sys.argv = ["sandbox", "permissions", "prove"]
main()
"""


def prove(monkeypatch: pytest.MonkeyPatch, holding: list[Claim], failing: list[Claim]) -> None:
    """Let the command find only these claims."""
    monkeypatch.setattr(table, "claims", lambda: tuple(holding))
    monkeypatch.setattr(table, "expected_to_fail", lambda: tuple(failing))


def test_each_claim_is_printed_with_its_sentence_and_result(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    holding, failing = claims()[0], expected_to_fail()[0]
    prove(monkeypatch, [holding], [failing])
    assert run(["permissions", "prove", "--json"]) == ExitCode.DONE
    first, second = json.loads(capsys.readouterr().out)
    assert first.keys() == json_forms.fields("permissions", "prove")
    assert (first["claim"], first["sentence"]) == (holding.name, holding.sentence)
    assert (first["result"], first["broken"]) == ("holds", [])
    assert first["seconds"] >= 0
    assert (second["result"], second["hole"]) == ("known hole", failing.hole)
    assert run(["permissions", "prove"]) == ExitCode.DONE
    assert holding.sentence in capsys.readouterr().out


def test_a_broken_claim_prints_the_request_that_breaks_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = replace(expected_to_fail()[0], hole="")
    prove(monkeypatch, [broken], [])
    assert run(["permissions", "prove"]) == ExitCode.ATTENTION
    (row,) = yaml.safe_load(capsys.readouterr().out.split("\n    - ")[1].join(["- ", ""]))
    assert row["do"] == "ec2:RunInstances"
    assert ":network-interface/" in row["to"]


def test_a_hole_that_is_closed_is_noticed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    closed = replace(claims()[0], hole="Some hole.")
    prove(monkeypatch, [], [closed])
    assert run(["permissions", "prove"]) == ExitCode.ATTENTION
    assert table.HOLES in capsys.readouterr().out


@pytest.mark.parametrize("boundary", ["", stacks.ORGANIZATION])
def test_a_stack_under_an_organizations_boundary_is_told_what_is_weaker(
    boundary: str,
    fake_pulumi: FakePulumi,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    [weaker, *_] = (claim for claim in claims() if claim.needs_own_boundary)
    prove(monkeypatch, [weaker], [])
    config = {"sandbox:permissions_boundary": {"value": boundary, "secret": False}}
    fake_pulumi.answer("config --json", config if boundary else {})
    fake_pulumi.answer("stack output", {})
    assert run(["permissions", "prove", "--stack", "dev"]) == ExitCode.DONE
    printed = capsys.readouterr().out
    line = (
        "under sandbox:permissions_boundary these hold only as long as nobody attaches another "
        f"policy: {weaker.name}"
    )
    assert (line in printed.splitlines()) == bool(boundary)


def test_a_missing_solver_is_named_in_one_line() -> None:
    completed = subprocess.run(
        [sys.executable, "-c", WITHOUT_SOLVER], capture_output=True, text=True, check=False
    )
    assert completed.returncode == ExitCode.REFUSED
    assert "cvc5" in completed.stderr
    assert "Traceback" not in completed.stderr

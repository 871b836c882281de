"""docs/permissions.md and the contract describe every statement of the policies."""

import re

from sandbox.permissions import documentation
from sandbox.permissions.claims.table import claims, expected_to_fail
from sandbox.permissions.table import groups, rows
from tests.infra.conftest import ROOT
from tests.infra.permissions.stacks import all_statements, policy_context


def test_the_documentation_is_current() -> None:
    assert (ROOT / "docs" / "permissions.md").read_text() == documentation.text()


def test_the_documentation_has_every_sentence_and_the_name_of_every_claim() -> None:
    page = documentation.text()
    for sentence in {*(group.sentence for group in groups()), *(c.sentence for c in claims())}:
        assert f"{sentence.removeprefix('Deny ')[1:]} | " in page, sentence
    for claim in claims():
        assert page.count(f"`{claim.name}`") == 1, claim.name


def test_each_known_hole_is_said_with_what_bounds_it() -> None:
    named = [name for entry in documentation.what_remains() for name in entry.get("claims", [])]
    assert sorted(named) == sorted(claim.name for claim in expected_to_fail())
    assert {entry["who"] for entry in documentation.what_remains()} <= documentation.TITLES.keys()


def test_a_reviewer_reads_the_page_in_ten_minutes() -> None:
    """At 260 words a minute, without the names of claims."""
    page = re.sub("`[a-z0-9]+(-[a-z0-9]+){2,}`", "", documentation.text())
    assert len(re.findall(r"[A-Za-z][\w'-]*", page)) <= 2_600


def test_no_denial_is_denied_again() -> None:
    denied = [claim.sentence for claim in claims() if claim.sentence.startswith("Deny ")]
    negations = re.compile(r"\b(not|no|never|nothing|without|except|unless|cannot)\b")
    assert [s for s in denied if negations.search(s.partition(".")[0])] == []


def test_every_statement_has_its_sentence_in_the_contract_and_rows_that_prove_it() -> None:
    context = policy_context({"sandbox_ami_id": "ami-0c0ffee0000000001"})
    proven = {group.sentence for group in groups() if group.rows}
    assert [
        item.sid
        for statements in all_statements(context).values()
        for item in statements
        if item.sentence not in proven
    ] == []


def test_the_sentence_of_a_denial_begins_with_deny() -> None:
    for statements in all_statements(policy_context({})).values():
        for item in statements:
            assert item.sentence.startswith("Deny ") == (item.effect == "Deny"), item.sid


def test_a_denial_has_no_row_that_is_allowed_and_a_permission_has_rows_on_both_sides() -> None:
    for group in groups():
        decisions = {row.decision for row in group.rows}
        if group.kind == "deny":
            assert "allowed" not in decisions, group.sentence
        else:
            assert decisions - {"allowed"}, group.sentence


def test_at_least_half_of_the_rows_are_denials() -> None:
    assert len(rows()) >= 150
    assert sum(row.decision != "allowed" for row in rows()) * 2 >= len(rows())


def test_no_two_rows_are_the_same() -> None:
    assert len({(row.sentence, row.who, row.what) for row in rows()}) == len(rows())

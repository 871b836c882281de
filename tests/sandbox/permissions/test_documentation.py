"""docs/permissions.md and the contract describe every statement of the policies."""

from sandbox.permissions import documentation
from sandbox.permissions.table import groups, rows
from tests.infra.conftest import ROOT
from tests.infra.permissions.stacks import all_statements, policy_context


def test_the_documentation_is_current() -> None:
    assert (ROOT / "docs" / "permissions.md").read_text() == documentation.text()


def test_the_documentation_has_every_sentence() -> None:
    page = documentation.text()
    for group in groups():
        sentence = group.sentence.removeprefix("Deny ")
        assert f"{sentence[1:]} (" in page, sentence


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

"""What readers are told is what the table proves and the statements say."""

from pathlib import Path

from infra.permissions import flow_logs, instance, manager, spending, trust
from infra.permissions.statements import Statement
from sandbox.permissions import documentation as docs
from sandbox.permissions.table import groups, rows
from tests.infra.permissions.scopes import SCOPE

ROOT = Path(__file__).parent.parent.parent
GROUP = "arn:aws:logs:us-east-1:123456789012:log-group:/sandbox/flow-logs"
STATEMENTS: tuple[Statement, ...] = (
    *manager.policy(SCOPE),
    *manager.boundary(SCOPE),
    *instance.policy(SCOPE),
    *instance.boundary(SCOPE),
    *flow_logs.policy(SCOPE, GROUP),
    *spending.stop(),
    *spending.policy(
        SCOPE, "arn:aws:iam::123456789012:user/x", "arn:aws:iam::123456789012:policy/x"
    ),
    *spending.taken_by_budgets(SCOPE),
    *trust.ec2(),
    *trust.flow_logs(SCOPE),
    *trust.irsa("arn:aws:iam::123456789012:oidc-provider/x", "default/sandbox-manager"),
    *trust.pod_identity("default/sandbox-manager"),
)


def test_the_documentation_is_what_the_table_prints() -> None:
    assert (ROOT / "docs" / "permissions.md").read_text() == docs.text()


def test_every_statement_has_its_sentence_in_the_table_and_rows_that_prove_it() -> None:
    proven = {group.sentence for group in groups() if group.rows}
    assert [one.sid for one in STATEMENTS if one.sentence not in proven] == []


def test_a_sentence_of_what_cannot_be_has_no_row_that_is_allowed_but_for_its_limit() -> None:
    allowed = {
        group.sentence: [row.what for row in group.rows if row.decision == "allowed"]
        for group in groups()
        if group.kind == "cannot"
    }
    limit = "Never act with credentials that the metadata service gave without a token."
    assert {sentence for sentence, rows_ in allowed.items() if rows_} == {limit}


def test_every_sentence_of_what_can_be_has_rows_on_both_sides() -> None:
    assert [
        group.sentence
        for group in groups()
        if group.kind == "can" and not any(row.decision != "allowed" for row in group.rows)
    ] == []


def test_the_table_is_long_and_at_least_half_of_it_are_denials() -> None:
    assert len(rows()) >= 150
    assert sum(row.decision != "allowed" for row in rows()) * 2 >= len(rows())


def test_no_two_rows_are_the_same() -> None:
    assert len({(row.sentence, row.who, row.what) for row in rows()}) == len(rows())

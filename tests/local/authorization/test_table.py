"""Each row of the permissions' table as a real call: the emulated AWS decides like the evaluators.

The calls carry the access keys of the manager, of a sandbox and of the budget's role.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest

from local import serve
from sandbox.permissions.dry_runs import CannotAskError
from sandbox.permissions.table import Decision, Row, rows
from tests.infra.permissions.mutants import DocumentMutant, mutants
from tests.infra.permissions.row_verdicts import Bench
from tests.infra.permissions.stacks import identities
from tests.local.authorization.real_calls import ask
from tests.local.authorization.stack_account import StackAccount, account, deployed
from tests.slices import EVERYTHING

Outcome = tuple[Row, Decision]
UNREACHABLE: Mapping[str, str] = {
    f"flow logs: {document}: WriteFlowLogs: Resource without"
    " arn:aws:logs:us-east-1:123456789012:log-group:/sandbox/flow-logs": (
        "CloudWatch Logs checks the streams of a group"
    )
    for document in ("policy 1", "boundary")
}
"""Mutants that change the answer to no request, with the reason."""
SETTINGS_SLICE, ROWS_SLICE = (1, 1) if EVERYTHING else (4, 2)
"""The rows of every so many settings are asked, the defaults first, and of these every so many."""
pytestmark = [pytest.mark.proof, pytest.mark.xdist_group("authorization")]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with serve.answering() as running:
        yield running.endpoint


@pytest.fixture(scope="module")
def decisions(endpoint: str) -> Sequence[Outcome]:
    """The decision of the emulated AWS on each row that a request can express."""
    decided: list[Outcome] = []
    by_settings: dict[str, list[Row]] = {}
    for row in rows():
        by_settings.setdefault(json.dumps(row.given, sort_keys=True), []).append(row)
    for given in [*by_settings][::SETTINGS_SLICE]:
        with account(endpoint, json.loads(given)) as stack:
            answers: list[tuple[Row, Decision | None]] = [
                (row, asked(row, stack)) for row in by_settings[given][::ROWS_SLICE]
            ]
        for row, decision in answers:
            if decision is not None:
                decided.append((row, decision))
    return decided


def asked(row: Row, stack: StackAccount) -> Decision | None:
    """The decision, or None if no request can express the row."""
    try:
        return ask(row, stack)
    except CannotAskError:
        return None


def test_the_emulated_aws_decides_each_row_as_the_evaluators(
    decisions: Sequence[Outcome], closing_line: Callable[[str], None]
) -> None:
    disagreements = [
        f"{row}: {decision}" for row, decision in decisions if decision != row.decision
    ]
    closing_line(
        f"authorization: {len(decisions)} of {len(rows())} rows asked as calls,"
        f" {len(disagreements)} disagreements"
    )
    assert disagreements == []
    counts = Counter(row.who for row, _ in decisions)
    for who, least in (("manager", 150), ("instance", 70), ("flow logs", 10), ("budget", 5)):
        assert counts[who] * ROWS_SLICE > least, who


@pytest.mark.thorough
def test_every_mutant_of_a_deployed_policy_is_seen(
    endpoint: str, decisions: Sequence[Outcome], closing_line: Callable[[str], None]
) -> None:
    seen, unseen = mutants_seen(endpoint, decisions, lambda _: True)
    closing_line(f"authorization: {seen} mutants of deployed policies seen, {len(unseen)} not")
    assert set(unseen) == UNREACHABLE.keys()


def test_a_statement_that_is_missing_in_a_deployed_policy_is_seen(
    endpoint: str, decisions: Sequence[Outcome], closing_line: Callable[[str], None]
) -> None:
    seen, unseen = mutants_seen(endpoint, decisions, lambda mutant: mutant.statement is None)
    closing_line(f"authorization: {seen} missing statements seen, {len(unseen)} not")
    assert seen > 15
    assert unseen == []


def mutants_seen(
    endpoint: str, decisions: Sequence[Outcome], chosen: Callable[[DocumentMutant], bool]
) -> tuple[int, list[str]]:
    """The number of mutants that change an answer, and the mutants that should but do not."""
    seen, unseen = 0, list[str]()
    with account(endpoint, {}) as stack:
        for who in ("manager", "instance", "flow logs", "budget"):
            identity = identities(stack.policy_context)[who]
            table = [row for row, _ in decisions if row.who == who and not row.given]
            bench = Bench(identity=identity, rows=table, placeholders=stack.placeholders)
            for name, document in identity.documents.items():
                for mutant in filter(chosen, mutants(name, document)):
                    witnesses = changes(bench, mutant)
                    if not witnesses:
                        continue
                    try:
                        with deployed(stack, f"{who} {name}", exchanged(document, mutant)):
                            caught = any(ask(row, stack) == then for row, then in witnesses)
                    except stack.client("iam").exceptions.MalformedPolicyDocumentException:
                        continue  # IAM refuses such a document
                    if caught:
                        seen += 1
                    else:
                        unseen.append(f"{who}: {mutant}")
    return seen, unseen


def changes(bench: Bench, mutant: DocumentMutant) -> list[Outcome]:
    """The rows on which the evaluator decides differently, and its decisions."""
    changed = bench.changed_by((mutant.document, mutant.number), mutant.statement)
    return [(row, verdict.whole) for row, verdict in changed if verdict.whole != row.decision]


def exchanged(document: Mapping[str, Any], mutant: DocumentMutant) -> Mapping[str, Any]:
    statements = [*document["Statement"]]
    statements[mutant.number : mutant.number + 1] = [mutant.statement] if mutant.statement else []
    return {**document, "Statement": statements}

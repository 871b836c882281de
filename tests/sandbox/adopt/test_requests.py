"""What worked before the update and is refused after it was announced.

The contract's evaluator is asked about every request of the contract, before and after, for every
variant of state.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from infra import catalogue, settings
from local.iam.evaluator import Layers, Request, decide
from sandbox.adopt import adopted_settings, terraform_state
from sandbox.adopt.mapping import plan_adoption
from sandbox.adopt.policy_comparison import PolicyComparison, compare
from sandbox.adopt.preview_check import EXPLAINED, OLD_METADATA, OUTSIDE, SESSIONS, Values
from sandbox.permissions.table import Row, rows
from tests.infra.permissions.row_verdicts import Identity, request
from tests.infra.permissions.stacks import ACCOUNT, identities, placeholders_of, policy_context
from tests.sandbox.adopt.conftest import TALLY
from tests.sandbox.adopt.fake_account import attributes
from tests.sandbox.adopt.variants import VARIANTS, make

VPC_ID = "vpc-0a1b2c3d4e5f60718"
POLICIES = {"manager": "sandbox-manager-policy", "instance": "sandbox-instance-policy"}
SLICE = ("the original", "the last version, by Pod Identity", "a manager by IRSA")
"""The variants of `make test`: one of each policy that the module had."""


def allowed(identity: Identity, asked: Sequence[tuple[Request, Any]]) -> bool:
    layers = (tuple(identity.policies.values()), identity.boundary)
    return all(
        decide(Layers(identity=layers[0], boundary=layers[1], resource=policy), question)
        == "allowed"
        for question, policy in asked
    )


def old_identity(text: str) -> Identity:
    """The identity with the module's policy, which had no boundary."""
    document = json.loads(text.replace("751442549699", ACCOUNT.account_id))
    return Identity(policies={"policy": document})


def lost(variant: str) -> Iterator[tuple[Row, PolicyComparison, Sequence[tuple[Request, Any]]]]:
    """The rows that were allowed before the update and are not after it."""
    state = make(variant)
    parsed = terraform_state.parse(json.dumps(state).encode(), "old.tfstate")
    config = adopted_settings.merged(
        {}, adopted_settings.settings_of(parsed, plan_adoption(parsed))
    )
    given = settings.parse(config).model_dump()
    new = identities(policy_context(given, VPC_ID))
    placeholders = placeholders_of(given, VPC_ID)
    old_documents = {item["name"]: item["policy"] for item in attributes(state, "aws_iam_policy")}
    for who, name in POLICIES.items():
        old = old_identity(old_documents[name])
        whole = {
            "Version": "2012-10-17",
            "Statement": [
                statement
                for document in new[who].policies.values()
                for statement in document["Statement"]
            ],
        }
        comparison = compare(json.dumps(old.policies["policy"]), json.dumps(whole))
        assert comparison is not None
        for row in rows():
            if row.who != who or row.given or "region" in row.body:
                continue
            asked = [
                (request(check, placeholders), check.resource_policy)
                for check in row.checks(placeholders)
            ]
            if allowed(old, asked) and not allowed(new[who], asked):
                yield row, comparison, asked


def announced(comparison: PolicyComparison, asked: Sequence[tuple[Request, Any]]) -> bool:
    """Whether a line of the report says that such a request may be refused from now on."""
    return any(
        comparison.announces(question.action)
        or policy is not None  # OUTSIDE
        or "aws:TokenIssueTime" in question.context  # SESSIONS
        or question.context.get("ec2:RoleDelivery") == "1.0"  # OLD_METADATA
        for question, policy in asked
    )


@pytest.mark.parametrize(
    "variant",
    [pytest.param(name, marks=() if name in SLICE else pytest.mark.thorough) for name in VARIANTS],
)
def test_no_request_is_refused_after_the_update_without_being_announced(
    variant: str, record_property: Callable[[str, object], None]
) -> None:
    lost_rows = list(lost(variant))
    silent = [row.what for row, comparison, asked in lost_rows if not announced(comparison, asked)]
    record_property(TALLY, {"requests refused": len(lost_rows), "unannounced": len(silent)})
    assert silent == []
    assert lost_rows, "the evaluator noticed no narrowing"


@pytest.mark.parametrize(
    ("identity", "lines"),
    [
        ((catalogue.USER.name, "sandbox-manager"), (OUTSIDE, SESSIONS)),
        ((catalogue.ROLE.name, "sandbox-manager"), (OUTSIDE,)),
        ((catalogue.ROLE.name, "sandbox-instance-role"), (OUTSIDE, OLD_METADATA)),
    ],
)
def test_the_report_says_what_each_boundary_denies(
    identity: tuple[str, str], lines: tuple[str, ...]
) -> None:
    explain = EXPLAINED[*identity, "permissionsBoundary"]
    change = explain("permissionsBoundary", Values(old="", new="", lost_tags=frozenset()))
    assert change.details == lines

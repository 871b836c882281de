"""A claim that fails names a request that breaks it, which our own evaluator confirms."""

from collections.abc import Mapping
from typing import Any

import pytest

from local.iam.evaluator import Layers, Request, decide
from sandbox.permissions.claims import stacks
from sandbox.permissions.claims.proof import ADMINISTRATOR, HolderResult, Prover
from sandbox.permissions.claims.stacks import ClaimedStack
from sandbox.permissions.claims.table import Claim, expected_to_fail
from sandbox.permissions.table import Check, Row

pytestmark = pytest.mark.proof


def checks(claim: Claim, body: Mapping[str, Any], stack: ClaimedStack) -> tuple[Check, ...]:
    """The questions of the row *body*, read like the contract's rows."""
    row = Row(
        sentence=claim.sentence,
        who=claim.who,
        what=body["what"],
        decision=body["decision"],
        given={},
        body=body,
    )
    values = {name: value for name, value in stack.values.items() if isinstance(value, str)}
    return row.checks(values)


def breaks(finding: HolderResult, stack: ClaimedStack) -> bool:
    assert finding.row
    layers = stack.layers[finding.claim.who]
    (check,) = checks(finding.claim, finding.row, stack)
    request = Request(
        principal=check.principal,
        action=check.action,
        resource=check.resource,
        context=check.context,
    )
    match finding.holder:
        case "policy":
            return decide(Layers(identity=layers.identity), request) == "allowed"
        case "boundary":
            whole = Layers(identity=[ADMINISTRATOR], boundary=layers.boundary)
            return decide(whole, request) == "allowed"
        case "denial":
            return decide(Layers(identity=[layers.boundary or {}]), request) != "forbidden"
        case "together":
            whole = Layers(identity=layers.identity, boundary=layers.boundary)
            return (decide(whole, request) == "allowed") == (finding.claim.kind == "cannot")


def test_our_own_evaluator_confirms_every_counterexample() -> None:
    made_up = {stack.name: stack for stack in stacks.made_up_stacks()}
    prover = Prover()
    findings = [
        finding
        for claim in expected_to_fail()
        for finding in prover.prove(claim, made_up.values()).findings
    ]
    assert len({finding.claim.name for finding in findings}) == len(expected_to_fail())
    assert [finding for finding in findings if not breaks(finding, made_up[finding.stack])] == []

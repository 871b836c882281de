"""Proves the claims: what `sandbox permissions prove` prints."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import yaml

from infra.account import AccountIdentity
from sandbox.core import output
from sandbox.core.errors import RefusedError
from sandbox.core.stack import Stack

if TYPE_CHECKING:
    from sandbox.permissions.claims.proof import Proof


def proofs(stack: Stack | None) -> Sequence["Proof"]:
    """A proof of every claim, for *stack* or for every setting that changes documents.

    Raises:
        RefusedError: the solver is not installed.
    """
    try:
        from sandbox.permissions.claims import proof, stacks, table  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if error.name != "cvc5":
            raise
        raise RefusedError("the solver cvc5: is not installed; run make venv") from None
    all_stacks = [_claimed(stack)] if stack else stacks.made_up_stacks()
    prover = proof.Prover()
    claims = (*table.claims(), *table.expected_to_fail())
    return [proved for claim in claims if (proved := prover.prove(claim, all_stacks)).stacks]


def is_surprising(proof: "Proof") -> bool:
    """Whether a claim is broken that must hold, or one holds that is listed as a hole."""
    return proof.holds == bool(proof.claim.hole)


def show(all_proofs: Sequence["Proof"]) -> None:
    """Print the proofs as a table, and below it what breaks the claims that must hold."""
    output.table(
        ("claim", "who", "kind", "held by", "result", "time", "sentence"),
        [
            [
                proof.claim.name,
                proof.claim.who,
                proof.claim.kind,
                _held_by(proof),
                _result(proof),
                f"{proof.seconds * 1000:.0f} ms",
                proof.claim.sentence,
            ]
            for proof in all_proofs
        ],
    )
    for proof in all_proofs:
        if is_surprising(proof):
            for line in _reasons(proof):
                output.result(line)
    if weaker := [proof.claim.name for proof in all_proofs if _is_weaker(proof)]:
        output.result(
            "under sandbox:permissions_boundary these hold only as long as nobody attaches another "
            f"policy: {', '.join(weaker)}"
        )
    must_hold = [proof for proof in all_proofs if not proof.claim.hole]
    seconds = sum(proof.seconds for proof in all_proofs)
    output.note(
        f"{sum(proof.holds for proof in must_hold)} of {len(must_hold)} claims hold,"
        f" {len(all_proofs) - len(must_hold)} known holes, {seconds:.1f} s"
    )


def to_json(proof: "Proof") -> Mapping[str, Any]:
    """*proof* for a program."""
    claim = proof.claim
    return {
        "claim": claim.name,
        "who": claim.who,
        "kind": claim.kind,
        "sentence": claim.sentence,
        "held_by": list(proof.held_by),
        "result": _result(proof),
        "stacks": proof.stacks,
        "seconds": round(proof.seconds, 3),
        "hole": claim.hole,
        "broken": [
            {
                "settings": finding.stack,
                "holder": finding.holder,
                "answer": finding.answer,
                "why": finding.why,
                "row": finding.row,
            }
            for finding in proof.findings
        ],
    }


def _claimed(stack: Stack) -> Any:  # noqa: ANN401 - its module needs the solver
    """The documents of *stack*; its account and VPC are those of its outputs, if it is up."""
    from sandbox.permissions.claims import stacks  # noqa: PLC0415

    settings, outputs = stack.settings(), stack.outputs()
    given = {
        name: value
        for name, value in settings.model_dump().items()
        if value != type(settings)().model_dump()[name]
    }
    arn = outputs.get("instance_role_arn")
    account = AccountIdentity.of_arn(arn) if arn else stacks.ACCOUNT
    vpc_id = outputs.get("vpc_id", stacks.VPC_ID)
    return stacks.stack_of(stack.name, given, settings, account, vpc_id)


def _is_weaker(proof: "Proof") -> bool:
    """Whether the stack proves less than the claim says, since its boundary is another's."""
    return proof.claim.needs_own_boundary and "boundary" not in proof.held_by


def _held_by(proof: "Proof") -> str:
    return "" if proof.claim.kind == "can" else " and ".join(proof.held_by)


def _result(proof: "Proof") -> str:
    if proof.claim.hole:
        return "holds now" if proof.holds else "known hole"
    if proof.holds:
        return "holds"
    return "broken" if any(finding.answer == "broken" for finding in proof.findings) else "unknown"


def _reasons(proof: "Proof") -> Iterator[str]:
    if proof.claim.hole:
        yield f"{proof.claim.name}: holds now; move it out of expected-to-fail.yaml"
    for finding in proof.findings[:1]:
        yield f"{proof.claim.name}: {finding.stack}: {finding.holder}: {finding.why}".rstrip(": ")
        if finding.row:
            yield _as_yaml(finding.row)


def _as_yaml(row: Mapping[str, Any]) -> str:
    text = yaml.safe_dump(row, default_flow_style=True, sort_keys=False, width=10_000)
    return f"    - {text}".rstrip()

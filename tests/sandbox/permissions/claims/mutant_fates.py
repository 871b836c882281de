"""The outcome of each mutant of a policy document for the claims alone."""

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final, Literal

from sandbox.permissions.claims import stacks
from sandbox.permissions.claims.encoding import ALWAYS_ALLOWED, Document, PolicyLayers
from sandbox.permissions.claims.proof import Prover
from sandbox.permissions.claims.slicing import may_match
from sandbox.permissions.claims.stacks import ClaimedStack
from sandbox.permissions.claims.table import Claim, claims, statement
from tests.infra.permissions.mutants import DocumentMutant, mutants

Fate = Literal["caught", "equivalent", "survived"]
STACKS: Final = (
    "monthly_budget_usd",
    "default_instance_type",
    "sandbox_ami_id",
    "capacity_reservations",
    "ecr_repositories",
    "results_per_instance",
    "logs_per_instance",
    "instances_only_from_vpc",
    "instances_read_outputs",
    "manager_identity: irsa",
    "manager_identity: pod-identity",
)
"""The stacks whose documents are mutated: those of the contract's rows."""
STOP: Final = "stop 1"
"""The name of the spending stop, the last policy of the manager out of budget."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The fate of a mutant."""

    fate: Fate
    claim: str = ""
    """The claim that caught it, or ""."""


def judged(*, step: int = 1) -> Mapping[str, Judged]:
    """The fate of one mutant in *step*; if several stacks have it, one of them must catch it."""
    prover, done, made_up = Prover(), dict[str, Judged](), _made_up()
    for stack in (made_up[name] for name in STACKS):
        for who, name, document in documents(stack):
            for mutant in mutants(name, document):
                key = f"{who}: {mutant}"
                if key in done and done[key].fate != "survived":
                    continue
                if zlib.crc32(key.encode()) % step == 0:  # the same mutants in every stack
                    done[key] = judge(prover, stack, who, mutant)
    return done


def documents(stack: ClaimedStack) -> Iterator[tuple[str, str, Document]]:
    """Identity, name and text of each document that the contract's rows also cover."""
    for who, layers in stack.layers.items():
        if who.startswith("pipeline"):
            continue
        if who == "manager out of budget":  # its other documents are judged with the manager
            yield who, STOP, layers.identity[-1]
            continue
        for name, document in named(layers).items():
            yield who, name, document


def named(layers: PolicyLayers) -> Mapping[str, Document]:
    others = {"boundary": layers.boundary, "trust": layers.resource}
    return {
        **{f"policy {number}": document for number, document in enumerate(layers.identity, 1)},
        **{name: document for name, document in others.items() if document},
    }


def judge(prover: Prover, stack: ClaimedStack, who: str, mutant: DocumentMutant) -> Judged:
    layers = stack.layers[who]
    mutated = put(layers, mutant)
    for claim in claims():
        if claim.who != who or not claim.is_about(stack.given):
            continue
        if not touches(claim, stack, mutant):
            continue
        for holder in claim.held_by:
            if prover.finding(claim, holder, mutated, stack).answer != "holds":
                return Judged(fate="caught", claim=claim.name)
    same = is_equivalent(prover, layers, mutated)
    return Judged(fate="equivalent" if same else "survived")


def touches(claim: Claim, stack: ClaimedStack, mutant: DocumentMutant) -> bool:
    """Whether the statement or its mutant may match a request of *claim*."""
    requests = _requests(claim.name, stack.name)
    changed = [item for item in (mutant.before, mutant.statement) if item]
    return any(may_match(item, requests) for item in changed)


@cache
def _requests(claim_name: str, stack_name: str) -> Mapping[str, Any]:
    claim = next(claim for claim in claims() if claim.name == claim_name)
    return statement(claim.requests, _made_up()[stack_name].values)


@cache
def _made_up() -> Mapping[str, ClaimedStack]:
    return {stack.name: stack for stack in stacks.made_up_stacks()}


def put(layers: PolicyLayers, mutant: DocumentMutant) -> PolicyLayers:
    """*layers* with the mutant instead of its statement."""

    def changed(document: Document) -> Document:
        statements = list(document["Statement"])
        mutated = [mutant.statement] if mutant.statement else []
        statements[mutant.number : mutant.number + 1] = mutated
        return {**document, "Statement": statements}

    if mutant.document == "boundary" and layers.boundary:
        return replace(layers, boundary=changed(layers.boundary))
    if mutant.document == "trust" and layers.resource:
        return replace(layers, resource=changed(layers.resource))
    number = -1 if mutant.document == STOP else int(mutant.document.removeprefix("policy ")) - 1
    policies = list(layers.identity)
    policies[number] = changed(policies[number])
    return replace(layers, identity=tuple(policies))


def is_equivalent(prover: Prover, before: PolicyLayers, after: PolicyLayers) -> bool:
    """Whether the policies and the boundary decide every request as before."""
    encoding = prover.encoding
    differences = [
        encoding.any_of(
            [
                encoding.differ(encoding.denies(old), encoding.denies(new)),
                encoding.differ(
                    encoding.all_of(
                        [encoding.allows(old), encoding.none_of([encoding.denies(old)])]
                    ),
                    encoding.all_of(
                        [encoding.allows(new), encoding.none_of([encoding.denies(new)])]
                    ),
                ),
            ]
        )
        for old, new in zip(_parts(before), _parts(after), strict=True)
        if old != new
    ]
    always = encoding.patterns.equal(encoding.action, ALWAYS_ALLOWED)
    solver = prover.solver(
        encoding.well_formed(), encoding.none_of([always]), encoding.any_of(differences)
    )
    return solver.checkSat().isUnsat()


def _parts(layers: PolicyLayers) -> list[list[Document]]:
    return [
        list(layers.identity),
        [layers.boundary] if layers.boundary else [],
        [layers.resource] if layers.resource else [],
    ]

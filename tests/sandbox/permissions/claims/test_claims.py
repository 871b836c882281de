"""Every claim holds in every stack, and agrees with the documents for readers."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from infra import context
from infra.settings import Settings
from sandbox.permissions.claims import stacks
from sandbox.permissions.claims.proof import ADMINISTRATOR, Proof, Prover
from sandbox.permissions.claims.stacks import SETTINGS, ClaimedStack, layers_of
from sandbox.permissions.claims.table import claims, expected_to_fail
from sandbox.permissions.table import groups

pytestmark = pytest.mark.proof
SECONDS = 10
"""CPU seconds for all claims: twice the 5 of an idle machine, since a shared core is slower."""


@pytest.fixture(scope="module")
def made_up() -> Sequence[ClaimedStack]:
    return stacks.made_up_stacks()


@pytest.fixture(scope="module")
def proven(made_up: Sequence[ClaimedStack]) -> tuple[Sequence[Proof], float]:
    """The proofs, and their CPU seconds."""
    start, prover = time.process_time(), Prover()
    proofs = [prover.prove(claim, made_up) for claim in claims()]
    return proofs, time.process_time() - start


def test_every_claim_holds_with_every_setting(
    proven: tuple[Sequence[Proof], float], closing_line: Callable[[str], None]
) -> None:
    proofs, seconds = proven
    broken = [(proof.claim.name, finding) for proof in proofs for finding in proof.findings]
    closing_line(
        f"permissions: {len(proofs)} claims about all requests proven in {seconds:.1f} s,"
        f" with {len(SETTINGS)} sets of settings; {len(expected_to_fail())} known holes"
    )
    assert not broken
    assert all(proof.stacks for proof in proofs)
    assert seconds < SECONDS


def test_a_known_hole_is_still_open(made_up: Sequence[ClaimedStack]) -> None:
    """If the hole is closed, its claim belongs to the proven ones."""
    prover = Prover()
    proofs = [prover.prove(claim, made_up) for claim in expected_to_fail()]
    assert [proof.claim.name for proof in proofs if proof.holds] == []
    assert all(proof.claim.hole and proof.stacks for proof in proofs)


def test_every_sentence_about_permissions_has_a_claim() -> None:
    claimed = {(claim.who, claim.sentence) for claim in claims()}
    assert {(group.who, group.sentence) for group in groups()} <= claimed


def test_every_claim_has_a_sentence_of_the_contract() -> None:
    """Claims about the pipeline have no rows, so they have no sentence there."""
    sentences = {group.sentence for group in groups()}
    assert [
        claim.name
        for claim in claims()
        if claim.sentence not in sentences and not claim.who.startswith("pipeline")
    ] == []


def test_a_claim_about_what_can_be_done_has_a_row() -> None:
    without = {claim.name for claim in claims() if claim.kind == "can" and not claim.row}
    assert without <= {
        # the contract has no rows for the pipeline's roles
        "pipeline-makes-identities-under-a-boundary",
        "preview-reads-the-state",
        # wider than any row: all keys, regions or versions
        "manager-launches-into-blocks",
        "manager-uses-the-keys-that-name-it",
        "sandbox-lists-from-the-vpc",
        "sandbox-uses-the-keys-of-every-region",
        "sandbox-uses-credentials-of-every-later-version",
    }


def test_the_claims_that_need_the_programs_boundary_are_lost_under_an_organizations(
    made_up: Sequence[ClaimedStack],
) -> None:
    """With AdministratorAccess attached: the claims that `sandbox permissions prove` lists."""
    [bounded] = [stack for stack in made_up if "permissions_boundary" in stack.given]
    attached = replace(
        bounded,
        layers={
            who: replace(layers, identity=(*layers.identity, ADMINISTRATOR))
            for who, layers in bounded.layers.items()
            if who in {"manager", "instance", "flow logs", "budget"}
        },
    )
    prover = Prover()
    for claim in claims():
        proof = prover.prove(claim, [attached])
        if proof.stacks and claim.kind == "cannot" and claim.held_by != ("policy",):
            assert bool(proof.findings) == claim.needs_own_boundary, claim.name


def test_names_are_unique() -> None:
    names = [claim.name for claim in (*claims(), *expected_to_fail())]
    assert len(names) == len(set(names))


CHANGED = {
    "account_id": "123456789012",
    "allowed_instance_types": ["g5.*", "p4d.24xlarge"],
    "allowed_egress": ["tcp 443 0.0.0.0/0"],
    "allowed_ssh_cidrs": ["192.0.2.0/24"],
    "capacity_reservations": ["cr-0aaaaaaaaaaaaaaaa"],
    "budget_email": "owner@example.com",
    "cost_allocation_tags": "on",
    "default_instance_type": "p4d.24xlarge",
    "ecr_repositories": ["metta"],
    "environment": "staging",
    "flow_log_retention_days": 30,
    "flow_logs": False,
    "instance_log_retention_days": 30,
    "instance_tags": ["job"],
    "instances_only_from_vpc": True,
    "instances_read_outputs": True,
    "key_name": "alice",
    "log_prefix": "/research/",
    "logs_per_instance": True,
    "manager_keys": {"b": "current"},
    "max_volume_gib": 16384,
    "permissions_boundary": stacks.ORGANIZATION,
    "protect": True,
    "region": "eu-central-1",
    "s3_output_bucket": "results",
    "s3_read_buckets": ["models"],
    "sandbox_ami_id": "ami-0c0ffee0000000001",
    "tags": {"CostCenter": "research"},
    "volume_types": ["gp3"],
    "vpc_cidr": "10.9.0.0/16",
    "watch_terraform_tags": True,
    "zones": {"us-east-1a": 0, "us-east-1b": 1},
}
"""Another value for each setting that can be changed alone."""
TOGETHER = {
    "main_vpc_cidr",  # no document names a network
    "manager_identity",
    "manager_path",  # the documents name the manager only with a budget
    "monthly_budget_usd",
    "oidc_provider_arn",
    "results_per_instance",  # the buckets to read must not hold the results
    "service_account",
}


def test_every_setting_that_changes_documents_is_proven() -> None:
    def documents(**given: object) -> object:
        settings = Settings.model_validate(given)
        made_up = context.policy_context(settings, stacks.ACCOUNT, vpc_id=stacks.VPC_ID)
        return layers_of(settings, made_up)

    assert Settings.model_fields.keys() == CHANGED.keys() | TOGETHER
    changing = {
        name for name, value in CHANGED.items() if documents(**{name: value}) != documents()
    }
    proven = {name for given in SETTINGS.values() for name in given}
    assert changing <= proven
    assert TOGETHER - {"main_vpc_cidr"} <= proven

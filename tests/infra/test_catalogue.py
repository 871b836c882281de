"""The catalogue has every type of the program, and AWS knows the calls in it."""

import re
from collections.abc import Iterator
from pathlib import Path

import botocore.session
import pytest
from botocore import xform_name

from infra.aws_clients import FILTER_PARAMETER
from infra.catalogue import CATALOGUE, Listing
from tests.infra.conftest import Run

ROOT = Path(__file__).parents[2]
EVERY_PART = {
    "cost_allocation_tags": "on",
    "monthly_budget_usd": 1,
    "budget_email": "costs@example.org",
    "allowed_ssh_cidrs": [f"10.0.{number}.0/24" for number in range(70)],
}
"""Together with the defaults, settings under which the program creates every type."""


def listings() -> Iterator[tuple[str, Listing]]:
    for resource_type in CATALOGUE.values():
        finder = resource_type.finder
        for listing in (finder, finder and finder.tags, *resource_type.attachments):
            if listing:
                yield f"{resource_type.name} {listing.operation}", listing


def test_the_program_creates_what_the_catalogue_has_and_nothing_else(
    record: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.preflight.require", lambda *_: None)  # would ask AWS for a quota
    resources = [*record().resources, *record(**EVERY_PART).resources]
    created = {
        resource.type
        for resource in resources
        if not resource.type.startswith(("sandbox:", "pulumi:providers:"))
    }
    assert created == set(CATALOGUE)


def test_no_other_module_has_a_table_of_types() -> None:
    """A new type touches its component, the catalogue, a rule and a sentence of the docs."""
    named = re.compile("|".join(map(re.escape, CATALOGUE)))
    rules, terraform_names = "policies", "sandbox/adopt"
    tables = [
        str(file.relative_to(ROOT))
        for package in ("infra", "sandbox", "ami", "local")
        for file in (ROOT / package).rglob("*.py")
        if len(set(named.findall(file.read_text(encoding="utf-8")))) > 1
    ]
    assert [table for table in tables if not table.startswith((rules, terraform_names))] == [
        "infra/catalogue.py"
    ]


@pytest.mark.parametrize("listing", [pytest.param(call, id=name) for name, call in listings()])
def test_aws_knows_the_operation_its_parameters_and_what_it_answers(listing: Listing) -> None:
    service = botocore.session.get_session().get_service_model(listing.service)
    operations = {xform_name(name): name for name in service.operation_names}
    operation = service.operation_model(operations[listing.operation])
    parameters = set(listing.parameters)
    if listing.filters:
        parameters.add(FILTER_PARAMETER.get(listing.operation, "Filters"))
    assert operation.input_shape
    assert operation.output_shape
    known = {*operation.input_shape.members}
    if listing.operation == "describe_flow_logs":  # boto3's own alias for it
        known = {*known, "Filters"}
    assert parameters <= known
    assert operation.input_shape.required_members in ([], sorted(listing.parameters), [*parameters])
    [answer] = re.findall(r"^\[?(\w+)", listing.items)
    assert answer in operation.output_shape.members

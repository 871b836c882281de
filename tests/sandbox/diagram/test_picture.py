"""The architecture's picture is that of the program, and shows all of it."""

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

import pytest
from handover.diagram import files
from handover.svg import layout

from sandbox.core.errors import SandboxError
from sandbox.core.stack import Resource
from sandbox.diagram.picture import DRAWN, FOLDED, picture
from tests.infra.conftest import Record, Run

DOCS = Path(__file__).parents[3] / "docs"


def resources(run: Record) -> Sequence[Resource]:
    """What the program registered, as a state would hold it."""
    return [
        Resource(
            urn=f"urn:pulumi:test::sandbox::{one.type}::{one.name}",
            type=one.type,
            id="",
            parent=one.parent,
            outputs=one.inputs,
            modified="",
        )
        for one in run.resources
    ]


@pytest.mark.parametrize("name", ["architecture.mmd", "architecture.svg"])
def test_the_published_picture_is_that_of_a_default_stack(record: Run, name: str) -> None:
    made = files(picture(resources(record())))
    assert (DOCS / name).read_text(encoding="utf-8") == made[name], (
        "write it again with: sandbox diagram"
    )


def test_the_readme_shows_the_published_picture() -> None:
    chart = (DOCS / "architecture.mmd").read_text(encoding="utf-8")
    assert f"```mermaid\n{chart}```\n" in (DOCS.parent / "README.md").read_text(encoding="utf-8")


def test_every_resource_is_drawn_or_folded_whatever_the_settings(record: Run) -> None:
    everything = record(
        cost_allocation_tags="on",
        monthly_budget_usd=1,
        budget_email="costs@example.org",
        allowed_ssh_cidrs=[f"10.0.{one}.0/24" for one in range(59)],
    )
    assert picture(resources(everything)).boxes
    known = DRAWN.keys() | FOLDED
    kinds = {one.type for one in everything.resources if one.type.startswith("aws:")}
    assert kinds <= known


def test_a_type_that_nobody_has_decided_on_is_refused(record: Run) -> None:
    (first, *_) = resources(record())
    strange = Resource(
        urn="urn:pulumi:test::sandbox::aws:ec2/natGateway:NatGateway::way-out",
        type="aws:ec2/natGateway:NatGateway",
        id="",
        parent=first.urn,
        outputs={},
        modified="",
    )
    with pytest.raises(SandboxError, match=r"NatGateway \(way-out\): is in no table"):
        picture([strange])


def test_no_two_boxes_overlap_and_all_are_on_the_page(record: Run) -> None:
    drawn = picture(resources(record()))
    places = list(layout(drawn).values())
    for number, one in enumerate(places):
        for other in places[number + 1 :]:
            assert (
                one.x + one.width <= other.x
                or other.x + other.width <= one.x
                or one.y + one.height <= other.y
                or other.y + other.height <= one.y
            )
    root = ET.fromstring(files(drawn)["architecture.svg"])  # noqa: S314 - our own text
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    assert all(one.x + one.width <= width and one.y + one.height <= height for one in places)


def test_what_is_turned_off_is_not_in_the_picture(record: Run) -> None:
    drawn = picture(resources(record(flow_logs=False)))
    assert "FlowLogs" not in {box.key for box in drawn.boxes}
    assert "FlowLogs" not in {one.target for one in drawn.arrows}

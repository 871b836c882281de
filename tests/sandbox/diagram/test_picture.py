"""The picture of the architecture is that of the program, and is complete."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from infra.catalogue import CATALOGUE
from sandbox import cli
from sandbox.core.errors import ExitCode, SandboxError
from sandbox.core.stack import Resource
from sandbox.diagram.mermaid import mermaid
from sandbox.diagram.picture import FRAMES, picture
from tests.infra.conftest import Record, Run
from tests.sandbox.conftest import FakePulumi

DOCS = Path(__file__).parents[3] / "docs"


@pytest.fixture
def record(monkeypatch: pytest.MonkeyPatch) -> Run:
    return Run(monkeypatch)


def resources(run: Record) -> Sequence[Resource]:
    """The registered resources, in the form of a state."""
    return [
        Resource(
            urn=f"urn:pulumi:test::sandbox::{registered.type}::{registered.name}",
            type=registered.type,
            id="",
            parent=registered.parent,
            inputs=registered.inputs,
            outputs=registered.inputs,
            modified="",
        )
        for registered in run.resources
    ]


def test_the_published_picture_is_that_of_a_default_stack(record: Run) -> None:
    """`sandbox diagram --output docs/architecture.mmd` writes it again."""
    assert (DOCS / "architecture.mmd").read_text(encoding="utf-8") == mermaid(
        picture(resources(record()))
    )


def test_every_resource_has_its_line_whatever_the_settings(
    record: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.preflight.require", lambda *_: None)  # would ask AWS for a quota
    every_part = resources(
        record(
            cost_allocation_tags="on",
            monthly_budget_usd=1,
            budget_email="costs@example.org",
            allowed_ssh_cidrs=[f"10.0.{number}.0/24" for number in range(70)],
        )
    )
    text = mermaid(picture(every_part))
    for resource in every_part:
        resource_type = CATALOGUE.get(resource.type)
        if resource_type and resource_type.label:
            assert resource_type.label(resource.outputs) in text


def test_a_type_that_the_catalogue_does_not_have_is_refused(record: Run) -> None:
    vpc = next(item for item in resources(record()) if item.type.endswith(":Vpc"))
    gateway = replace(vpc, type="aws:ec2/natGateway:NatGateway", urn="urn:x::y::z::way-out")
    with pytest.raises(SandboxError, match=r"way-out: aws:ec2/natGateway:NatGateway"):
        picture([gateway])


def test_what_is_turned_off_is_not_in_the_picture(record: Run) -> None:
    drawn = picture(resources(record(flow_logs=False)))
    assert "FlowLogs" not in {box.key for box in drawn.boxes}
    assert "FlowLogs" not in {arrow.target for arrow in drawn.arrows}


def test_the_frames_name_the_region_and_the_addresses(record: Run) -> None:
    drawn = picture(resources(record(region="eu-west-1", vpc_cidr="10.9.0.0/16")))
    assert "eu-west-1" in drawn.frame_titles["region"]
    assert "10.9.0.0/16" in drawn.frame_titles["vpc"]


def test_the_chart_closes_every_frame_and_draws_every_box_once(record: Run) -> None:
    drawn = picture(resources(record()))
    lines = [line.strip() for line in mermaid(drawn).splitlines()]
    assert len([line for line in lines if line.startswith("subgraph ")]) == len(FRAMES)
    assert lines.count("end") == len(FRAMES)
    for box in drawn.boxes:
        assert len([line for line in lines if line.startswith(f"{box.key}[")]) == 1
    drawn_keys = {box.key for box in drawn.boxes}
    arrows = [re.fullmatch(r'(\w+) -->\|".+"\| (\w+)', line) for line in lines if "-->" in line]
    assert {key for arrow in arrows if arrow for key in arrow.groups()} <= drawn_keys


def test_the_command_prints_the_chart_or_writes_it(
    fake_pulumi: FakePulumi, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_pulumi.answer("stack export", {"deployment": {"resources": []}})
    assert cli.run(["diagram", "--stack", "dev"]) == ExitCode.DONE
    printed = capsys.readouterr().out
    assert printed.startswith("flowchart ")
    file = tmp_path / "picture.mmd"
    assert cli.run(["diagram", "--stack", "dev", "--output", str(file)]) == ExitCode.DONE
    assert capsys.readouterr().out == ""
    assert file.read_text(encoding="utf-8") == printed

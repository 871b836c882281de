"""What the architecture's picture shows, read from the deployed stack's state.

The catalogue says which line a resource adds to its component's box. A type that the catalogue does
not have is refused, so the picture cannot fall behind the program.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from infra import catalogue
from infra.catalogue import CATALOGUE
from sandbox.core.errors import SandboxError
from sandbox.core.stack import PROVIDER, Resource

ACCOUNT: Final = "account"
REGION: Final = "region"
VPC: Final = "vpc"
FRAMES: Final[Mapping[str, str | None]] = {ACCOUNT: None, REGION: ACCOUNT, VPC: REGION}
"""Each frame and the frame around it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A component of the stack, or something that it works with."""

    key: str
    title: str
    frame: str | None = None
    """The frame that it is in; None outside of AWS."""
    lines: tuple[str, ...] = ()
    of_stack: bool = True
    """Whether the stack creates it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    """A relation between two boxes, by their keys."""

    source: str
    target: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Boxes in frames, and the arrows between them."""

    frame_titles: Mapping[str, str]
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]


BOXES: Final = (
    Box(key="researchers", title="Researchers", of_stack=False),
    Box(key="service", title="The service", of_stack=False),
    Box(key="Manager", title="Manager", frame=ACCOUNT),
    Box(key="SpendingStop", title="Spending stop", frame=ACCOUNT),
    Box(key="CostTags", title="Cost allocation tags", frame=ACCOUNT),
    Box(key="Instances", title="Sandboxes' identity", frame=ACCOUNT),
    Box(key="SshAccess", title="SSH access", frame=VPC),
    Box(
        key="sandboxes",
        title="Sandboxes",
        frame=VPC,
        lines=("one instance or more per researcher",),
        of_stack=False,
    ),
    Box(key="Network", title="Network", frame=VPC),
    Box(key="FlowLogs", title="Flow logs", frame=REGION),
    Box(key="InstanceLogs", title="Sandboxes' logs", frame=REGION),
    Box(key="s3", title="Amazon S3", frame=REGION, lines=("data and results",), of_stack=False),
    Box(key="ecr", title="Amazon ECR", frame=REGION, lines=("images",), of_stack=False),
    Box(key="internet", title="Internet", of_stack=False),
)
ARROWS: Final = (
    Arrow(source="researchers", target="SshAccess", label="SSH"),
    Arrow(source="service", target="Manager", label="signs in"),
    Arrow(source="Manager", target="sandboxes", label="launches, stops"),
    Arrow(source="SpendingStop", target="Manager", label="stops launches"),
    Arrow(source="SshAccess", target="sandboxes", label="admits"),
    Arrow(source="sandboxes", target="Instances", label="run as"),
    Arrow(source="sandboxes", target="Network", label="run in a subnet of"),
    Arrow(source="sandboxes", target="InstanceLogs", label="write"),
    Arrow(source="sandboxes", target="ecr", label="pull"),
    Arrow(source="Network", target="s3", label="gateway endpoint"),
    Arrow(source="Network", target="internet", label="internet gateway"),
    Arrow(source="Network", target="FlowLogs", label="traffic"),
)
MOVED: Final = {("Instances", catalogue.LOG_GROUP.name): "InstanceLogs"}
"""A type that another box than its component's shows."""
FIRST_WORDS: Final = ("group", "user", "profile", "role", "subnet", "access", "policy", "flow")
"""The lines of a box begin with what it is about, whatever order the state has."""


def picture(resources: Sequence[Resource]) -> Picture:
    """The stack's components with what is in them; components without anything are left out.

    Raises:
        SandboxError: a resource is of a type that the catalogue does not have.
    """
    titles = {ACCOUNT: "AWS account", REGION: "Region", VPC: "VPC"}
    lines: dict[str, list[str]] = {}
    for resource in resources:
        if resource.type == PROVIDER:
            titles[REGION] = f"Region {resource.inputs['region']}"
        if resource.type.startswith(("pulumi:pulumi:", "pulumi:providers:", "sandbox:")):
            continue
        if resource.type not in CATALOGUE:
            raise SandboxError(
                f"{resource.name}: {resource.type} is not in infra/catalogue.py; add it there, "
                "with its label"
            )
        label = CATALOGUE[resource.type].label
        if resource.type == catalogue.VPC.name and label:
            titles[VPC] = label(resource.outputs)
        elif label:
            component = resource.parent.rpartition("::")[0].rpartition(":")[2]
            key = MOVED.get((component, resource.type), component)
            lines.setdefault(key, []).append(label(resource.outputs))
    boxes = tuple(
        Box(
            key=box.key,
            title=box.title,
            frame=box.frame,
            lines=box.lines or tuple(sorted(lines.get(box.key, ()), key=_rank)),
            of_stack=box.of_stack,
        )
        for box in BOXES
        if box.key in lines or not box.of_stack
    )
    keys = {box.key for box in boxes}
    return Picture(
        frame_titles=titles,
        boxes=boxes,
        arrows=tuple(arrow for arrow in ARROWS if {arrow.source, arrow.target} <= keys),
    )


def _rank(line: str) -> tuple[int, str]:
    word = line.split(maxsplit=1)[0]
    return FIRST_WORDS.index(word) if word in FIRST_WORDS else len(FIRST_WORDS), line

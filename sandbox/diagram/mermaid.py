"""The picture as a Mermaid flow chart, which GitHub draws (https://mermaid.js.org)."""

from collections.abc import Iterator

from sandbox.diagram.picture import FRAMES, Box, Picture

INDENT = "    "


def mermaid(picture: Picture) -> str:
    """The chart's text."""
    others = ",".join(box.key for box in picture.boxes if not box.of_stack)
    lines = [
        "flowchart LR",
        *_inside(picture, None, INDENT),
        *(
            f'{INDENT}{arrow.source} -->|"{arrow.label}"| {arrow.target}'
            for arrow in picture.arrows
        ),
        f"{INDENT}classDef other stroke-dasharray:4 3",
        f"{INDENT}class {others} other",
    ]
    return "\n".join(lines) + "\n"


def _inside(picture: Picture, frame: str | None, indent: str) -> Iterator[str]:
    """The boxes and frames directly in *frame*; None is the whole picture."""
    for box in picture.boxes:
        if box.frame == frame:
            yield indent + _node(box)
    for inner, outer in FRAMES.items():
        if outer == frame:
            yield f'{indent}subgraph {inner}["{picture.frame_titles[inner]}"]'
            yield from _inside(picture, inner, indent + INDENT)
            yield f"{indent}end"


def _node(box: Box) -> str:
    text = "<br/>".join((f"<b>{box.title}</b>", *box.lines))
    return f'{box.key}["{text}"]'

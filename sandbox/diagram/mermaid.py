"""The picture as a Mermaid flow chart, which GitHub draws."""

from sandbox.diagram.picture import Box, Picture


def mermaid(picture: Picture) -> str:
    """The chart's text."""
    lines = ["flowchart LR"]
    lines.extend(_node(box) for box in picture.boxes)
    lines.extend(f'    {one.source} -->|"{one.label}"| {one.target}' for one in picture.arrows)
    outside = ",".join(box.key for box in picture.boxes if box.outside)
    lines.append("    classDef outside stroke-dasharray:4 3")
    lines.append(f"    class {outside} outside")
    return "\n".join(lines) + "\n"


def _node(box: Box) -> str:
    text = "<br/>".join((f"<b>{box.title}</b>", *box.lines))
    return f'    {box.key}["{text}"]'

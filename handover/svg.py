"""The picture as SVG: boxes on a grid, straight arrows between them. No browser, no layout tool."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Final

from handover.picture import Arrow, Box, Picture

CHARACTER: Final = 7.2
"""Width of a character of the text, with some room: fonts differ."""
LINE: Final = 18
PADDING: Final = 12
GAP_ACROSS: Final = 120
"""Room for an arrow's label between two columns."""
GAP_DOWN: Final = 48
STYLE: Final = """
    .box { fill: #ffffff; stroke: #36506b; stroke-width: 1.5 }
    .outside { fill: #f3f5f7; stroke-dasharray: 5 4 }
    text { font: 12px ui-sans-serif, Helvetica, Arial, sans-serif; fill: #1c2733 }
    .title { font-weight: bold }
    .label { fill: #5b2f00; text-anchor: middle; paint-order: stroke; stroke: #ffffff;
             stroke-width: 4 }
    .arrow { stroke: #8a5a1c; stroke-width: 1.5; fill: none; marker-end: url(#head) }
"""
HEAD: Final = (
    '  <defs><marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" '
    'markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z" fill="#8a5a1c"/></marker></defs>'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A box on the page."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> tuple[float, float]:
        return self.x + self.width / 2, self.y + self.height / 2


def svg(picture: Picture) -> str:
    """The drawing as one text."""
    places = layout(picture)
    width = max(one.x + one.width for one in places.values()) + PADDING
    height = max(one.y + one.height for one in places.values()) + PADDING
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" role="img" aria-label="Architecture">'
    )
    return "\n".join(
        [
            head,
            f"  <style>{STYLE}  </style>",
            HEAD,
            f'  <rect width="{width:.0f}" height="{height:.0f}" fill="#ffffff"/>',
            *(line for one in picture.arrows for line in _arrow(one, places)),
            *(line for box in picture.boxes for line in _box(box, places[box.key])),
            "</svg>\n",
        ]
    )


def layout(picture: Picture) -> Mapping[str, Place]:
    """Columns as wide as their widest box; rows as high as their highest."""
    size = {
        box.key: (
            max(len(text) for text in (box.title, *box.lines)) * CHARACTER + 2 * PADDING,
            (1 + len(box.lines)) * LINE + 2 * PADDING,
        )
        for box in picture.boxes
    }
    columns, rows = (
        {
            number: max(size[box.key][axis] for box in picture.boxes if _at(box, axis) == number)
            for number in sorted({_at(box, axis) for box in picture.boxes})
        }
        for axis in (0, 1)
    )
    places: dict[str, Place] = {}
    for box in picture.boxes:
        x = PADDING + sum(w + GAP_ACROSS for n, w in columns.items() if n < box.column)
        y = PADDING + sum(h + GAP_DOWN for n, h in rows.items() if n < box.row)
        own = size[box.key]
        slack = rows[box.row] - own[1]
        places[box.key] = Place(x=x, y=y + slack / 2, width=columns[box.column], height=own[1])
    return places


def _at(box: Box, axis: int) -> int:
    return (box.column, box.row)[axis]


def _box(box: Box, place: Place) -> Iterator[str]:
    kind = "box outside" if box.outside else "box"
    yield (
        f'  <rect class="{kind}" x="{place.x:.0f}" y="{place.y:.0f}" '
        f'width="{place.width:.0f}" height="{place.height:.0f}" rx="6"/>'
    )
    for number, text in enumerate((box.title, *box.lines)):
        style = ' class="title"' if number == 0 else ""
        y = place.y + PADDING + (number + 0.75) * LINE
        yield f'  <text{style} x="{place.x + PADDING:.0f}" y="{y:.0f}">{escape(text)}</text>'


def _arrow(arrow: Arrow, places: Mapping[str, Place]) -> Iterator[str]:
    source, target = places[arrow.source], places[arrow.target]
    (x1, y1), (x2, y2) = _border(source, target), _border(target, source)
    yield f'  <path class="arrow" d="M{x1:.0f} {y1:.0f}L{x2:.0f} {y2:.0f}"/>'
    x, y = (x1 + x2) / 2, (y1 + y2) / 2 - 4
    yield f'  <text class="label" x="{x:.0f}" y="{y:.0f}">{escape(arrow.label)}</text>'


def _border(own: Place, other: Place) -> tuple[float, float]:
    """Where the line between two boxes' middles should leave *own*: a side, never a corner."""
    (x, y), (to_x, to_y) = own.middle, other.middle
    if to_x > own.x + own.width:
        return own.x + own.width, y
    if to_x < own.x:
        return own.x, y
    return x, own.y + own.height if to_y > y else own.y

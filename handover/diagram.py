"""The picture's files: Mermaid, SVG, and the page that shows both."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from handover.mermaid import mermaid
from handover.picture import Picture
from handover.svg import svg

PAGE: Final = """# Architecture

Drawn from the deployed stack by `python -m handover diagram`; dashed boxes are not part of it.

```mermaid
{chart}```

The same as a file: [architecture.svg](architecture.svg).
"""


def files(picture: Picture) -> Mapping[str, str]:
    """The content of each file, by its name."""
    chart = mermaid(picture)
    return {
        "architecture.mmd": chart,
        "architecture.svg": svg(picture),
        "architecture.md": PAGE.format(chart=chart),
    }


def write(picture: Picture, folder: Path) -> None:
    for name, text in files(picture).items():
        (folder / name).write_text(text, encoding="utf-8")

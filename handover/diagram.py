"""The picture's files: Mermaid, as the README shows it, and SVG."""

from collections.abc import Mapping
from pathlib import Path

from handover.mermaid import mermaid
from handover.picture import Picture
from handover.svg import svg


def files(picture: Picture) -> Mapping[str, str]:
    """The content of each file, by its name."""
    return {"architecture.mmd": mermaid(picture), "architecture.svg": svg(picture)}


def write(picture: Picture, folder: Path) -> None:
    for name, text in files(picture).items():
        (folder / name).write_text(text, encoding="utf-8")

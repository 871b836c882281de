"""Images and pins as the commands show them: a row of the table, or an object of the JSON."""

from collections.abc import Mapping
from typing import Any, Final

from ami.images import MachineImage
from ami.pins import Pin

SHOWN_VERSIONS: Final = ("driver", "cogames")
"""The versions that fit into a terminal of 80 columns; `--json` has all of them."""
COLUMNS: Final = ("image", "created (UTC)", "GiB", *SHOWN_VERSIONS, "in use")


def row(image: MachineImage) -> tuple[str, ...]:
    return (
        image.id,
        f"{image.created:%Y-%m-%d %H:%M}",
        str(image.size_gib),
        *(image.versions.get(name, "?") for name in SHOWN_VERSIONS),
        ", ".join(image.in_use) or "no",
    )


def as_json(image: MachineImage) -> dict[str, Any]:
    return {
        "id": image.id,
        "name": image.name,
        "created": image.created.isoformat(),
        "state": image.state,
        "size_gib": image.size_gib,
        "in_use": list(image.in_use),
        "build_id": image.build_id,
        "snapshots": list(image.snapshots),
        "versions": dict(sorted(image.versions.items())),
    }


PIN_COLUMNS: Final = ("setting", "value", "latest", "from", "a newer one")


def pin_row(pin: Pin, latest: Mapping[str, str]) -> tuple[str, ...]:
    newest = latest.get(pin.name, "")
    if newest and pin.goes_with:
        newest += f" (goes with {pin.goes_with})"
    return (pin.name, pin.value, newest, pin.source, pin.newer)


def pin_as_json(pin: Pin, latest: str | None) -> dict[str, Any]:
    return {
        "name": pin.name,
        "value": pin.value,
        "settings": pin.fields,
        "from": pin.source,
        "newer": pin.newer,
        "latest": latest,
        "goes_with": pin.goes_with or None,
    }

"""An image as `sandbox image list` shows it: a row of the table, or an object of the JSON."""

from typing import Any, Final

from ami.images import MachineImage

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

"""Stands in for the `terraform` of docs/adoption.md: `state pull`, `list` and `rm` of a file.

It knows the file only, as `state` commands do; nothing in AWS is its to touch.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CHDIR = "-chdir="


def addresses(state: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Each instance with its address, and the block that it is in."""
    for block in state["resources"]:
        kind = "data" if block["mode"] == "data" else ""
        path = ".".join(filter(None, (block.get("module"), kind, block["type"], block["name"])))
        for instance in block["instances"]:
            key = instance.get("index_key")
            yield f"{path}{'' if key is None else f'[{json.dumps(key)}]'}", block, instance


def main(folder: str, group: str, command: str, *rest: str) -> None:
    if not folder.startswith(CHDIR) or group != "state":
        sys.exit(f"terraform: not what docs/adoption.md says: {sys.argv[1:]}")
    file = Path(folder.removeprefix(CHDIR), "terraform.tfstate")
    state = json.loads(file.read_text())
    match command, rest:
        case "pull", ():
            sys.stdout.write(json.dumps(state))
        case "list", ():
            sys.stdout.writelines(f"{address}\n" for address, _, _ in addresses(state))
        case "rm", (wanted,):
            found = [one for one in addresses(state) if one[0] == wanted]
            if not found:
                sys.exit(f"terraform: no matching objects found for {wanted}")
            for _, block, instance in found:
                block["instances"].remove(instance)
            file.write_text(json.dumps(state))
        case _:
            sys.exit(f"terraform: not what docs/adoption.md says: {sys.argv[1:]}")


if __name__ == "__main__":
    main(*sys.argv[1:])

"""A stand-in for the `terraform` of docs/adoption.md: `state pull`, `list` and `rm` on a file.

Like the real `state` commands it only uses the file, and changes nothing in AWS.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CHDIR = "-chdir="


def addresses(state: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Each instance with its address and its block."""
    for block in state["resources"]:
        kind = "data" if block["mode"] == "data" else ""
        path = ".".join(filter(None, (block.get("module"), kind, block["type"], block["name"])))
        for instance in block["instances"]:
            key = instance.get("index_key")
            yield f"{path}{'' if key is None else f'[{json.dumps(key)}]'}", block, instance


def main(folder: str, group: str, command: str, *rest: str) -> None:
    if not folder.startswith(CHDIR) or group != "state":
        sys.exit(f"terraform: docs/adoption.md has no such command: {sys.argv[1:]}")
    file = Path(folder.removeprefix(CHDIR), "terraform.tfstate")
    state = json.loads(file.read_text())
    match command, rest:
        case "pull", ():
            sys.stdout.write(json.dumps(state))
        case "list", ():
            sys.stdout.writelines(f"{address}\n" for address, _, _ in addresses(state))
        case "rm", wanted if wanted:
            known = {address: place for address, *place in addresses(state)}
            if missing := set(wanted) - known.keys():
                sys.exit(f"terraform: no matching objects found for {missing}")
            for address in wanted:
                block, instance = known[address]
                block["instances"].remove(instance)
            file.write_text(json.dumps(state))
        case _:
            sys.exit(f"terraform: docs/adoption.md has no such command: {sys.argv[1:]}")


if __name__ == "__main__":
    main(*sys.argv[1:])

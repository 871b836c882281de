"""Packer and its Amazon plugin, the peer of the image builder, from their sources.

Compiled once into the project's cache, from the Go module proxy; Go checks each module against
its checksum, and what they depend on against their own go.sum.
"""

import json
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Final

from local.engine import go
from local.engine.places import cache

CORE: Final = "1.15.1"
PLUGIN: Final = "1.8.2"
SOURCE: Final = "github.com/hashicorp/amazon"
"""What a template calls the plugin."""


def ensure() -> tuple[Path, Path]:
    """The command `packer`, and the folder for PACKER_PLUGIN_PATH; some minutes the first time.

    Raises:
        local.engine.errors.EngineError: they cannot be fetched or compiled.
    """
    home = cache() / f"packer-{CORE}-{PLUGIN}-{platform.machine()}"
    if not home.exists():
        work = cache() / "packer-work"
        work.mkdir(parents=True, exist_ok=True)
        tool = go.Go(go.find(cache()), work)
        partial = work / "done"
        partial.mkdir(exist_ok=True)
        _compile(tool, work, f"github.com/hashicorp/packer@v{CORE}", partial / "packer")
        plugin = work / "packer-plugin-amazon"
        _compile(tool, work, f"github.com/hashicorp/packer-plugin-amazon@v{PLUGIN}", plugin)
        subprocess.run(
            [partial / "packer", "plugins", "install", "--path", plugin, SOURCE],
            env={
                "HOME": str(work),
                "PATH": "/usr/bin:/bin",
                "CHECKPOINT_DISABLE": "1",
                "PACKER_PLUGIN_PATH": str(partial / "plugins"),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        partial.rename(home)
        shutil.rmtree(work)
    return home / "packer", home / "plugins"


def _compile(tool: go.Go, work: Path, module: str, to: Path) -> None:
    if to.exists():
        return
    folder = work / module.partition("@")[0].rpartition("/")[2]
    folder = folder.with_name(f"{folder.name}-source")
    read_only = Path(json.loads(tool.answer(work, "mod", "download", "-json", module))["Dir"])
    shutil.copytree(read_only, folder, dirs_exist_ok=True)
    draft = to.with_suffix(".draft")
    tool.build(folder, ".", to=draft, link="", what=module)
    draft.rename(to)

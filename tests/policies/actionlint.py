"""actionlint, which only these tests need: built once from its Go module, and kept in the cache."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

VERSION: Final = "v1.7.12"
BIN: Final = Path(sys.executable).parent


def actionlint() -> Path:
    """The path of the tool.

    Raises:
        subprocess.CalledProcessError: the build failed.
    """
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(base) / "sandbox-pulumi" / "tools" / f"actionlint-{VERSION}"
    tool = folder / "actionlint"
    if not tool.exists():
        module = f"github.com/rhysd/actionlint/cmd/actionlint@{VERSION}"
        environment = {**os.environ, "GOBIN": str(folder), "PATH": f"{BIN}:{os.environ['PATH']}"}
        subprocess.run(["go", "install", module], env=environment, check=True)
    return tool

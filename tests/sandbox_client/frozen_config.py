"""The configuration that a stack published at the time of version 1. Never edit the file."""

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

from sandbox_client.config import SandboxConfig

FROZEN_FILE: Final = Path(__file__).parent / "frozen" / "sandbox_config.v1.json"


def frozen_values() -> dict[str, Any]:
    """The content of the file, a new copy for each caller."""
    return json.loads(FROZEN_FILE.read_text())


@cache
def frozen_config() -> SandboxConfig:
    """The file as a configuration."""
    return SandboxConfig.from_file(FROZEN_FILE)

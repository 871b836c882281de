"""The configuration that a stack published when version 1 was made. Never edit the file."""

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

from sandbox_client.config import SandboxConfig

FROZEN_FILE: Final = Path(__file__).parent / "frozen" / "sandbox_config.v1.json"


def frozen_values() -> dict[str, Any]:
    """The file's content, fresh for each caller."""
    return json.loads(FROZEN_FILE.read_text())


@cache
def frozen_config() -> SandboxConfig:
    """The file as a configuration."""
    return SandboxConfig.from_file(FROZEN_FILE)

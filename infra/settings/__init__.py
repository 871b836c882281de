"""The stack's config, parsed once into one frozen object.

`Pulumi.yaml` declares the same keys with the same defaults. Nothing else reads `pulumi.Config`.
"""

from infra.settings.model import NAMESPACE, Settings
from infra.settings.parsing import SettingsError, from_stack, parse

__all__ = ["NAMESPACE", "Settings", "SettingsError", "from_stack", "parse"]

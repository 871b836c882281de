"""The stack's settings: the config is parsed once into `Settings`; nothing else reads it."""

from infra.settings.model import NAMESPACE, Settings
from infra.settings.parsing import SettingsError, from_stack, parse

__all__ = ["NAMESPACE", "Settings", "SettingsError", "from_stack", "parse"]

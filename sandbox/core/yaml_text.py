"""Parse YAML."""

from typing import Any

import yaml


def parse(text: str | bytes) -> Any:  # noqa: ANN401 - YAML of any shape
    """The content of *text*.

    Raises:
        yaml.YAMLError: it is not YAML.
    """
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml is ten times as fast
    return yaml.load(text, loader)  # noqa: S506 - both loaders are safe

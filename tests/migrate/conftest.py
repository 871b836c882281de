"""The helpers beside the tests are imported by bare names; the longest tests run on demand."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    from town import wanted_everywhere  # noqa: PLC0415 - beside this file, on the path only now

    if wanted_everywhere():
        return
    longest = [one for one in items if getattr(getattr(one, "function", None), "thorough", False)]
    config.hook.pytest_deselected(items=longest)
    items[:] = [one for one in items if one not in longest]

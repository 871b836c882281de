"""The real engine and provider; each module has its own emulated account."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest

from local import engine
from tests.e2e.account import Client, client_of, emulated
from tests.e2e.engine_stack import EngineStack

FOLDER: Final = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == FOLDER:
            item.add_marker(pytest.mark.engine)


@pytest.fixture(scope="session")
def installed() -> engine.Engine:
    return engine.ensure()


@pytest.fixture(scope="module")
def environment(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Mapping[str, str]]:
    """Environment variables that lead to a fresh account and a fresh state."""
    with emulated(tmp_path_factory.mktemp("emulator")) as variables:
        yield variables


@pytest.fixture(scope="module")
def client(environment: Mapping[str, str]) -> Client:
    return client_of(environment)


@pytest.fixture(scope="module")
def sandbox(
    environment: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> EngineStack:
    return EngineStack(tmp_path_factory.mktemp("program"), environment)

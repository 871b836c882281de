"""Shared by all tests: the closing line of a proof, also under pytest-xdist."""

import gc
import signal
from collections.abc import Callable, Generator
from typing import Any, Protocol

import pytest

from local import aws_models
from tests.slices import EVERYTHING

LINES = pytest.StashKey[list[str]]()
Say = Callable[[str], None]


class Worker(Protocol):
    """A worker of pytest-xdist, from the view of its controller."""

    config: pytest.Config
    workeroutput: dict[str, Any]


def pytest_configure(config: pytest.Config) -> None:
    config.stash[LINES] = []
    aws_models.read_once()
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A background job of a shell ignores Ctrl-C, and so would commands that a test starts.
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def closing_line(request: pytest.FixtureRequest) -> Say:
    """Print the result of a proof below the summary."""
    return request.config.stash[LINES].append


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Imports keep what they make: to search it for garbage takes half of the collection."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


@pytest.hookimpl(wrapper=True)  # before pytest-xdist looks for groups, and after folders mark tests
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Generator[None, object, object]:
    """Keep the tests of a file in one worker: they share an account, and some build on others."""
    if not EVERYTHING:
        thorough = [item for item in items if item.get_closest_marker("thorough")]
        config.hook.pytest_deselected(items=thorough)
        items[:] = [item for item in items if item not in thorough]
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(str(item.path)))
    answer = yield
    # Long files start first, so that no worker runs alone at the end; before them those that wait.
    marked = {
        name: {item.path for item in items if item.get_closest_marker(name)}
        for name in ("machine", "builds", "engine", "proof")
    }
    items.sort(key=lambda item: [item.path not in paths for paths in marked.values()])
    return answer


def pytest_sessionfinish(session: pytest.Session) -> None:
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:  # a worker of pytest-xdist: its lines travel to the controller
        output["closing_lines"] = session.config.stash[LINES]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Worker, error: object) -> None:
    del error
    node.config.stash[LINES].extend(node.workeroutput.get("closing_lines", []))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    for line in config.stash[LINES]:
        terminalreporter.write_line(line)

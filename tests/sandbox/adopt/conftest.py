"""One emulator for all engine tests, and the result of the proof in one line."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local import emulator, engine
from local import stack as local_stack
from tests.sandbox.adopt.adoption_env import AdoptionEnv, build
from tests.sandbox.adopt.variants import make

TALLY = "adoption"
OpenEnv = Callable[[str, Path], AdoptionEnv]


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[emulator.Emulator]:
    folder = tmp_path_factory.mktemp("emulator")
    yield emulator.start(folder)
    emulator.stop(folder)


@pytest.fixture(scope="session")
def open_env(aws: emulator.Emulator) -> OpenEnv:
    """Reset the account, and create there a variant of the state; the stack is empty."""

    def create(variant: str, folder: Path) -> AdoptionEnv:
        variables = local_stack.environment(engine.ensure(), aws, folder / "backend")
        environment = build(folder, variables, make(variant))
        environment.pulumi("stack", "init")
        return environment

    return create


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Sum the results of the variants, also of those that failed, from every worker."""
    total = Counter[str]()
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for key, counts in getattr(report, "user_properties", []):
                if key == TALLY and report.when == "call":
                    total.update(counts)
    if total:
        terminalreporter.write_line(
            f"adoption: {total['variants'] + total['refused']} states: "
            f"{total['variants']} adopted, "
            f"{total['refused']} refused with a cure that was tried; {total['replaced']} resources "
            f"replaced, {total['deleted']} deleted, {total['changed ids']} changed ids, "
            f"{total['updated']} updated in place with a reason; {total['requests refused']} "
            f"requests worked before and are refused after, {total['unannounced']} of them "
            "unannounced"
        )

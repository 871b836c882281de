"""A second stack in an account changes nothing in the first, at `up` and at `destroy`."""

from pathlib import Path

from tests.e2e.account import Client, everything
from tests.e2e.engine_stack import EngineStack


def test_a_second_stack_is_refused_and_can_be_left(
    sandbox: EngineStack, client: Client, tmp_path: Path
) -> None:
    sandbox.configure()
    sandbox.up()
    first = everything(client)
    second = EngineStack(tmp_path, sandbox.environment, name="staging")
    second.configure(environment="staging", vpc_cidr="10.101.0.0/16")
    for command in (["preview"], ["up", "--yes", "--skip-preview"]):
        output = second.pulumi(*command, fails=True).output
        assert "exists already, by the environment production" in output
        assert "Traceback" not in output
        assert everything(client) == first
    second.destroy()
    assert everything(client) == first
    sandbox.pulumi("preview", "--refresh", "--expect-no-changes")

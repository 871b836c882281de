"""A stack's life in a second emulated AWS, which shares no code with the first."""

import json
from pathlib import Path
from typing import Any

import pytest

from local import engine, stack
from local.ministack import server
from local.ministack.differences import DIFFERENCES
from tests.conftest import Say
from tests.e2e.account import client_of, everything
from tests.e2e.engine_stack import EngineStack

pytestmark = pytest.mark.thorough

CHANGES: dict[str, Any] = {
    "environment": "staging",
    "allowed_ssh_cidrs": ["203.0.113.0/24", "2001:db8::/32"],
    "flow_log_retention_days": 30,
}
RESOURCES = {"flow log": "sandbox-flow-logs", "egress rule": "sandbox-all-outbound"}
"""The resource of each difference that a preview shows."""


def test_a_life_in_a_ministack_differs_only_as_the_table_says(
    tmp_path: Path, closing_line: Say
) -> None:
    folder = tmp_path / "program"
    folder.mkdir()
    with server.answering(tmp_path) as aws:
        environment = stack.environment(engine.ensure(), aws, tmp_path / "state")
        client = client_of(environment)
        before = everything(client)
        sandbox = EngineStack(folder, environment)
        sandbox.configure()
        changes = sandbox.up()
        assert set(changes) == {"create"}
        assert planned(sandbox) == expected()
        sandbox.configure(**CHANGES)
        sandbox.up()
        changed = client("ec2").describe_vpcs(VpcIds=[sandbox.outputs()["vpc_id"]])["Vpcs"]
        assert {"Key": "Environment", "Value": "staging"} in changed[0]["Tags"]
        assert planned(sandbox) == expected()
        sandbox.destroy()
        assert everything(client) == before
    closing_line(
        f"second emulated AWS: {changes['create']} resources up, previewed, changed and destroyed; "
        f"{len(DIFFERENCES)} differences, each of ministack"
    )


def planned(sandbox: EngineStack) -> dict[str, tuple[str, tuple[str, ...]]]:
    """The steps that a preview with refresh plans, by resource, and the properties that differ."""
    output = sandbox.pulumi("preview", "--json", "--refresh").output
    steps = json.loads(output[output.index("{") :])["steps"]
    return {
        step["urn"].rpartition("::")[2]: (step["op"], tuple(step["diffReasons"]))
        for step in steps
        if step["op"] not in {"same", "refresh"}
    }


def expected() -> dict[str, tuple[str, tuple[str, ...]]]:
    return {
        RESOURCES[difference.subject]: (difference.step, difference.properties)
        for difference in DIFFERENCES
        if difference.step
    }

"""An update that is killed, at several points, is mended and converges: nothing doubled or lost."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.e2e.account import Client, client_of, emulated, everything
from tests.e2e.sandbox import Sandbox

ONCE = {"users": 1, "roles": 2, "profiles": 1, "log groups": 2, "flow logs": 1, "endpoints": 1}


def vpc_stands(client: Client) -> bool:
    filters = [{"Name": "tag:Name", "Values": ["sandbox-vpc"]}]
    return bool(client("ec2").describe_vpcs(Filters=filters)["Vpcs"])


def user_stands(client: Client) -> bool:
    return bool(client("iam").list_users()["Users"])


def key_stands(client: Client) -> bool:
    return user_stands(client) and bool(
        client("iam").list_access_keys(UserName="sandbox-manager")["AccessKeyMetadata"]
    )


def flow_log_stands(client: Client) -> bool:
    return bool(client("ec2").describe_flow_logs()["FlowLogs"])


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Mapping[str, str]]:
    with emulated(tmp_path / "emulator") as variables:
        yield variables


@pytest.mark.parametrize("when", [vpc_stands, user_stands, key_stands, flow_log_stands])
def test_a_killed_update_is_mended_and_the_next_one_ends_it(
    fresh: Mapping[str, str], tmp_path: Path, when: Callable[[Client], bool]
) -> None:
    client = client_of(fresh)
    folder = tmp_path / "program"
    folder.mkdir()
    sandbox = Sandbox(folder, fresh)
    sandbox.configure()
    sandbox.killed_up(lambda: when(client))
    mended = subprocess.run(
        [sys.executable, "-m", "sandbox", "recover", "--stack", sandbox.name, "--yes"],
        cwd=folder,
        env=sandbox.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert mended.returncode == 0, mended.stderr
    sandbox.up()
    held = everything(client)
    assert {kind: len(held[kind]) for kind in ONCE} == ONCE
    keys = client("iam").list_access_keys(UserName="sandbox-manager")["AccessKeyMetadata"]
    assert [key["AccessKeyId"] for key in keys] == [
        sandbox.outputs(secrets=True)["sandbox_manager_access_key_id"]
    ]
    filters = [{"Name": "tag:Name", "Values": ["sandbox-vpc"]}]
    assert len(client("ec2").describe_vpcs(Filters=filters)["Vpcs"]) == 1
    sandbox.pulumi("preview", "--expect-no-changes")

"""launch_request and the manager's policy agree: IAM allows the request, and less is refused."""

from pathlib import Path
from typing import Any, cast

import pytest

from sandbox_client.config import SandboxConfig
from sandbox_client.launch import launch_request
from tests.sandbox_client.judge import Judge

CONFIG = SandboxConfig.from_file(Path(__file__).parent / "frozen" / "sandbox_config.v1.json")
JUDGE = Judge(CONFIG, "123456789012")


def request(**choices: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", launch_request(CONFIG, "alice", **choices))


@pytest.mark.parametrize(
    "choices",
    [
        {},
        {"instance_type": "g6.xlarge"},
        {"subnet_id": CONFIG.subnet_ids[1], "key_name": "alice", "volume_gib": 300},
    ],
)
def test_the_policy_accepts_what_the_helper_builds(choices: dict[str, Any]) -> None:
    assert JUDGE.refused(JUDGE.launch(request(**choices))) == []


@pytest.mark.parametrize(
    ("without", "refused"),
    [
        ("MetadataOptions", "instance/*"),
        ("IamInstanceProfile", "instance/*"),
        ("BlockDeviceMappings", "volume/*"),
        ("TagSpecifications", "instance/*"),
    ],
)
def test_the_policy_refuses_the_same_launch_without_one_of_its_parts(
    without: str, refused: str
) -> None:
    less = {key: value for key, value in request().items() if key != without}
    assert any(one.endswith(refused) for one in JUDGE.refused(JUDGE.launch(less)))


def test_the_volume_needs_tags_of_its_own() -> None:
    whole = request()
    whole["TagSpecifications"] = [
        one for one in whole["TagSpecifications"] if one["ResourceType"] != "volume"
    ]
    (refused,) = JUDGE.refused(JUDGE.launch(whole))
    assert refused.endswith("volume/*")

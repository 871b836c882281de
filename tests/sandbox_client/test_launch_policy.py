"""launch_request and the manager's policy agree: IAM allows the request, and nothing less."""

from typing import Any, cast

import pytest

from sandbox_client.launch import launch_request
from tests.sandbox_client.frozen_config import frozen_config
from tests.sandbox_client.manager_policy import ManagerPolicy


@pytest.fixture(scope="module")
def policy() -> ManagerPolicy:
    return ManagerPolicy(frozen_config(), "123456789012")


def request(**choices: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", launch_request(frozen_config(), "alice", **choices))


def test_the_policy_allows_the_request(policy: ManagerPolicy) -> None:
    second_subnet = frozen_config().subnet_ids[1]
    for choices in (
        {},
        {"instance_type": "g6.xlarge"},
        {"subnet_id": second_subnet, "key_name": "alice", "volume_gib": 300},
    ):
        assert policy.refused(policy.launch(request(**choices))) == [], choices


@pytest.mark.parametrize(
    ("part", "resource"),
    [
        ("MetadataOptions", "instance/*"),
        ("IamInstanceProfile", "instance/*"),
        ("BlockDeviceMappings", "volume/*"),
        ("TagSpecifications", "instance/*"),
    ],
)
def test_the_policy_refuses_the_request_without_one_of_its_parts(
    policy: ManagerPolicy, part: str, resource: str
) -> None:
    without_part = {key: value for key, value in request().items() if key != part}
    refused = policy.refused(policy.launch(without_part))
    assert any(permission.endswith(resource) for permission in refused)


def test_the_policy_refuses_a_volume_without_tags(policy: ManagerPolicy) -> None:
    launch = request()
    launch["TagSpecifications"] = [
        specification
        for specification in launch["TagSpecifications"]
        if specification["ResourceType"] != "volume"
    ]
    (refused,) = policy.refused(policy.launch(launch))
    assert refused.endswith("volume/*")

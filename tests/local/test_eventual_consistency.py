"""An account that shows new resources late and throttles calls, over HTTP."""

import shlex
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local import emulator, serve
from local.eventual_consistency import application
from local.eventual_consistency.application import EventuallyConsistentApplication
from local.eventual_consistency.seeded_random import SeededRandom
from local.eventual_consistency.visibility import LONGEST
from tests.docs import printed_commands

pytestmark = pytest.mark.proof

TRUST = '{"Version": "2012-10-17", "Statement": []}'


@dataclass
class EventualAccount:
    """The account, and the clock that makes its resources visible."""

    endpoint: str = ""
    now: float = 0.0

    def client(self, service: str, key_id: str = "local") -> Any:
        make: Any = boto3.client
        return make(
            service,
            region_name="us-east-1",
            endpoint_url=self.endpoint,
            aws_access_key_id=key_id,
            aws_secret_access_key="local",
            config=Config(retries={"total_max_attempts": 1}),
        )

    def wait(self) -> None:
        self.now += LONGEST


@pytest.fixture(scope="module")
def running() -> Iterator[EventualAccount]:
    account = EventualAccount()
    with serve.answering(
        lambda aws: EventuallyConsistentApplication(aws, 1, lambda: account.now)
    ) as emulator:
        account.endpoint = emulator.endpoint
        yield account


def test_the_command_of_the_docs_answers_later_than_it_could(tmp_path: Path) -> None:
    (command,) = printed_commands.scripts(
        "docs/local.md", "Delays, throttling and eventual consistency"
    )
    script = f"exec {command.replace('FOLDER', shlex.quote(str(tmp_path)))}"
    with subprocess.Popen(["bash", "-c", script], cwd=printed_commands.ROOT) as process:
        try:
            while (emulated := emulator.running(tmp_path)) is None:
                assert process.poll() is None
                time.sleep(0.05)
            sts = EventualAccount(emulated.endpoint).client("sts")
            before = time.monotonic()
            sts.get_caller_identity()
            assert time.monotonic() - before >= 0.08
        finally:
            process.terminate()


@pytest.fixture
def account(running: EventualAccount, monkeypatch: pytest.MonkeyPatch) -> EventualAccount:
    """An account without throttling, in which everything is visible."""
    monkeypatch.setattr(application, "LIMITED", 0)
    running.wait()
    return running


def error_of(call: Callable[..., Any], **parameters: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return caught.value.response["Error"]["Code"]


def test_a_vpc_is_unknown_and_unlisted_until_it_is_visible(account: EventualAccount) -> None:
    ec2 = account.client("ec2")
    before = ec2.describe_vpcs()["Vpcs"]
    vpc = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    not_found = "InvalidVpcID.NotFound"
    assert error_of(ec2.describe_vpcs, VpcIds=[vpc]) == not_found
    assert error_of(ec2.create_subnet, VpcId=vpc, CidrBlock="10.7.0.0/24") == not_found
    assert error_of(ec2.delete_vpc, VpcId=vpc) == not_found
    assert ec2.describe_vpcs()["Vpcs"] == before
    account.wait()
    listed = ec2.describe_vpcs()["Vpcs"]
    assert [item["VpcId"] for item in listed if item not in before] == [vpc]
    assert ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["CidrBlock"] == "10.7.0.0/16"
    ec2.delete_vpc(VpcId=vpc)


def test_an_identity_is_unknown_until_it_is_visible_but_its_name_is_taken(
    account: EventualAccount,
) -> None:
    iam, ec2 = account.client("iam"), account.client("ec2")
    role: dict[str, Any] = {"RoleName": "late", "AssumeRolePolicyDocument": TRUST}
    iam.create_role(**role)
    assert error_of(iam.get_role, RoleName="late") == "NoSuchEntity"
    assert iam.list_roles()["Roles"] == []
    assert error_of(iam.create_role, **role) == "EntityAlreadyExists"
    account.wait()
    assert [entry["RoleName"] for entry in iam.list_roles()["Roles"]] == ["late"]
    iam.create_instance_profile(InstanceProfileName="late")
    profile: dict[str, Any] = {"InstanceProfileName": "late", "RoleName": "late"}
    assert error_of(iam.add_role_to_instance_profile, **profile) == "NoSuchEntity"
    launch: dict[str, Any] = {"IamInstanceProfile": {"Name": "late"}, "MinCount": 1, "MaxCount": 1}
    assert error_of(ec2.run_instances, ImageId="ami-1", **launch) == "InvalidParameterValue"
    account.wait()
    iam.add_role_to_instance_profile(**profile)


def test_a_new_key_signs_nothing_until_it_is_visible(account: EventualAccount) -> None:
    iam = account.client("iam")
    iam.create_user(UserName="late")
    account.wait()
    key = iam.create_access_key(UserName="late")["AccessKey"]["AccessKeyId"]
    assert iam.list_access_keys(UserName="late")["AccessKeyMetadata"] == []
    assert error_of(account.client("sts", key).get_caller_identity) == "InvalidClientTokenId"
    assert error_of(account.client("ec2", key).describe_vpcs) == "AuthFailure"
    account.wait()
    assert account.client("sts", key).get_caller_identity()["Arn"].endswith(":user/late")


@pytest.mark.parametrize(
    ("service", "operation", "code"),
    [
        ("ec2", "describe_vpcs", "RequestLimitExceeded"),
        ("iam", "list_users", "Throttling"),
        ("logs", "describe_log_groups", "ThrottlingException"),
        ("s3", "list_buckets", "SlowDown"),
    ],
)
def test_a_limited_call_has_its_services_own_error(
    running: EventualAccount,
    monkeypatch: pytest.MonkeyPatch,
    service: str,
    operation: str,
    code: str,
) -> None:
    monkeypatch.setattr(application, "LIMITED", 1)
    assert error_of(getattr(running.client(service), operation)) == code


def test_a_seed_repeats_its_decisions_in_whatever_order_they_are_taken() -> None:
    first, same, other = SeededRandom(1), SeededRandom(1), SeededRandom(2)
    vpcs = [first.fraction("vpc") for _ in range(100)]
    mixed = [(same.fraction("user"), same.fraction("vpc")) for _ in range(100)]
    assert [vpc for _, vpc in mixed] == vpcs
    assert [other.fraction("vpc") for _ in range(100)] != vpcs
    assert all(0 <= fraction < 1 for fraction in vpcs)
    assert 1 <= sum(fraction < application.LIMITED for fraction in vpcs) <= 10

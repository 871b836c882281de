"""Repeated calls: to the middleware alone, and through the emulator."""

from collections.abc import Iterable
from typing import Any

import boto3
import pytest

from local import serve
from local.emulator import Emulator
from local.idempotent_wsgi import IdempotentApplication, whole_answer

CALL = {"HTTP_AMZ_SDK_INVOCATION_ID": "a"}


class Counting:
    """An application that counts its calls, and answers with each of *statuses* in turn."""

    def __init__(self, *statuses: str) -> None:
        self.statuses = statuses
        self.asked = 0

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        if self.statuses[self.asked] == "breaks":
            self.asked += 1
            raise RuntimeError(environ)
        start(self.statuses[self.asked], [("X-Asked", str(self.asked))])
        self.asked += 1
        return [f"{self.asked}".encode(), b"!"]


@pytest.mark.parametrize("status", ["200 OK", "409 Conflict"])
def test_a_repeated_call_is_carried_out_once(status: str) -> None:
    counting = Counting(status)
    repeats = IdempotentApplication(counting)
    first, second = whole_answer(repeats, CALL), whole_answer(repeats, CALL)
    assert first == second
    assert (first.status, first.headers, first.body) == (status, [("X-Asked", "0")], b"1!")


def test_another_call_is_another_call() -> None:
    repeats = IdempotentApplication(Counting("200 OK", "200 OK", "200 OK", "200 OK"))
    others = [CALL, {"HTTP_AMZ_SDK_INVOCATION_ID": "b"}, {}, {}]
    assert [whole_answer(repeats, environ).body for environ in others] == [
        b"1!",
        b"2!",
        b"3!",
        b"4!",
    ]


def test_a_call_that_failed_is_carried_out_again() -> None:
    repeats = IdempotentApplication(Counting("503 Slow Down", "breaks", "200 OK"))
    assert whole_answer(repeats, CALL).status == "503 Slow Down"
    with pytest.raises(RuntimeError):
        whole_answer(repeats, CALL)
    assert whole_answer(repeats, CALL).status == "200 OK"
    assert whole_answer(repeats, CALL).body == b"3!"


@pytest.fixture
def emulated() -> Any:
    with serve.answering() as running:
        yield running


@pytest.mark.proof
def test_a_vpc_whose_making_is_asked_for_twice_is_made_once(emulated: Emulator) -> None:
    ec2: Any = boto3.client(
        "ec2",
        region_name="us-east-1",
        endpoint_url=emulated.endpoint,
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    dropped = list[str]()

    def drop_the_first(attempts: int, **_: Any) -> int | None:
        dropped.append("an answer")
        return 0 if attempts == 1 else None

    ec2.meta.events.register_first("needs-retry.ec2.CreateVpc", drop_the_first)
    vpc_id = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    assert len(dropped) == 2
    filters = [{"Name": "cidr", "Values": ["10.9.0.0/16"]}]
    assert [vpc["VpcId"] for vpc in ec2.describe_vpcs(Filters=filters)["Vpcs"]] == [vpc_id]

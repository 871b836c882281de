"""The AWS clients of a command, and what every call of it shares."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from ami.limits import LimitReachedError, Limits, until

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.literals import ResourceTypeType
    from mypy_boto3_ec2.type_defs import FilterTypeDef, TagSpecificationTypeDef, TagTypeDef
    from mypy_boto3_pricing import PricingClient
    from mypy_boto3_service_quotas import ServiceQuotasClient
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_sts import STSClient

T = TypeVar("T")
AWS_ERRORS: Final = (BotoCoreError, ClientError)
PRICE_REGION: Final = "us-east-1"  # the price list is served there, for every region

RETRIES: Final = Config(
    retries={"mode": "adaptive", "total_max_attempts": 10}, connect_timeout=10, read_timeout=60
)

ESTIMATE: Final = Config(  # a price is only shown: not worth a long wait
    retries={"mode": "standard", "total_max_attempts": 2}, connect_timeout=5, read_timeout=15
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Aws:
    region: str
    ec2: EC2Client
    ssm: SSMClient
    sts: STSClient
    quotas: ServiceQuotasClient
    pricing: PricingClient


def connect(region: str, session: boto3.Session | None = None) -> Aws:
    session = session or boto3.Session(region_name=region)
    config = RETRIES
    return Aws(
        region=region,
        ec2=session.client("ec2", region_name=region, config=config),
        ssm=session.client("ssm", region_name=region, config=config),
        sts=session.client("sts", region_name=region, config=config),
        quotas=session.client("service-quotas", region_name=region, config=config),
        pricing=session.client("pricing", region_name=PRICE_REGION, config=ESTIMATE),
    )


def code(error: Exception) -> str:
    """What AWS calls the error; empty for one that never reached AWS."""
    if not isinstance(error, ClientError):
        return ""
    details = cast("Mapping[str, Any]", error.response.get("Error", {}))
    return str(details.get("Code", ""))


def reason(error: Exception) -> str:
    """One line for people."""
    return " ".join(str(error).split())


def eventually(call: Callable[[], T], *, unseen: Collection[str], limits: Limits) -> T:
    """Make *call*, again while AWS does not know yet what was just made."""
    failed: list[ClientError] = []

    def attempt() -> tuple[T] | None:
        try:
            return (call(),)
        except ClientError as error:
            if code(error) not in unseen:
                raise
            failed[:] = [error]
            return None

    with suppress(LimitReachedError):
        return until(attempt, limit=limits.visible, every=limits.poll, what="to be found")[0]
    raise failed[0]


def as_tags(tags: Mapping[str, str]) -> list[TagTypeDef]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def tagged(tags: Mapping[str, str], *resources: ResourceTypeType) -> list[TagSpecificationTypeDef]:
    return [{"ResourceType": one, "Tags": as_tags(tags)} for one in resources]


def where(**filters: str | Collection[str]) -> list[FilterTypeDef]:
    """`where(tag__BuildId="x", vpc_id=["y"])` as the filters that AWS wants."""
    return [
        {
            "Name": name.replace("__", ":").replace("_", "-"),
            "Values": [values] if isinstance(values, str) else list(values),
        }
        for name, values in filters.items()
    ]

"""Shared by all AWS calls of a build: errors, waiting for new resources, tags."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from ami.limits import LimitReachedError, Limits, until
from infra.aws_clients import error_code

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from mypy_boto3_ec2.literals import ResourceTypeType
    from mypy_boto3_ec2.type_defs import TagSpecificationTypeDef, TagTypeDef

T = TypeVar("T")
AWS_ERRORS: Final = (BotoCoreError, ClientError)
"""All errors of a call: no connection, no credentials, or an error of AWS."""


def eventually(call: Callable[[], T], *, retry_on: Collection[str], limits: Limits) -> T:
    """Run *call*; repeat it while AWS answers with an error code of *retry_on*.

    EC2 is eventually consistent: for some seconds a new resource may not be found.
    https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html

    Raises:
        ClientError: any other error at once, or the last one after `limits.visible` seconds.
    """
    last_error: list[ClientError] = []

    def attempt() -> tuple[T] | None:
        try:
            return (call(),)
        except ClientError as error:
            if error_code(error) not in retry_on:
                raise
            last_error[:] = [error]
            return None

    with suppress(LimitReachedError):
        return until(
            attempt, limit=limits.visible, interval=limits.poll_interval, goal="to be found"
        )[0]
    raise last_error[0]


def as_tags(tags: Mapping[str, str]) -> list[TagTypeDef]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def tags_of(tags: Iterable[TagTypeDef] | None) -> dict[str, str]:
    """The tags of a resource by key; EC2 leaves the list out where there are none."""
    return {tag.get("Key", ""): tag.get("Value", "") for tag in tags or ()}


def tag_specifications(
    tags: Mapping[str, str], *resource_types: ResourceTypeType
) -> list[TagSpecificationTypeDef]:
    """*tags* for each of *resource_types*, so that the call that creates them also tags them."""
    return [
        {"ResourceType": resource_type, "Tags": as_tags(tags)} for resource_type in resource_types
    ]

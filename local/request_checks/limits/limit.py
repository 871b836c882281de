"""A documented limit, and the table of all limits."""

import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from moto.ec2.models import ec2_backends
from moto.iam.models import get_account_id_from, iam_backends

from local.authorization.calls import Call
from local.request_checks.refused import Refused

Check = Callable[[Call], Iterator[str]]


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit that a call can break."""

    operations: tuple[str, ...]
    """For example `ec2:CreateVpc`; `ec2:*` is every operation of the service."""
    sentence: str
    code: str
    """AWS's error code."""
    status: int
    source: str
    """The page of AWS that documents it."""
    check: Check | None
    """Yields the error messages for a call; None if moto itself enforces the limit."""


LIMITS: Final[list[Limit]] = []
_BY_OPERATION: Final = defaultdict[str, list[Limit]](list)


def limit(*operations: str, code: str, source: str, status: int = 400) -> Callable[[Check], Check]:
    """Add the decorated function to the table."""

    def put(check: Check) -> Check:
        sentence = " ".join((check.__doc__ or "").split())
        add(Limit(operations, sentence, code, status, source, check))
        return check

    return put


def add(limit: Limit) -> None:
    LIMITS.append(limit)
    for operation in limit.operations:
        _BY_OPERATION[operation].append(limit)


def refusal(call: Call) -> Refused | None:
    """The refusal of a call that exceeds a documented limit; None if it exceeds none."""
    for operation in (f"{call.service}:{call.operation}", f"{call.service}:*"):
        for row in _BY_OPERATION.get(operation, ()):
            for message in row.check(call) if row.check else ():
                return Refused(row.code, message, row.status)
    return None


def account_of(call: Call) -> str:
    """The id of the caller's account in moto."""
    return os.environ.get("MOTO_ACCOUNT_ID") or get_account_id_from(call.signature.key_id)


def region_of(call: Call) -> Any:
    """The account's EC2 backend in moto, in the region of the call."""
    return ec2_backends[account_of(call)][call.region]


def iam_of(call: Call) -> Any:
    """The account's IAM backend in moto."""
    return iam_backends[account_of(call)][call.partition]

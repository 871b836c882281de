"""One documented limit, and the table of them all."""

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
    """AWS's code of the refusal."""
    status: int
    source: str
    """The page of AWS that says so."""
    check: Check | None
    """What is wrong with a call; None if moto itself refuses it."""


LIMITS: Final[list[Limit]] = []
_BY_OPERATION: Final = defaultdict[str, list[Limit]](list)


def limit(*operations: str, code: str, source: str, status: int = 400) -> Callable[[Check], Check]:
    """Put the decorated function into the table."""

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
    """Why AWS refuses the call by a documented limit."""
    for operation in (f"{call.service}:{call.operation}", f"{call.service}:*"):
        for row in _BY_OPERATION.get(operation, ()):
            for message in row.check(call) if row.check else ():
                return Refused(row.code, message, row.status)
    return None


def account_of(call: Call) -> str:
    """The account that the call is about, as moto finds it."""
    return os.environ.get("MOTO_ACCOUNT_ID") or get_account_id_from(call.signature.key_id)


def region_of(call: Call) -> Any:
    """What the account has in EC2 in the call's region."""
    return ec2_backends[account_of(call)][call.region]


def iam_of(call: Call) -> Any:
    """What the account has in IAM."""
    return iam_backends[account_of(call)][call.partition]

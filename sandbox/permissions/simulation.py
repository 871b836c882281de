"""Ask a real account what the table asks: iam:SimulatePrincipalPolicy, which changes nothing."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from sandbox.permissions.table import Check, Decision, Row, World

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_iam.type_defs import ContextEntryTypeDef

Verdict = Literal["holds", "broken", "not asked"]
TYPES: Final = {"ec2:RoleDelivery": "numeric", "ec2:Encrypted": "boolean"}
DECISIONS: Final[Mapping[str, Decision]] = {
    "allowed": "allowed",
    "implicitDeny": "denied",
    "explicitDeny": "forbidden",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a row came to in the account."""

    row: Row
    verdict: Verdict
    why: str = ""
    """What the account said instead, or why it was not asked."""


def simulate(
    iam: "IAMClient", rows: Iterable[Row], world: World, settings: Mapping[str, Any]
) -> Iterator[Answer]:
    """The answer to each row, in order; *settings* are the stack's own."""
    for row in rows:
        if why := unasked(row, world, settings):
            yield Answer(row=row, verdict="not asked", why=why)
        else:
            yield judge(row, [_simulated(iam, check) for check in row.checks(world)])


def judge(row: Row, decisions: Iterable[Decision]) -> Answer:
    """Allowed must be allowed; of a denial AWS need not say of which kind it is."""
    found = set(decisions)
    order: tuple[Decision, ...] = ("forbidden", "denied", "allowed")
    got = next(one for one in order if one in found)
    holds = (got == "allowed") == (row.decision == "allowed")
    return Answer(row=row, verdict="holds" if holds else "broken", why="" if holds else got)


def unasked(row: Row, world: World, settings: Mapping[str, Any]) -> str:
    """Why *row* cannot be put to this account's simulator, "" if it can."""
    if row.who in {"manager out of budget", "budget"}:
        return "holds for stacks with a budget that stops launches"
    other = [key for key, value in row.given.items() if settings.get(key) != value]
    if row.who.startswith("trust"):
        return "AWS simulates no trust policies"
    if other:
        return f"holds for stacks with another {', '.join(other)}"
    if ":role/" in world[f"principal:{row.who}"] and "resource_policy" in row.body:
        return "AWS simulates a resource's own policy for users only"
    return ""


def _simulated(iam: "IAMClient", check: Check) -> Decision:
    given: dict[str, Any] = {}
    if check.resource_policy:
        given = {
            "ResourcePolicy": json.dumps(check.resource_policy),
            "CallerArn": check.principal,
        }
    answer = iam.simulate_principal_policy(
        PolicySourceArn=check.principal,
        ActionNames=[check.action],
        ResourceArns=[check.resource],
        ContextEntries=[_entry(key, value) for key, value in check.context.items()],
        **given,
    )
    return DECISIONS[answer["EvaluationResults"][0]["EvalDecision"]]


def _entry(key: str, value: Any) -> "ContextEntryTypeDef":  # noqa: ANN401 - text or texts
    many = not isinstance(value, str)
    kind: Any = TYPES.get(key, "string") + ("List" if many else "")
    return {
        "ContextKeyName": key,
        "ContextKeyValues": list(value) if many else [value],
        "ContextKeyType": kind,
    }

"""Ask IAM's policy simulator in a real account; iam:SimulatePrincipalPolicy changes nothing."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from botocore.exceptions import ClientError, HTTPClientError

from infra.aws_clients import error_code
from infra.settings import Settings
from sandbox.core import policy_simulator
from sandbox.core.errors import SandboxError
from sandbox.core.policy_simulator import Decision
from sandbox.permissions.table import Check, Placeholders, Row

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

Verdict = Literal["holds", "broken", "not asked", "no answer"]
"""Not asked: the row does not apply to this stack. No answer: AWS answered with an error."""
NOT_PERMITTED: Final = {"AccessDenied", "AccessDeniedException"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RowAnswer:
    """The account's answer to one row."""

    row: Row
    verdict: Verdict
    why: str = ""
    """The account's decision if the row is broken, else the reason why there is no answer."""


def simulate(
    iam: "IAMClient", rows: Iterable[Row], placeholders: Placeholders, settings: Settings
) -> Iterator[RowAnswer]:
    """The simulator's answer to each row, in order.

    An error of AWS, such as a throttled call or a role that is missing, costs only its own row.

    Raises:
        SandboxError: the credentials may not use the simulator, so no row can be asked.
    """
    answered = False
    for row in rows:
        if why := reason_not_to_ask(row, placeholders, settings):
            yield RowAnswer(row=row, verdict="not asked", why=why)
            continue
        try:
            decisions: list[Decision | None] = [
                _simulated(iam, check) for check in row.checks(placeholders)
            ]
        except ClientError as error:
            code = error_code(error)
            if code in NOT_PERMITTED and not answered:
                raise SandboxError(
                    f"iam:SimulatePrincipalPolicy: {code}: these credentials may not use the "
                    "simulator; use an administrator's, not the manager's"
                ) from None
            yield RowAnswer(row=row, verdict="no answer", why=f"IAM answered {code}")
        except HTTPClientError as error:
            yield RowAnswer(row=row, verdict="no answer", why=str(error))
        else:
            answered = True
            known: list[Decision] = [decision for decision in decisions if decision is not None]
            if len(known) == len(decisions):
                yield judge(row, known)
            else:
                yield RowAnswer(row=row, verdict="no answer", why="IAM gave no decision")


def judge(row: Row, decisions: Iterable[Decision]) -> RowAnswer:
    """Compare with the row. AWS need not say of which kind a denial is, so both kinds count."""
    order: tuple[Decision, ...] = ("forbidden", "denied", "allowed")
    strictest = min(decisions, key=order.index)
    holds = (strictest == "allowed") == (row.decision == "allowed")
    return RowAnswer(
        row=row, verdict="holds" if holds else "broken", why="" if holds else strictest
    )


def reason_not_to_ask(row: Row, placeholders: Placeholders, settings: Settings) -> str:
    """Why the simulator of this stack's account cannot answer *row*; "" if it can."""
    values = settings.model_dump()
    others = [key for key, value in row.given.items() if values.get(key) != value]
    principal = placeholders.get(f"principal:{row.who}", "")
    reasons = {
        "the simulator does not read trust policies": row.who.startswith("trust"),
        "applies only while the spending stop is attached": row.who == "manager out of budget",
        "applies to stacks with a budget": row.who == "budget" and not settings.monthly_budget_usd,
        "applies to stacks whose manager is a user": (
            row.who == "budget" and settings.manager_identity != "user"
        ),
        "applies to stacks with flow logs": row.who == "flow logs" and not settings.flow_logs,
        f"applies to stacks with another {', '.join(others)}": bool(others),
        "the simulator reads resource policies for users only": (
            ":role/" in principal and "resource_policy" in row.body
        ),
    }
    return next((reason for reason, applies in reasons.items() if applies), "")


def _simulated(iam: "IAMClient", check: Check) -> Decision | None:
    """The simulator's decision; None where its answer has none."""
    resource_policy: dict[str, Any] = {}
    if check.resource_policy:
        resource_policy = {
            "ResourcePolicy": json.dumps(check.resource_policy),
            "CallerArn": check.principal,
        }
    answer = iam.simulate_principal_policy(
        PolicySourceArn=check.principal,
        ActionNames=[check.action],
        ResourceArns=[check.resource],
        ContextEntries=policy_simulator.entries(check.context),
        **resource_policy,
    )
    return policy_simulator.decision(answer)

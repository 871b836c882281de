"""What the sandboxes cost in a month, by user, from AWS Cost Explorer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from infra import cost_allocation, names
from infra.cost_allocation import ACTIVE, NOT_SEEN, UNKNOWN
from infra.names import PROJECT_TAG
from sandbox.core import output
from sandbox.core.errors import SandboxError, UsageError

if TYPE_CHECKING:
    from mypy_boto3_ce import CostExplorerClient
    from mypy_boto3_ce.type_defs import ResultByTimeTypeDef

METRIC: Final = "UnblendedCost"
UNTAGGED: Final = "(no tag)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """A month's costs in US dollars."""

    by_value: Mapping[str, Decimal]
    """By the tag's value, for example by user."""
    unsettled_days: Sequence[date]
    """The days whose costs AWS may still change."""
    unsettled: Mapping[str, Decimal]
    """The part of each cost that falls on those days, by the tag's value."""
    inactive_tags: Mapping[str, str]
    """The status of each cost allocation tag that is not active: Inactive or `UNKNOWN`."""
    tags_unreadable: str = ""
    """Why AWS did not say whether the tags are active, if it was asked."""


def period(month: str | None, *, today: date) -> tuple[date, date]:
    """The first day of *month* (like 2026-11; default: the current one) and the day after its last.

    The current month ends with today.

    Raises:
        UsageError: *month* is not valid, or it has not begun.
    """
    try:
        first_day = (
            today.replace(day=1) if month is None else datetime.strptime(month, "%Y-%m").date()  # noqa: DTZ007 - a month has no zone
        )
    except ValueError:
        raise UsageError(f"--month {month}: is not a valid month; use one like 2026-11") from None
    if first_day > today:
        raise UsageError(f"--month {month}: has not begun; the current month is {today:%Y-%m}")
    next_month = (first_day + timedelta(days=32)).replace(day=1)
    return first_day, min(next_month, today + timedelta(days=1))


def read(ce: "CostExplorerClient", tag: str, first_day: date, end: date) -> Costs:
    """The project's costs from *first_day* to the day before *end*, by the value of *tag*.

    Cost Explorer reports only what an active cost allocation tag marks. If no cost has a value of
    *tag*, this also asks whether the tags are active.

    Raises:
        SandboxError: AWS does not tell the costs.
    """
    days: list[ResultByTimeTypeDef] = []
    token = ""
    while True:
        try:
            answer = ce.get_cost_and_usage(
                TimePeriod={"Start": first_day.isoformat(), "End": end.isoformat()},
                Granularity="DAILY",
                Metrics=[METRIC],
                GroupBy=[{"Type": "TAG", "Key": tag}],
                Filter={"Tags": {"Key": PROJECT_TAG, "Values": [names.PROJECT]}},
                **({"NextPageToken": token} if token else {}),
            )
        except ClientError as error:
            reason = cost_allocation.known_refusal(error)
            if reason is None:
                raise
            raise SandboxError(f"costs of {first_day:%B %Y}: {reason}") from None
        days.extend(answer["ResultsByTime"])
        token = answer.get("NextPageToken", "")
        if not token:
            break
    costs = summed(days, tag)
    if costs.by_value.keys() - {UNTAGGED}:
        return costs
    try:
        return replace(costs, inactive_tags=_inactive_tags(ce, (tag, PROJECT_TAG)))
    except ClientError as error:
        return replace(costs, tags_unreadable=str(cost_allocation.refusal(error)))


def _inactive_tags(ce: "CostExplorerClient", tags: Sequence[str]) -> Mapping[str, str]:
    statuses = cost_allocation.statuses(ce, tags)
    return {tag: status for tag, status in statuses.items() if status != ACTIVE}


def summed(days: Sequence["ResultByTimeTypeDef"], tag: str) -> Costs:
    """Add up Cost Explorer's days. Their group keys read `user_id$alice`.

    Raises:
        SandboxError: a cost is not in US dollars.
    """
    total: dict[str, Decimal] = {}
    unsettled: dict[str, Decimal] = {}
    unsettled_days: set[date] = set()
    for day in days:
        if day.get("Estimated"):
            unsettled_days.add(date.fromisoformat(day.get("TimePeriod", {}).get("Start", "")))
        for group in day.get("Groups", []):
            (key,) = group.get("Keys", [])
            value = key.removeprefix(f"{tag}$") or UNTAGGED
            cost = group.get("Metrics", {}).get(METRIC, {})
            if cost.get("Unit") != "USD":
                raise SandboxError(
                    f"Cost Explorer: answers in {cost.get('Unit')}, which this command does not "
                    "add up; it needs USD"
                )
            amount = Decimal(cost.get("Amount", "0"))
            total[value] = total.get(value, Decimal()) + amount
            if day.get("Estimated"):
                unsettled[value] = unsettled.get(value, Decimal()) + amount
    return Costs(
        by_value=total,
        unsettled_days=sorted(unsettled_days),
        unsettled=unsettled,
        inactive_tags={},
    )


def rows(costs: Costs) -> list[tuple[str, str, str]]:
    """Each value of the tag, its cost and the unsettled part, the highest first; then the sum."""
    by_cost = sorted(costs.by_value.items(), key=lambda item: (-item[1], item[0]))
    lines = [
        (value, f"{cost:.2f}", f"{costs.unsettled.get(value, Decimal()):.2f}")
        for value, cost in by_cost
    ]
    total, unsettled = sum(costs.by_value.values()), sum(costs.unsettled.values())
    return [*lines, ("total", f"{total:.2f}", f"{unsettled:.2f}")]


def show(costs: Costs, tag: str, first_day: date) -> None:
    """Print the costs as a table, and the notes that a reader needs to trust it."""
    if costs.by_value:
        title = f"{names.PROJECT}, {first_day:%B %Y}, US dollars"
        output.table((tag, "cost", "unsettled"), rows(costs), title=title)
    for note in notes(costs, first_day):
        output.note(note)


def notes(costs: Costs, first_day: date) -> list[str]:
    """What the table does not show: missing costs and their reason, and unsettled days."""
    lines: list[str] = []
    if not costs.by_value:
        lines.append(f"Cost Explorer reports no cost of {names.PROJECT} in {first_day:%B %Y}")
    lines += [_inactive(tag, status) for tag, status in costs.inactive_tags.items()]
    if costs.tags_unreadable:
        lines.append(
            f"whether the cost allocation tags are active is unknown: {costs.tags_unreadable}"
        )
    if costs.unsettled_days:
        days = ", ".join(f"{day:%d}" for day in costs.unsettled_days)
        lines.append(f"AWS may still change the costs of day {days}")
    elif costs.by_value and not costs.inactive_tags:
        lines.append("every day is settled")
    return lines


def _inactive(tag: str, status: str) -> str:
    if status == UNKNOWN:
        return (
            f"cost allocation tag {tag}: {NOT_SEEN}; then set sandbox:cost_allocation_tags to auto "
            "and update the stack"
        )
    return (
        f"cost allocation tag {tag}: is not active; set sandbox:cost_allocation_tags to auto and "
        "update the stack; costs appear about a day later, and not for the time before"
    )


def as_json(costs: Costs, tag: str, first_day: date) -> dict[str, object]:
    """The costs for a program. Amounts are text, so that nothing is rounded."""
    return {
        "project": names.PROJECT,
        "month": f"{first_day:%Y-%m}",
        "tag": tag,
        "currency": "USD",
        "costs": {value: str(cost) for value, cost in costs.by_value.items()},
        "unsettled": {value: str(cost) for value, cost in costs.unsettled.items()},
        "unsettled_days": [day.isoformat() for day in costs.unsettled_days],
        "inactive_tags": dict(costs.inactive_tags),
        "tags_unreadable": costs.tags_unreadable,
    }


def today() -> date:
    """Today in UTC, as Cost Explorer counts days."""
    return datetime.now(UTC).date()

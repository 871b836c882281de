"""What the sandboxes cost, per user: the table that the service's spending check relies on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from rich.table import Table

from handover.errors import HandoverError
from infra import names

if TYPE_CHECKING:
    from mypy_boto3_ce import CostExplorerClient
    from mypy_boto3_ce.type_defs import ResultByTimeTypeDef

METRIC: Final = "UnblendedCost"
UNTAGGED: Final = "(no tag)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """A month's costs in US dollars by the tag's value, and the days that may still change."""

    by_value: Mapping[str, Decimal]
    unsettled: Sequence[date]
    of_unsettled: Mapping[str, Decimal]
    """What of each sum falls on those days."""


def month(text: str | None, *, today: date) -> tuple[date, date]:
    """The first day of a month written as 2026-11, and the day after its last known one.

    Raises:
        HandoverError: the text is no month, or one that has not begun.
    """
    try:
        first = (
            today.replace(day=1) if text is None else datetime.strptime(text, "%Y-%m").date()  # noqa: DTZ007 - a month has no zone
        )
    except ValueError:
        raise HandoverError(f"--month {text}: is no month; write one like 2026-11") from None
    if first > today:
        raise HandoverError(f"--month {text}: has not begun; the current one is {today:%Y-%m}")
    following = (first + timedelta(days=32)).replace(day=1)
    return first, min(following, today + timedelta(days=1))


def read(ce: "CostExplorerClient", tag: str, first: date, end: date) -> Costs:
    """The project's costs from *first* to the day before *end*, by the value of *tag*."""
    days: list[ResultByTimeTypeDef] = []
    token = ""
    while True:
        answer = ce.get_cost_and_usage(
            TimePeriod={"Start": first.isoformat(), "End": end.isoformat()},
            Granularity="DAILY",
            Metrics=[METRIC],
            GroupBy=[{"Type": "TAG", "Key": tag}],
            Filter={"Tags": {"Key": "Project", "Values": [names.PROJECT]}},
            **({"NextPageToken": token} if token else {}),  # pyright: ignore[reportArgumentType] - a text or absent
        )
        days.extend(answer["ResultsByTime"])
        token = answer.get("NextPageToken", "")
        if not token:
            return summed(days, tag)


def summed(days: Sequence["ResultByTimeTypeDef"], tag: str) -> Costs:
    """Add up Cost Explorer's days; its keys read ``user_id$alice``."""
    total: dict[str, Decimal] = {}
    unsettled: dict[str, Decimal] = {}
    open_days: set[date] = set()
    for day in days:
        if day.get("Estimated"):
            open_days.add(date.fromisoformat(day.get("TimePeriod", {}).get("Start", "")))
        for group in day.get("Groups", []):
            (key,) = group.get("Keys", [])
            value = key.removeprefix(f"{tag}$") or UNTAGGED
            cost = group.get("Metrics", {}).get(METRIC, {})
            if cost.get("Unit") != "USD":
                raise HandoverError(f"Cost Explorer answers in {cost.get('Unit')}, USD is expected")
            amount = Decimal(cost.get("Amount", "0"))
            total[value] = total.get(value, Decimal()) + amount
            if day.get("Estimated"):
                unsettled[value] = unsettled.get(value, Decimal()) + amount
    return Costs(by_value=total, unsettled=sorted(open_days), of_unsettled=unsettled)


def table(costs: Costs, tag: str, first: date) -> Table:
    """The costs, the highest first."""
    shown = Table(title=f"{names.PROJECT}, {first:%B %Y}, US dollars", caption=_caption(costs))
    shown.add_column(tag)
    shown.add_column("cost", justify="right")
    shown.add_column("of it unsettled", justify="right")
    for value, cost in sorted(costs.by_value.items(), key=lambda one: (-one[1], one[0])):
        shown.add_row(value, f"{cost:.2f}", f"{costs.of_unsettled.get(value, Decimal()):.2f}")
    shown.add_section()
    shown.add_row(
        "total",
        f"{sum(costs.by_value.values()):.2f}",
        f"{sum(costs.of_unsettled.values()):.2f}",
    )
    return shown


def today() -> date:
    return datetime.now(UTC).date()


def _caption(costs: Costs) -> str:
    if not costs.unsettled:
        return "every day is settled"
    days = ", ".join(f"{day:%d}" for day in costs.unsettled)
    return f"not settled yet, may still change: day {days}"

"""What the sandboxes cost, per user: the table that the service's spending check relies on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from infra import names
from sandbox.core import output
from sandbox.core.errors import SandboxError

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
        SandboxError: the text is no month, or one that has not begun.
    """
    try:
        first = (
            today.replace(day=1) if text is None else datetime.strptime(text, "%Y-%m").date()  # noqa: DTZ007 - a month has no zone
        )
    except ValueError:
        raise SandboxError(f"--month {text}: is no month; write one like 2026-11") from None
    if first > today:
        raise SandboxError(f"--month {text}: has not begun; the current one is {today:%Y-%m}")
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
                raise SandboxError(f"Cost Explorer answers in {cost.get('Unit')}, USD is expected")
            amount = Decimal(cost.get("Amount", "0"))
            total[value] = total.get(value, Decimal()) + amount
            if day.get("Estimated"):
                unsettled[value] = unsettled.get(value, Decimal()) + amount
    return Costs(by_value=total, unsettled=sorted(open_days), of_unsettled=unsettled)


def rows(costs: Costs) -> list[tuple[str, str, str]]:
    """The tag's value, its cost and what of it may still change; the highest first."""
    ordered = sorted(costs.by_value.items(), key=lambda item: (-item[1], item[0]))
    lines = [
        (value, f"{cost:.2f}", f"{costs.of_unsettled.get(value, Decimal()):.2f}")
        for value, cost in ordered
    ]
    total = sum(costs.by_value.values()), sum(costs.of_unsettled.values())
    return [*lines, ("total", f"{total[0]:.2f}", f"{total[1]:.2f}")]


def show(costs: Costs, tag: str, first: date) -> None:
    """Print the costs as a table, and the days that may still change."""
    title = f"{names.PROJECT}, {first:%B %Y}, US dollars"
    output.table((tag, "cost", "unsettled"), rows(costs), title=title)
    output.note(_caption(costs))


def as_json(costs: Costs, tag: str, first: date) -> dict[str, object]:
    """The costs for a program: dollars as text, so that no cent is rounded."""
    return {
        "project": names.PROJECT,
        "month": f"{first:%Y-%m}",
        "tag": tag,
        "currency": "USD",
        "costs": {value: str(cost) for value, cost in costs.by_value.items()},
        "unsettled": {value: str(cost) for value, cost in costs.of_unsettled.items()},
        "unsettled_days": [day.isoformat() for day in costs.unsettled],
    }


def today() -> date:
    return datetime.now(UTC).date()


def _caption(costs: Costs) -> str:
    if not costs.unsettled:
        return "every day is settled"
    days = ", ".join(f"{day:%d}" for day in costs.unsettled)
    return f"not settled yet, may still change: day {days}"

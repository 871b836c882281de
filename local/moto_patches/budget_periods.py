"""What AWS fills in for a budget: the start of its time, and a limit that adjusts itself.

moto 5.2.5 has the start of the month, and only if the request names no end either. It refuses a
budget whose limit follows from the past. The emulated account has no past, so that limit is zero.
https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_TimePeriod.html
https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_AutoAdjustData.html
"""

import time
from datetime import UTC, datetime
from typing import Any, Final

from moto.budgets.models import Budget

Json = dict[str, Any]
END: Final = 3706473600
"""June 15, 2087."""


def install() -> None:
    original = Budget.__init__

    def __init__(self: Budget, budget: Json, notifications: list[Json]) -> None:  # noqa: N807
        original(self, completed(budget), notifications)

    Budget.__init__ = __init__


def completed(budget: Json) -> Json:
    """*budget*, as a request names it, with what AWS fills in."""
    start = period_start(datetime.now(UTC), budget["TimeUnit"]).timestamp()
    named: Json = budget.get("TimePeriod") or {}
    answer = {**budget, "TimePeriod": {"Start": start, "End": END, **named}}
    if "AutoAdjustData" in budget:
        adjusted: Json = {**budget["AutoAdjustData"], "LastAutoAdjustTime": time.time()}
        history: Json = adjusted.get("HistoricalOptions") or {}
        adjusted["HistoricalOptions"] = history and {**history, "LookBackAvailablePeriods": 0}
        answer["AutoAdjustData"] = adjusted
        answer["BudgetLimit"] = {"Amount": "0", "Unit": "USD"}
    return answer


def period_start(moment: datetime, unit: str) -> datetime:
    """The start of the period of *unit* that *moment* is in."""
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    match unit:
        case "ANNUALLY":
            return day.replace(month=1, day=1)
        case "QUARTERLY":
            return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
        case "MONTHLY":
            return day.replace(day=1)
        case _:
            return day

"""What AWS fills in for a budget."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from moto import mock_aws

from local.moto_patches import budget_actions, budget_periods

ACCOUNT = "123456789012"
COMMON = {"BudgetName": "b", "BudgetType": "COST"}
LIMIT = {"BudgetLimit": {"Amount": "100", "Unit": "USD"}}


@pytest.fixture
def budgets() -> Iterator[Any]:
    for patch in (budget_actions, budget_periods):
        patch.install()
    with mock_aws():
        yield boto3.client("budgets", region_name="us-east-1")


def created(budgets: Any, **budget: Any) -> dict[str, Any]:
    budgets.create_budget(AccountId=ACCOUNT, Budget=COMMON | budget)
    return budgets.describe_budget(AccountId=ACCOUNT, BudgetName="b")["Budget"]


@pytest.mark.parametrize(
    ("unit", "start"),
    [
        ("DAILY", (2026, 8, 24)),
        ("MONTHLY", (2026, 8, 1)),
        ("QUARTERLY", (2026, 7, 1)),
        ("ANNUALLY", (2026, 1, 1)),
    ],
)
def test_a_period_starts_at_midnight(unit: str, start: tuple[int, int, int]) -> None:
    moment = datetime(2026, 8, 24, 13, 5, tzinfo=UTC)
    assert budget_periods.period_start(moment, unit) == datetime(*start, tzinfo=UTC)


def test_a_budget_without_a_start_begins_with_the_current_period(budgets: Any) -> None:
    end = datetime(2050, 1, 1, tzinfo=UTC)
    before = budget_periods.period_start(datetime.now(UTC), "ANNUALLY")
    answer = created(budgets, **LIMIT, TimeUnit="ANNUALLY", TimePeriod={"End": end})
    after = budget_periods.period_start(datetime.now(UTC), "ANNUALLY")
    assert answer["TimePeriod"]["Start"] in {before, after}
    assert answer["TimePeriod"]["End"] == end


def test_a_budget_that_adjusts_itself_needs_no_limit(budgets: Any) -> None:
    adjusted = {
        "AutoAdjustType": "HISTORICAL",
        "HistoricalOptions": {"BudgetAdjustmentPeriod": 2},
    }
    answer = created(budgets, TimeUnit="MONTHLY", AutoAdjustData=adjusted)
    assert answer["BudgetLimit"] == {"Amount": "0.0", "Unit": "USD"}
    assert answer["AutoAdjustData"]["HistoricalOptions"]["LookBackAvailablePeriods"] == 0
    adjusted = {"AutoAdjustType": "FORECAST"}
    budget = COMMON | {"TimeUnit": "MONTHLY", "AutoAdjustData": adjusted}
    budgets.update_budget(AccountId=ACCOUNT, NewBudget=budget)
    answer = budgets.describe_budget(AccountId=ACCOUNT, BudgetName="b")["Budget"]
    assert answer["AutoAdjustData"]["HistoricalOptions"] == {}  # the provider reads it


def test_of_planned_limits_the_one_of_today_counts(budgets: Any) -> None:
    planned = {"0": {"Amount": "10", "Unit": "USD"}, "4000000000": {"Amount": "20", "Unit": "USD"}}
    answer = created(budgets, TimeUnit="MONTHLY", PlannedBudgetLimits=planned)
    assert answer["BudgetLimit"] == {"Amount": "10.0", "Unit": "USD"}
    assert answer["PlannedBudgetLimits"]["4000000000"]["Amount"] == "20.0"

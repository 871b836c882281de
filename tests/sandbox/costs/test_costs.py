"""Costs per user, from answers in Cost Explorer's own shape."""

from datetime import date
from decimal import Decimal
from io import StringIO
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber
from rich.console import Console

from sandbox.core.errors import SandboxError
from sandbox.costs import report as costs

TODAY = date(2026, 11, 24)


def day(number: int, *, estimated: bool = False, **by_user: str) -> dict[str, Any]:
    return {
        "TimePeriod": {"Start": f"2026-11-{number:02}", "End": f"2026-11-{number + 1:02}"},
        "Total": {},
        "Groups": [
            {
                "Keys": [f"user_id${'' if user == 'nobody' else user}"],
                "Metrics": {"UnblendedCost": {"Amount": amount, "Unit": "USD"}},
            }
            for user, amount in by_user.items()
        ],
        "Estimated": estimated,
    }


PAGES = (
    {
        "ResultsByTime": [day(1, alice="10.123456789", bob="1"), day(2, alice="5")],
        "NextPageToken": "more",
    },
    {"ResultsByTime": [day(3, estimated=True, alice="2", nobody="0.5")]},
)


@pytest.fixture
def november() -> costs.Costs:
    """Two pages, asked for as the service would."""
    ce = boto3.client(
        "ce", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    asked = {
        "TimePeriod": {"Start": "2026-11-01", "End": "2026-11-25"},
        "Granularity": "DAILY",
        "Metrics": ["UnblendedCost"],
        "GroupBy": [{"Type": "TAG", "Key": "user_id"}],
        "Filter": {"Tags": {"Key": "Project", "Values": ["alignment-league"]}},
    }
    with Stubber(ce) as billing:
        billing.add_response("get_cost_and_usage", PAGES[0], asked)
        billing.add_response("get_cost_and_usage", PAGES[1], {**asked, "NextPageToken": ANY})
        read = costs.read(ce, "user_id", *costs.month(None, today=TODAY))
        billing.assert_no_pending_responses()
    return read


def test_every_page_and_day_is_added_up_without_rounding(november: costs.Costs) -> None:
    assert november.by_value == {
        "alice": Decimal("17.123456789"),
        "bob": Decimal(1),
        "(no tag)": Decimal("0.5"),
    }


def test_days_that_may_still_change_are_told_apart(november: costs.Costs) -> None:
    assert november.unsettled == [date(2026, 11, 3)]
    assert november.of_unsettled == {"alice": Decimal(2), "(no tag)": Decimal("0.5")}


def test_the_table_names_users_by_cost_and_the_open_days(november: costs.Costs) -> None:
    out = StringIO()
    Console(file=out, width=80).print(costs.table(november, "user_id", date(2026, 11, 1)))
    text = out.getvalue()
    assert "November 2026" in text
    assert text.index("alice") < text.index("bob") < text.index("(no tag)") < text.index("total")
    assert "17.12" in text
    assert "18.62" in text
    assert "not settled yet, may still change: day 03" in " ".join(text.split())


def test_another_currency_is_refused_and_not_added_up() -> None:
    euros = day(1, alice="1")
    euros["Groups"][0]["Metrics"]["UnblendedCost"]["Unit"] = "EUR"
    with pytest.raises(SandboxError, match="answers in EUR"):
        costs.summed([euros], "user_id")  # pyright: ignore[reportArgumentType] - a plain dict of its shape


@pytest.mark.parametrize(
    ("text", "period"),
    [
        (None, (date(2026, 11, 1), date(2026, 11, 25))),
        ("2026-11", (date(2026, 11, 1), date(2026, 11, 25))),
        ("2026-10", (date(2026, 10, 1), date(2026, 11, 1))),
        ("2024-02", (date(2024, 2, 1), date(2024, 3, 1))),
    ],
)
def test_a_month_ends_with_today_or_its_last_day(
    text: str | None, period: tuple[date, date]
) -> None:
    assert costs.month(text, today=TODAY) == period


@pytest.mark.parametrize(
    ("text", "message"), [("nov", "is no month"), ("2026-12", "has not begun")]
)
def test_what_is_no_month_yet_is_refused(text: str, message: str) -> None:
    with pytest.raises(SandboxError, match=message):
        costs.month(text, today=TODAY)

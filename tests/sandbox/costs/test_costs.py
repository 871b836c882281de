"""Costs by user, from answers in Cost Explorer's form."""

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber

from infra import cost_allocation
from sandbox.core.errors import SandboxError, UsageError
from sandbox.costs import report
from tests.cost_explorer_errors import NOT_ENABLED

TODAY = date(2026, 11, 24)
FIRST_DAY = date(2026, 11, 1)
REQUEST = {
    "TimePeriod": {"Start": "2026-11-01", "End": "2026-11-25"},
    "Granularity": "DAILY",
    "Metrics": ["UnblendedCost"],
    "GroupBy": [{"Type": "TAG", "Key": "user_id"}],
    "Filter": {"Tags": {"Key": "Project", "Values": ["alignment-league"]}},
}


def day(number: int, costs: dict[str, str], *, estimated: bool = False) -> Any:
    """One day of an answer; the user "" stands for resources without a tag."""
    return {
        "TimePeriod": {"Start": f"2026-11-{number:02}", "End": f"2026-11-{number + 1:02}"},
        "Total": {},
        "Groups": [
            {
                "Keys": [f"user_id${user}"],
                "Metrics": {"UnblendedCost": {"Amount": amount, "Unit": "USD"}},
            }
            for user, amount in costs.items()
        ],
        "Estimated": estimated,
    }


PAGES = (
    {
        "ResultsByTime": [day(1, {"alice": "10.123456789", "bob": "1"}), day(2, {"alice": "5"})],
        "NextPageToken": "more",
    },
    {"ResultsByTime": [day(3, {"alice": "2", "": "0.5"}, estimated=True)]},
)


@pytest.fixture
def billing() -> Iterator[tuple[Any, Stubber]]:
    """A client of Cost Explorer, and its answers."""
    ce = boto3.client(
        "ce", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    with Stubber(ce) as answers:
        yield ce, answers
        answers.assert_no_pending_responses()


def read(ce: Any) -> report.Costs:
    return report.read(ce, "user_id", *report.period(None, today=TODAY))


@pytest.fixture
def november(billing: tuple[Any, Stubber]) -> report.Costs:
    """A month in two pages."""
    ce, answers = billing
    answers.add_response("get_cost_and_usage", PAGES[0], REQUEST)
    answers.add_response("get_cost_and_usage", PAGES[1], {**REQUEST, "NextPageToken": ANY})
    return read(ce)


def test_every_page_and_day_is_added_up_without_rounding(november: report.Costs) -> None:
    assert november.by_value == {
        "alice": Decimal("17.123456789"),
        "bob": Decimal(1),
        report.UNTAGGED: Decimal("0.5"),
    }


def test_days_that_may_still_change_are_told_apart(november: report.Costs) -> None:
    assert november.unsettled_days == [date(2026, 11, 3)]
    assert november.unsettled == {"alice": Decimal(2), report.UNTAGGED: Decimal("0.5")}


def test_the_table_lists_users_by_cost_with_the_sum_and_the_unsettled_day(
    november: report.Costs, capsys: pytest.CaptureFixture[str]
) -> None:
    report.show(november, "user_id", FIRST_DAY)
    shown = capsys.readouterr()
    lines = [line.split() for line in shown.out.splitlines()]
    assert [line[0] for line in lines] == ["user_id", "alice", "bob", "(no", "total"]
    assert lines[1][1] == "17.12"
    assert lines[-1][1] == "18.62"
    assert "03" in shown.err


def test_json_keeps_every_digit(november: report.Costs) -> None:
    values = json.loads(json.dumps(report.as_json(november, "user_id", FIRST_DAY)))
    assert values["costs"]["alice"] == "17.123456789"
    assert values["unsettled_days"] == ["2026-11-03"]


def test_user_ids_with_brackets_are_shown_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    users = ("team[alice]", "team[bob]", "dave[/]", "[red]eve[/red]")
    costs = report.summed([day(1, dict.fromkeys(users, "1"))], "user_id")
    report.show(costs, "user_id", FIRST_DAY)
    shown = capsys.readouterr().out
    assert all(user in shown for user in users)


@pytest.mark.parametrize(
    ("answer", "inactive"),
    [
        ([], {"user_id": report.UNKNOWN, "Project": report.UNKNOWN}),
        ([("Project", "Active")], {"user_id": report.UNKNOWN}),
        ([("Project", "Active"), ("user_id", "Inactive")], {"user_id": "Inactive"}),
        ([("Project", "Active"), ("user_id", "Active")], {}),
    ],
)
@pytest.mark.parametrize("costs", [{}, {"": "7"}])
def test_missing_costs_are_explained_by_the_tags_that_are_not_active(
    billing: tuple[Any, Stubber],
    costs: dict[str, str],
    answer: list[tuple[str, str]],
    inactive: dict[str, str],
) -> None:
    ce, answers = billing
    tags = [{"TagKey": tag, "Type": "UserDefined", "Status": status} for tag, status in answer]
    answers.add_response("get_cost_and_usage", {"ResultsByTime": [day(1, costs)]}, REQUEST)
    answers.add_response("list_cost_allocation_tags", {"CostAllocationTags": tags})
    month = read(ce)
    assert month.inactive_tags == inactive
    notes = " ".join(report.notes(month, FIRST_DAY))
    assert all(f"cost allocation tag {tag}" in notes for tag in inactive)
    assert report.as_json(month, "user_id", FIRST_DAY)["inactive_tags"] == inactive


def test_without_the_right_to_read_the_tags_the_costs_are_still_shown(
    billing: tuple[Any, Stubber],
) -> None:
    ce, answers = billing
    answers.add_response("get_cost_and_usage", {"ResultsByTime": [day(1, {})]}, REQUEST)
    answers.add_client_error(
        "list_cost_allocation_tags", "AccessDeniedException", "Linked account doesn't", 400
    )
    month = read(ce)
    assert month.by_value == {}
    assert any(cost_allocation.LINKED.cure in note for note in report.notes(month, FIRST_DAY))


def test_nothing_is_called_settled_as_long_as_a_tag_is_not_active(
    billing: tuple[Any, Stubber],
) -> None:
    ce, answers = billing
    answers.add_response("get_cost_and_usage", {"ResultsByTime": [day(1, {"": "0"})]}, REQUEST)
    answers.add_response("list_cost_allocation_tags", {"CostAllocationTags": []})
    notes = " ".join(report.notes(read(ce), FIRST_DAY))
    assert "cost allocation tag Project" in notes
    assert "settled" not in notes


@pytest.mark.parametrize(
    ("code", "message", "cure"),
    [
        (
            "AccessDeniedException",
            NOT_ENABLED,
            cost_allocation.NOT_ENABLED.cure,
        ),
        ("AccessDeniedException", "not authorized to perform", cost_allocation.NO_RIGHT.cure),
        ("DataUnavailableException", "Data is not available", cost_allocation.NO_DATA.cure),
    ],
)
def test_costs_that_aws_does_not_tell_end_with_the_reason(
    billing: tuple[Any, Stubber], code: str, message: str, cure: str
) -> None:
    ce, answers = billing
    answers.add_client_error("get_cost_and_usage", code, message)
    with pytest.raises(SandboxError, match=f"November 2026: .*{cure}"):
        read(ce)


def test_an_error_that_is_none_of_cost_explorers_keeps_its_own_cure(
    billing: tuple[Any, Stubber],
) -> None:
    ce, answers = billing
    answers.add_client_error("get_cost_and_usage", "ExpiredTokenException", "expired")
    with pytest.raises(ClientError, match="expired"):
        read(ce)


def test_another_currency_is_refused_and_not_added_up() -> None:
    euros = day(1, {"alice": "1"})
    euros["Groups"][0]["Metrics"]["UnblendedCost"]["Unit"] = "EUR"
    with pytest.raises(SandboxError, match="EUR"):
        report.summed([euros], "user_id")


@pytest.mark.parametrize(
    ("month", "period"),
    [
        (None, (date(2026, 11, 1), date(2026, 11, 25))),
        ("2026-11", (date(2026, 11, 1), date(2026, 11, 25))),
        ("2026-10", (date(2026, 10, 1), date(2026, 11, 1))),
        ("2024-02", (date(2024, 2, 1), date(2024, 3, 1))),
    ],
)
def test_a_month_ends_with_today_or_its_last_day(
    month: str | None, period: tuple[date, date]
) -> None:
    assert report.period(month, today=TODAY) == period


@pytest.mark.parametrize("month", ["nov", "2026-12"])
def test_a_month_that_is_not_valid_or_has_not_begun_is_refused(month: str) -> None:
    with pytest.raises(UsageError, match=month):
        report.period(month, today=TODAY)

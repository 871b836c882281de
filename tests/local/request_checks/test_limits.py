"""Every row of the table of documented limits: a call within it, and a call that exceeds it."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.request_checks.limits import LIMITS, Limit
from tests.local.request_checks.examples import EXAMPLES, ExampleAccount

Client = Callable[[str], Any]


def name_of(row: Limit) -> str:
    """The name of the row's example."""
    if row.check is None:
        return f"{row.operations[0]} {row.code}"
    return row.check.__name__


def test_every_row_has_one_example() -> None:
    names = [name_of(row) for row in LIMITS]
    assert len(set(names)) == len(names)
    assert set(names) == set(EXAMPLES)


@pytest.mark.parametrize("row", LIMITS, ids=name_of)
def test_a_call_beyond_the_limit_is_refused_with_awss_own_code(client: Client, row: Limit) -> None:
    call = EXAMPLES[name_of(row)](ExampleAccount(client))
    with pytest.raises(ClientError) as refusal:
        call()
    answer = refusal.value.response
    assert answer["Error"]["Code"] == row.code, answer
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == row.status


@pytest.mark.parametrize("row", LIMITS, ids=name_of)
def test_every_row_names_awss_page(row: Limit) -> None:
    assert row.source.startswith("https://docs.aws.amazon.com/")
    assert row.sentence.endswith(".")

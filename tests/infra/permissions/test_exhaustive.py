"""Nothing is allowed that nobody has looked at: all of AWS's actions against a reviewed list."""

import pytest

from tests.infra.permissions.exhaustive import GOLDEN, allowed

pytestmark = pytest.mark.proof


def test_what_is_allowed_of_all_actions_of_aws_is_the_reviewed_list() -> None:
    assert list(allowed()) == GOLDEN.read_text().splitlines()

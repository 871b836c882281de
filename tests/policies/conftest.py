"""The pack's server keeps secrets marked, as it does when it serves."""

import pytest
from pulumi_policy import policy

from policies import secret_markers as marks


@pytest.fixture(autouse=True)
def secrets_stay_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "deserialize_properties", marks.deserialized)

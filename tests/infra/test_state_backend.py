"""The bucket of the state must not be one that sandboxes may read."""

import asyncio
import json
from pathlib import Path
from typing import Any, cast

import pulumi
import pytest

from infra import catalogue
from infra.preflight import state_backend
from infra.settings import Settings
from tests.infra.conftest import Run


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("s3://softmax-state", "s3_read_buckets"),
        ("s3://softmax-state/infra?region=us-east-1", "s3_read_buckets"),
        ("s3://results", "s3_output_bucket"),
    ],
)
def test_a_bucket_that_sandboxes_may_use_is_refused(url: str, key: str) -> None:
    settings = Settings(s3_output_bucket="results")
    with pytest.raises(pulumi.RunError, match=f"sandbox:{key} = "):
        state_backend.require(settings, {"PULUMI_BACKEND_URL": url})


@pytest.mark.parametrize(
    "url",
    [
        "s3://my-softmax-state",
        "file:///tmp/softmax-state",
        "https://api.pulumi.com",
        "gs://softmax-a",
    ],
)
def test_any_other_place_is_accepted(url: str) -> None:
    state_backend.require(Settings(), {"PULUMI_BACKEND_URL": url})


def test_a_bucket_is_accepted_where_the_settings_name_others() -> None:
    settings = Settings(s3_read_buckets=("softmax-data",))
    state_backend.require(settings, {"PULUMI_BACKEND_URL": "s3://softmax-state"})


def test_the_login_of_the_machine_counts_where_no_variable_is_set(tmp_path: Path) -> None:
    environment = {"PULUMI_HOME": str(tmp_path)}
    state_backend.require(Settings(), environment)
    (tmp_path / "credentials.json").write_text(json.dumps({"current": "s3://softmax-state"}))
    with pytest.raises(pulumi.RunError, match="softmax-state"):
        state_backend.require(Settings(), environment)
    (tmp_path / "credentials.json").write_text("not JSON")
    state_backend.require(Settings(), environment)


def test_only_a_change_is_refused_and_no_destroy(
    record: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://softmax-state")
    run = record()
    args = pulumi.ResourceHookArgs(urn="", id="", name="sandbox-vpc", type=catalogue.VPC.name)
    for hook in ("creation-check", "change-check"):
        with pytest.raises(pulumi.RunError, match="softmax-state"):
            asyncio.run(cast("Any", run.hooks[hook](args)))
    assert record.in_destroy([resource.urn for resource in run.resources]).resources

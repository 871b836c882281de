"""A preview names a changed key pair, image or instance type that the region lacks."""

from collections.abc import Iterator
from typing import Any

import pulumi
import pytest
from moto import mock_aws

from infra import standing
from infra.aws_clients import AwsClients
from infra.preflight import missing_in_region
from infra.settings import Settings

SETTINGS = Settings(key_name="researchers", sandbox_ami_id="ami-0123456789abcdef0")
ALL = tuple(missing_in_region.OUTPUTS)


@pytest.fixture
def aws(fake_credentials: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsClients]:
    del fake_credentials
    with mock_aws():
        clients = AwsClients("us-east-1")
        monkeypatch.setattr(
            clients.quotas, "get_service_quota", lambda **_: {"Quota": {"Value": 48.0}}
        )
        yield clients


def test_each_missing_thing_is_named_with_its_setting(aws: AwsClients) -> None:
    key_pair, image = missing_in_region.warnings(aws, SETTINGS, ALL)
    assert key_pair.startswith("sandbox:key_name = researchers: ")
    assert image.startswith("sandbox:sandbox_ami_id = ami-0123456789abcdef0: ")
    ec2: Any = aws.ec2
    ec2.create_key_pair(KeyName="researchers")
    existing = ec2.register_image(Name="sandbox", RootDeviceName="/dev/sda1")["ImageId"]
    assert list(missing_in_region.warnings(aws, Settings(key_name="researchers"), ALL)) == []
    assert list(missing_in_region.warnings(aws, Settings(sandbox_ami_id=existing), ALL)) == []


def test_a_type_that_does_not_exist_or_exceeds_the_quota_is_named(aws: AwsClients) -> None:
    [unknown] = missing_in_region.warnings(aws, Settings(default_instance_type="g5.13xlarge"), ALL)
    assert "g5.13xlarge" in unknown
    [too_large] = missing_in_region.warnings(
        aws, Settings(default_instance_type="g5.48xlarge"), ALL
    )
    assert "L-DB2E81BA allows 48" in too_large
    assert "192 vCPUs" in too_large


def test_a_preview_without_a_change_asks_aws_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: True)
    monkeypatch.setattr(missing_in_region, "AwsClients", asked.append)
    monkeypatch.setattr(missing_in_region, "warnings", lambda *_: [])
    config = {field: getattr(SETTINGS, name) for name, field in missing_in_region.OUTPUTS.items()}
    outputs = {"sandbox_config": config, "sandbox_manager_secret_access_key": "canary"}
    resources = standing.of_answer({"urn::root": {"type": standing.ROOT, "outputs": outputs}})
    assert "canary" not in str(resources)
    missing_in_region.warn_on_missing(SETTINGS, resources)
    assert asked == []
    missing_in_region.warn_on_missing(Settings(key_name="others"), resources)
    assert asked == ["us-east-1"]

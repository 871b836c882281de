"""The class, key and deletion protection of log groups, as in CloudWatch Logs."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from local.moto_patches import log_group_settings

KEY = "arn:aws:kms:us-east-1:123456789012:key/1"


@pytest.fixture
def logs() -> Iterator[Any]:
    log_group_settings.install()
    with mock_aws():
        yield boto3.client("logs", region_name="us-east-1")


def only(logs: Any) -> dict[str, Any]:
    (group,) = logs.describe_log_groups()["logGroups"]
    return group


def test_a_group_has_the_standard_class_unless_another_is_named(logs: Any) -> None:
    logs.create_log_group(logGroupName="a")
    assert only(logs)["logGroupClass"] == "STANDARD"
    logs.delete_log_group(logGroupName="a")
    logs.create_log_group(logGroupName="b", logGroupClass="INFREQUENT_ACCESS")
    assert only(logs)["logGroupClass"] == "INFREQUENT_ACCESS"
    assert "retentionInDays" not in only(logs)


def test_a_group_of_the_class_delivery_keeps_its_events_for_two_days(logs: Any) -> None:
    logs.create_log_group(logGroupName="a", logGroupClass="DELIVERY")
    assert only(logs)["retentionInDays"] == 2


def test_the_key_can_be_set_and_taken_away(logs: Any) -> None:
    logs.create_log_group(logGroupName="a")
    logs.associate_kms_key(resourceIdentifier=only(logs)["arn"], kmsKeyId=KEY)
    assert only(logs)["kmsKeyId"] == KEY
    logs.disassociate_kms_key(logGroupName="a")
    assert "kmsKeyId" not in only(logs)


def test_a_protected_group_cannot_be_deleted(logs: Any) -> None:
    logs.create_log_group(logGroupName="a", deletionProtectionEnabled=True)
    assert only(logs)["deletionProtectionEnabled"] is True
    with pytest.raises(logs.exceptions.ClientError, match="ValidationException"):
        logs.delete_log_group(logGroupName="a")
    logs.put_log_group_deletion_protection(logGroupIdentifier="a", deletionProtectionEnabled=False)
    logs.delete_log_group(logGroupName="a")
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.disassociate_kms_key(logGroupName="a")

"""Users as in IAM: renames, credentials for one service, AWS's own policies."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from local import emulator
from local.moto_patches import service_credentials, user_renames


@pytest.fixture
def iam() -> Iterator[Any]:
    for patch in (service_credentials, user_renames):
        patch.install()
    with mock_aws():
        yield boto3.client("iam", region_name="us-east-1")


def test_a_renamed_user_keeps_its_tags(iam: Any) -> None:
    tags = [{"Key": "a", "Value": "1"}]
    iam.create_user(UserName="old", Tags=tags)
    iam.update_user(UserName="old", NewUserName="new", NewPath="/team/")
    assert iam.list_user_tags(UserName="new")["Tags"] == tags
    iam.create_user(UserName="old")
    assert iam.list_user_tags(UserName="old")["Tags"] == []


def test_a_credential_for_one_service_can_be_deleted(iam: Any) -> None:
    iam.create_user(UserName="a")
    credential = iam.create_service_specific_credential(
        UserName="a", ServiceName="codecommit.amazonaws.com"
    )["ServiceSpecificCredential"]["ServiceSpecificCredentialId"]
    iam.delete_service_specific_credential(UserName="a", ServiceSpecificCredentialId=credential)
    assert iam.list_service_specific_credentials(UserName="a")["ServiceSpecificCredentials"] == []
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.delete_service_specific_credential(UserName="a", ServiceSpecificCredentialId=credential)


def test_the_account_has_awss_own_policies(tmp_path: Path) -> None:
    policy = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
    running = emulator.start(tmp_path)
    try:
        iam: Any = boto3.client(
            "iam",
            endpoint_url=running.endpoint,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )
        iam.create_user(UserName="a", PermissionsBoundary=policy)
        iam.attach_user_policy(UserName="a", PolicyArn=policy)
        (attached,) = iam.list_attached_user_policies(UserName="a")["AttachedPolicies"]
        assert attached["PolicyArn"] == policy
    finally:
        emulator.stop(tmp_path)

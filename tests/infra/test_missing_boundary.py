"""A boundary that the account lacks is refused before anything is created."""

import json

import pulumi
import pytest
from moto import mock_aws

from infra.aws_clients import AwsClients
from infra.preflight import missing_boundary
from infra.settings import Settings

ARN = "arn:aws:iam::123456789012:policy/organization"
DOCUMENT = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"},
}


def test_only_a_policy_of_the_account_can_be_the_boundary(fake_credentials: None) -> None:
    del fake_credentials
    with mock_aws():
        aws, bounded = AwsClients("us-east-1"), Settings(permissions_boundary=ARN)
        missing_boundary.require(aws, Settings())
        with pytest.raises(pulumi.RunError, match=f"permissions_boundary = {ARN}: the account has"):
            missing_boundary.require(aws, bounded)
        aws.iam.create_policy(PolicyName="organization", PolicyDocument=json.dumps(DOCUMENT))
        missing_boundary.require(aws, bounded)

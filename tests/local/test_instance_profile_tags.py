"""IAM lists a profile's tags, page by page."""

from typing import Any

import boto3
import pytest
from moto import mock_aws

from local.moto_patches import instance_profile_tags


def test_a_profiles_tags_are_listed_page_by_page() -> None:
    instance_profile_tags.install()
    tags = [{"Key": key, "Value": "x"} for key in "abc"]
    with mock_aws():
        iam: Any = boto3.client("iam", region_name="us-east-1")
        iam.create_instance_profile(InstanceProfileName="p", Tags=tags)
        whole = iam.list_instance_profile_tags(InstanceProfileName="p")
        assert (whole["Tags"], whole["IsTruncated"]) == (tags, False)
        first = iam.list_instance_profile_tags(InstanceProfileName="p", MaxItems=2)
        assert (first["Tags"], first["IsTruncated"]) == (tags[:2], True)
        rest = iam.list_instance_profile_tags(InstanceProfileName="p", Marker=first["Marker"])
        assert (rest["Tags"], rest["IsTruncated"]) == (tags[2:], False)
        with pytest.raises(iam.exceptions.NoSuchEntityException):
            iam.list_instance_profile_tags(InstanceProfileName="none")

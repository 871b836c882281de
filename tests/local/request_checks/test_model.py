"""Each kind of violation of AWS's models is refused, in each protocol, with the service's code."""

import json
from collections.abc import Callable, Mapping, Sequence
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

Client = Callable[[str], Any]
ROLE = "arn:aws:iam::123456789012:role/r"
INVALID = "InvalidParameterValue"

REFUSED: Sequence[tuple[str, str, Mapping[str, Any], str, str]] = (
    # a required member
    ("ec2", "run_instances", {"ImageId": "ami-1", "MinCount": 1}, "MissingParameter", "MaxCount"),
    ("iam", "create_user", {}, "ValidationError", "Value null at 'userName'"),
    ("logs", "create_log_group", {}, "InvalidParameterException", "logGroupName"),
    ("ce", "get_cost_and_usage", {}, "ValidationException", "timePeriod"),
    # an enumeration
    (
        "ec2",
        "run_instances",
        {"ImageId": "ami-1", "MinCount": 1, "MaxCount": 1, "InstanceType": "g5.2"},
        INVALID,
        "InstanceType",
    ),
    (
        "budgets",
        "create_budget",
        {
            "AccountId": "123456789012",
            "Budget": {"BudgetName": "b", "TimeUnit": "HOURLY", "BudgetType": "COST"},
        },
        "InvalidParameterException",
        "Value 'HOURLY' at 'budget.timeUnit'",
    ),
    ("s3", "create_bucket", {"Bucket": "b" * 8, "ACL": "mine"}, "InvalidArgument", "mine"),
    # a pattern
    ("iam", "create_user", {"UserName": "a b"}, "ValidationError", "'a b' at 'userName'"),
    ("iam", "create_user", {"UserName": "ä"}, "ValidationError", "'ä' at 'userName'"),
    ("sts", "assume_role", {"RoleArn": ROLE, "RoleSessionName": "a/b"}, "ValidationError", "a/b"),
    (
        "logs",
        "create_log_group",
        {"logGroupName": "g", "tags": {"owner": "a,b"}},
        "InvalidParameterException",
        "'a,b' at 'tags.owner'",
    ),
    # a length, from below and from above
    ("ssm", "get_parameter", {"Name": ""}, "ValidationException", "greater than or equal to 1"),
    ("iam", "create_user", {"UserName": "u" * 65}, "ValidationError", "less than or equal to 64"),
    # a value, from below and from above
    ("iam", "list_users", {"MaxItems": 0}, "ValidationError", "greater than or equal to 1"),
    ("iam", "list_users", {"MaxItems": 1001}, "ValidationError", "less than or equal to 1000"),
    # the size of a list and of a map
    (
        "ec2",
        "create_managed_prefix_list",
        {
            "PrefixListName": "p",
            "AddressFamily": "IPv4",
            "MaxEntries": 200,
            "Entries": [{"Cidr": f"10.0.{number}.0/24"} for number in range(101)],
        },
        INVALID,
        "length less than or equal to 100",
    ),
    ("iam", "tag_user", {"UserName": "u", "Tags": [{"Key": "k"}]}, "ValidationError", "tags.1"),
    (
        "logs",
        "create_log_group",
        {"logGroupName": "g", "tags": {}},
        "InvalidParameterException",
        "'tags'",
    ),
    # a text where the model has a number
    ("ec2", "describe_instances", {"MaxResults": "many"}, INVALID, "many"),
    ("iam", "list_users", {"MaxItems": "many"}, "MalformedInput", "many"),
    (
        "logs",
        "put_retention_policy",
        {"logGroupName": "g", "retentionInDays": "many"},
        "SerializationException",
        "many",
    ),
)


@pytest.mark.parametrize(("service", "operation", "parameters", "code", "words"), REFUSED)
def test_a_request_that_breaks_the_model_is_refused(  # noqa: PLR0913, PLR0917 - one column each
    client: Client,
    service: str,
    operation: str,
    parameters: Mapping[str, Any],
    code: str,
    words: str,
) -> None:
    with pytest.raises(ClientError) as refusal:
        getattr(client(service), operation)(**parameters)
    error = refusal.value.response["Error"]
    assert error["Code"] == code
    assert words in error["Message"]
    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_a_secret_is_not_in_the_refusal(client: Client) -> None:
    with pytest.raises(ClientError) as refusal:
        client("iam").create_login_profile(UserName="a b", Password="s3cret" * 30)
    assert "at 'password'" in str(refusal.value)
    assert "s3cret" not in str(refusal.value)


def sent(client: Client, body: str) -> tuple[int, str]:
    """The answer of EC2 to a form that no SDK would send."""
    url = urlsplit(client("ec2").meta.endpoint_url)
    connection = HTTPConnection(str(url.hostname), url.port)
    scope = "local/20261101/us-east-1/ec2/aws4_request"
    headers = {
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    connection.request("POST", "/", body, headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def test_a_parameter_that_the_model_does_not_have_is_refused_by_ec2(client: Client) -> None:
    form = "Action=DescribeVpcs&Version=2016-11-15&VpcId.1=vpc-1&Color=red"
    status, text = sent(client, form)
    assert (status, "<Code>UnknownParameter</Code>" in text, "Color" in text) == (400, True, True)
    assert "UnknownParameter" not in sent(client, form.replace("&Color=red", ""))[1]


def test_what_the_models_do_not_know_is_left_to_whoever_answers(client: Client) -> None:
    status, text = sent(client, "Action=MakeCoffee&Version=2016-11-15")
    assert status >= 400
    assert "MissingParameter" not in text


def test_a_request_within_the_model_is_carried_out(client: Client) -> None:
    iam = client("iam")
    iam.create_user(UserName="u" * 64, Tags=[{"Key": "k", "Value": ""}])
    assert json.dumps(iam.get_user(UserName="u" * 64), default=str).count("u" * 64) >= 2
    client("logs").create_log_group(logGroupName="g", tags={"owner": "a b+c@d"})


def test_a_user_whose_request_lacks_a_member_is_told_so(client: Client) -> None:
    iam = client("iam")
    iam.create_user(UserName="incomplete")
    iam.put_user_policy(
        UserName="incomplete",
        PolicyName="everything",
        PolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
            }
        ),
    )
    key = iam.create_access_key(UserName="incomplete")["AccessKey"]
    make: Any = boto3.client
    theirs = make(
        "iam",
        endpoint_url=iam.meta.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
        config=Config(parameter_validation=False),
    )
    with pytest.raises(ClientError) as refusal:
        theirs.add_role_to_instance_profile(InstanceProfileName="p")
    assert refusal.value.response["Error"]["Code"] == "ValidationError"

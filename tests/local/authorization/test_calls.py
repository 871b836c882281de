"""Whose calls the emulated AWS checks, by which policies, and the wording of its refusals."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local import serve

ACCOUNT = "123456789012"
USER = f"arn:aws:iam::{ACCOUNT}:user/u"
Client = Callable[..., Any]
Statement = Mapping[str, Any]
EVERYTHING: Statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """Clients of the emulated AWS, for the operator or with another key."""
    with serve.answering() as running:

        def make(service: str, key: Mapping[str, str] | None = None) -> Any:
            create: Any = boto3.client
            return create(
                service,
                endpoint_url=running.endpoint,
                region_name="us-east-1",
                aws_access_key_id=key["AccessKeyId"] if key else "local",
                aws_secret_access_key=key["SecretAccessKey"] if key else "local",
                aws_session_token=key.get("SessionToken") if key else None,
                config=Config(s3={"addressing_style": "path"}),
            )

        yield make


@pytest.fixture
def user(client: Client) -> Iterator[Mapping[str, str]]:
    """The key of a user without rights."""
    iam = client("iam")
    iam.create_user(UserName="u")
    yield iam.create_access_key(UserName="u")["AccessKey"]
    for key in iam.list_access_keys(UserName="u")["AccessKeyMetadata"]:
        iam.delete_access_key(UserName="u", AccessKeyId=key["AccessKeyId"])
    for name in iam.list_user_policies(UserName="u")["PolicyNames"]:
        iam.delete_user_policy(UserName="u", PolicyName=name)
    iam.delete_user(UserName="u")


def text(*statements: Statement) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def give(client: Client, *statements: Statement) -> None:
    client("iam").put_user_policy(UserName="u", PolicyName="p", PolicyDocument=text(*statements))


def error(call: Callable[..., Any], **parameters: Any) -> tuple[str, int, str]:
    """The code, the HTTP status and the message of the refusal."""
    with pytest.raises(ClientError) as refusal:
        call(**parameters)
    response = refusal.value.response
    return (
        response["Error"]["Code"],
        response["ResponseMetadata"]["HTTPStatusCode"],
        response["Error"]["Message"],
    )


def test_the_operator_is_not_judged_and_a_user_without_a_policy_may_only_ask_who_it_is(
    client: Client, user: Mapping[str, str]
) -> None:
    assert client("iam").list_users()["Users"]
    assert client("sts", user).get_caller_identity()["Arn"] == USER
    assert error(client("iam", user).list_users)[0] == "AccessDenied"


CALLS: Sequence[tuple[str, str, Mapping[str, Any], str, int]] = (
    ("ec2", "describe_instances", {}, "UnauthorizedOperation", 403),
    ("iam", "list_users", {}, "AccessDenied", 403),
    ("sts", "decode_authorization_message", {"EncodedMessage": "x"}, "AccessDenied", 403),
    ("s3", "list_objects_v2", {"Bucket": "data"}, "AccessDenied", 403),
    ("logs", "describe_log_groups", {}, "AccessDeniedException", 400),
    ("ecr", "get_authorization_token", {}, "AccessDeniedException", 400),
    ("ssm", "get_parameter", {"Name": "/x"}, "AccessDeniedException", 400),
    ("eks", "list_clusters", {}, "AccessDeniedException", 403),
    ("cloudwatch", "list_metrics", {}, "AccessDeniedException", 400),
    ("service-quotas", "list_services", {}, "AccessDeniedException", 400),
)


@pytest.mark.parametrize(("service", "operation", "parameters", "code", "status"), CALLS)
def test_each_protocol_has_its_refusal(  # noqa: PLR0913, PLR0917 - one column each
    client: Client,
    user: Mapping[str, str],
    service: str,
    operation: str,
    parameters: Mapping[str, Any],
    code: str,
    status: int,
) -> None:
    refusal = error(getattr(client(service, user), operation), **parameters)
    assert refusal[:2] == (code, status)
    assert USER in refusal[2]
    assert "no identity-based policy allows" in refusal[2]


@pytest.mark.parametrize(
    ("service", "operation", "code"),
    [
        ("ec2", "describe_vpcs", "AuthFailure"),
        ("iam", "list_users", "InvalidClientTokenId"),
        ("logs", "describe_log_groups", "UnrecognizedClientException"),
        ("s3", "list_buckets", "InvalidAccessKeyId"),
    ],
)
def test_a_key_that_is_inactive_or_deleted_is_refused(
    client: Client, user: Mapping[str, str], service: str, operation: str, code: str
) -> None:
    iam, named = client("iam"), {"UserName": "u", "AccessKeyId": user["AccessKeyId"]}
    give(client, EVERYTHING)
    call = getattr(client(service, user), operation)
    call()
    iam.update_access_key(**named, Status="Inactive")
    assert error(call)[0] == code
    iam.delete_access_key(**named)
    assert error(call)[0] == code


def test_a_policy_counts_from_the_moment_it_is_deployed(
    client: Client, user: Mapping[str, str]
) -> None:
    ec2 = client("ec2", user)
    give(client, {"Effect": "Allow", "Action": "ec2:DescribeVpcs", "Resource": "*"})
    assert ec2.describe_vpcs()["Vpcs"]
    give(client, EVERYTHING, {"Effect": "Deny", "Action": "ec2:Describe*", "Resource": "*"})
    assert "with an explicit deny in an identity-based policy" in error(ec2.describe_vpcs)[2]
    client("iam").delete_user_policy(UserName="u", PolicyName="p")
    assert "because no identity-based policy allows" in error(ec2.describe_vpcs)[2]


def test_a_boundary_is_named_where_it_refuses(client: Client, user: Mapping[str, str]) -> None:
    iam = client("iam")
    give(client, EVERYTHING)
    arn = iam.create_policy(
        PolicyName="ceiling",
        PolicyDocument=text({"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}),
    )["Policy"]["Arn"]
    iam.put_user_permissions_boundary(UserName="u", PermissionsBoundary=arn)
    assert client("ec2", user).describe_vpcs()
    assert "because no permissions boundary allows" in error(client("iam", user).list_users)[2]
    iam.delete_user_permissions_boundary(UserName="u")


def test_the_encoded_message_tells_what_was_asked(client: Client, user: Mapping[str, str]) -> None:
    forbid = {"Sid": "NoVpc", "Effect": "Deny", "Action": "ec2:CreateVpc", "Resource": "*"}
    give(client, EVERYTHING, forbid)
    message = error(client("ec2", user).create_vpc, CidrBlock="10.0.0.0/16")[2]
    encoded = message.rpartition(" ")[2]
    decoded = client("sts").decode_authorization_message(EncodedMessage=encoded)
    details = json.loads(decoded["DecodedMessage"])
    assert details["allowed"] is False
    assert details["explicitDeny"] is True
    [statement] = details["matchedStatements"]["items"]
    assert statement["statementId"] == "NoVpc"
    assert details["context"]["action"] == "ec2:CreateVpc"
    assert details["context"]["principal"]["arn"] == USER
    call = client("sts").decode_authorization_message
    assert error(call, EncodedMessage=f"{encoded}x")[0] == "InvalidAuthorizationMessageException"


def test_a_dry_run_changes_nothing(client: Client, user: Mapping[str, str]) -> None:
    give(client, EVERYTHING)
    ec2 = client("ec2", user)
    before = len(ec2.describe_vpcs()["Vpcs"])
    refusal = error(ec2.create_vpc, CidrBlock="10.0.0.0/16", DryRun=True)
    assert refusal[:2] == ("DryRunOperation", 412)
    assert len(ec2.describe_vpcs()["Vpcs"]) == before


@pytest.mark.parametrize(
    ("snapshot_encrypted", "disk", "allowed"),
    [
        (False, {}, False),
        (True, {}, True),
        (True, {"Encrypted": False}, True),
        (False, {"Encrypted": True}, True),
    ],
)
def test_a_volume_of_an_encrypted_snapshot_counts_as_encrypted(
    client: Client,
    user: Mapping[str, str],
    snapshot_encrypted: bool,  # noqa: FBT001 - a column
    disk: Mapping[str, Any],
    allowed: bool,  # noqa: FBT001 - a column
) -> None:
    ec2 = client("ec2")
    volume = ec2.create_volume(AvailabilityZone="us-east-1a", Size=1, Encrypted=snapshot_encrypted)[
        "VolumeId"
    ]
    snapshot = ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
    encrypted = {"Bool": {"ec2:Encrypted": "false"}}
    volumes = "arn:aws:ec2:*:*:volume/*"
    forbid = {"Effect": "Deny", "Action": "*", "Resource": volumes, "Condition": encrypted}
    give(client, EVERYTHING, forbid)
    code, _, _ = error(
        client("ec2", user).run_instances,
        MinCount=1,
        MaxCount=1,
        BlockDeviceMappings=[{"DeviceName": "/dev/sda1", "Ebs": {"SnapshotId": snapshot, **disk}}],
        DryRun=True,
    )
    assert code == ("DryRunOperation" if allowed else "UnauthorizedOperation")


LAUNCH: Mapping[str, tuple[str, Mapping[str, Any], Mapping[str, Any]]] = {
    "ec2:InstanceType": ("t3.micro", {"InstanceType": "t3.micro"}, {"InstanceType": "g5.xlarge"}),
    "ec2:Tenancy": ("default", {}, {"Placement": {"Tenancy": "dedicated"}}),
    "ec2:InstanceMarketType": ("on-demand", {}, {"InstanceMarketOptions": {"MarketType": "spot"}}),
    "ec2:MetadataHttpPutResponseHopLimit": (
        "1",
        {"MetadataOptions": {"HttpPutResponseHopLimit": 1}},
        {"MetadataOptions": {"HttpPutResponseHopLimit": 2}},
    ),
    "aws:RequestTag/a": (
        "b",
        {"TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "a", "Value": "b"}]}]},
        {"TagSpecifications": [{"ResourceType": "volume", "Tags": [{"Key": "a", "Value": "b"}]}]},
    ),
}
"""For each condition key of a new instance: a value, a launch with it, and a launch without it."""


@pytest.mark.parametrize("key", LAUNCH)
def test_ec2_fills_the_keys_of_a_launch_in(
    client: Client, user: Mapping[str, str], key: str
) -> None:
    value, fits, does_not = LAUNCH[key]
    condition = {"StringNotEquals": {key: value}}
    instances = "arn:aws:ec2:*:*:instance/*"
    forbid = {
        "Effect": "Deny",
        "Action": "ec2:RunInstances",
        "Resource": instances,
        "Condition": condition,
    }
    give(client, EVERYTHING, forbid)
    run: Any = {"MinCount": 1, "MaxCount": 1, "ImageId": "ami-1", "DryRun": True}
    call = client("ec2", user).run_instances
    assert error(call, **run, **fits)[0] == "DryRunOperation"
    code, _, message = error(call, **run, **does_not)
    assert code == "UnauthorizedOperation"
    assert ":instance/* " in message


def test_the_session_of_a_role_is_held_by_its_trust_and_by_the_policy_it_was_given(
    client: Client, user: Mapping[str, str]
) -> None:
    iam, sts = client("iam"), client("sts", user)
    give(client, EVERYTHING)

    def trusting(principal: str) -> str:
        named = {"AWS": principal}
        return text({"Effect": "Allow", "Principal": named, "Action": "sts:AssumeRole"})

    role = iam.create_role(
        RoleName="r", AssumeRolePolicyDocument=trusting(f"arn:aws:iam::{ACCOUNT}:user/other")
    )["Role"]["Arn"]
    iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=text(EVERYTHING))
    taken = {"RoleArn": role, "RoleSessionName": "session"}
    assert "no resource-based policy allows" in error(sts.assume_role, **taken)[2]
    for principal in (USER, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT):
        iam.update_assume_role_policy(RoleName="r", PolicyDocument=trusting(principal))
        key = sts.assume_role(**taken)["Credentials"]
        assert client("iam", key).list_users()["Users"]
    only_ec2 = text({"Effect": "Allow", "Action": "ec2:*", "Resource": "*"})
    narrow = sts.assume_role(**taken, Policy=only_ec2)["Credentials"]
    assert client("ec2", narrow).describe_vpcs()
    code, _, message = error(client("iam", narrow).list_users)
    assert code == "AccessDenied"
    assert f"arn:aws:sts::{ACCOUNT}:assumed-role/r/session" in message
    assert "no session policy allows" in message
    assert error(client("iam", {**key, "SessionToken": "x"}).list_users)[0] == (
        "InvalidClientTokenId"
    )


def test_the_session_of_a_deleted_role_is_refused(client: Client) -> None:
    iam = client("iam")
    trust = text({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"})
    role = iam.create_role(RoleName="gone", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    key = client("sts").assume_role(RoleArn=role, RoleSessionName="late")["Credentials"]
    assert client("sts", key).get_caller_identity()["Account"] == ACCOUNT
    iam.delete_role(RoleName="gone")
    assert error(client("sts", key).get_caller_identity)[0] == "InvalidClientTokenId"


def test_the_credentials_of_an_instance_name_its_address(client: Client) -> None:
    iam, ec2, logs = client("iam"), client("ec2"), client("logs")
    account = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    trust = text({"Effect": "Allow", "Principal": account, "Action": "sts:AssumeRole"})
    role = iam.create_role(RoleName="sandbox", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    image = ec2.register_image(Name="of an instance", RootDeviceName="/dev/sda1")["ImageId"]
    run = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1)
    [instance] = run["Instances"]
    streams = "log-group:/sandboxes/*:log-stream:${aws:Ec2InstanceSourcePrivateIPv4}/*"
    allowed = {
        "Effect": "Allow",
        "Action": "logs:PutLogEvents",
        "Resource": f"arn:aws:logs:us-east-1:{ACCOUNT}:{streams}",
        "Condition": {"StringEquals": {"aws:Ec2InstanceSourceVpc": instance["VpcId"]}},
    }
    iam.put_role_policy(RoleName="sandbox", PolicyName="p", PolicyDocument=text(allowed))
    group, address = "/sandboxes/instances", instance["PrivateIpAddress"]
    logs.create_log_group(logGroupName=group)
    key = client("sts").assume_role(RoleArn=role, RoleSessionName=instance["InstanceId"])
    sandbox = client("logs", key["Credentials"])
    line = {"logGroupName": group, "logEvents": [{"timestamp": 1_700_000_000_000, "message": "x"}]}
    for name, is_own in ((f"{address}/x", True), (f"{address}0/x", False), ("x", False)):
        logs.create_log_stream(logGroupName=group, logStreamName=name)
        if is_own:
            assert sandbox.put_log_events(**line, logStreamName=name)
        else:
            code = error(sandbox.put_log_events, **line, logStreamName=name)[0]
            assert code == "AccessDeniedException"


def test_a_policy_can_name_the_caller_by_a_variable(
    client: Client, user: Mapping[str, str]
) -> None:
    user_of_caller = f"arn:aws:iam::{ACCOUNT}:user/${{aws:username}}"
    give(client, {"Effect": "Allow", "Action": "iam:GetUser", "Resource": user_of_caller})
    iam = client("iam", user)
    assert iam.get_user(UserName="u")["User"]["Arn"] == USER
    assert iam.get_user()["User"]["Arn"] == USER
    assert error(iam.get_user, UserName="other")[0] == "AccessDenied"


def test_a_bucket_that_names_the_user_needs_no_other_policy(
    client: Client, user: Mapping[str, str]
) -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket="named")
    s3.put_object(Bucket="named", Key="a/b c", Body=b"x")
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": USER},
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::named/*",
    }
    s3.put_bucket_policy(Bucket="named", Policy=text(statement))
    theirs = client("s3", user)
    assert theirs.get_object(Bucket="named", Key="a/b c")["Body"].read() == b"x"
    assert error(theirs.list_objects_v2, Bucket="named")[0] == "AccessDenied"


@pytest.mark.parametrize(
    ("condition", "named"),
    [
        ({"DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}}, "DateLessThan"),
        ({"StringEquals": {"ec2:ProductCode": "x"}}, "ec2:ProductCode"),
    ],
)
def test_what_the_emulated_aws_does_not_know_is_refused_and_said(
    client: Client, user: Mapping[str, str], condition: Statement, named: str
) -> None:
    give(client, {**EVERYTHING, "Condition": condition})
    code, status, message = error(client("ec2", user).run_instances, MinCount=1, MaxCount=1)
    assert (code, status) == ("NotImplemented", 501)
    assert named in message


@pytest.mark.usefixtures("user")
def test_the_simulator_answers_with_the_same_evaluator(client: Client) -> None:
    give(
        client,
        {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"},
        {"Effect": "Deny", "Action": "ec2:CreateVpc", "Resource": "*"},
    )
    iam = client("iam")
    results = iam.simulate_principal_policy(
        PolicySourceArn=USER, ActionNames=["ec2:DescribeVpcs", "ec2:CreateVpc", "iam:ListUsers"]
    )["EvaluationResults"]
    assert [result["EvalDecision"] for result in results] == [
        "allowed",
        "explicitDeny",
        "implicitDeny",
    ]
    unknown = f"{USER}-unknown"
    call = iam.simulate_principal_policy
    assert error(call, PolicySourceArn=unknown, ActionNames=["ec2:CreateVpc"])[0] == "NoSuchEntity"


def test_the_simulator_judges_policies_that_nobody_has(client: Client) -> None:
    launch = {"Effect": "Allow", "Action": "ec2:RunInstances", "Resource": "*"}
    tagged = {"StringEquals": {"aws:RequestTag/Project": "a"}}
    image = {"Effect": "Allow", "Action": "*", "Resource": "arn:aws:ec2:*::image/${aws:username}"}

    def decision(*, boundary: Sequence[str] = (), project: str = "a", kind: str = "image/u") -> str:
        [result] = client("iam").simulate_custom_policy(
            PolicyInputList=[
                text({**launch, "Condition": tagged}),
                text(EVERYTHING, {**EVERYTHING, "Effect": "Deny", "Action": "ec2:CreateVpc"}),
            ],
            PermissionsBoundaryPolicyInputList=boundary,
            ActionNames=["ec2:RunInstances"],
            ResourceArns=[f"arn:aws:ec2:us-east-1::{kind}"],
            ContextEntries=[
                {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
                for key, value in (("aws:RequestTag/Project", project), ("aws:username", "u"))
            ],
        )["EvaluationResults"]
        return result["EvalDecision"]

    assert decision() == "allowed"
    assert decision(boundary=[text({**launch, "Condition": tagged})]) == "allowed"
    assert decision(boundary=[text({**launch, "Condition": tagged})], project="b") == "implicitDeny"
    assert decision(boundary=[text(image)]) == "allowed"
    assert decision(boundary=[text(image)], kind="image/v") == "implicitDeny"
    assert decision(boundary=[text({**launch, "Effect": "Deny"})]) == "explicitDeny"


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"PolicyInputList": ["{"]}, "InvalidInput", "Syntax errors in policy."),
        ({"PermissionsBoundaryPolicyInputList": ["{}"]}, "InvalidInput", "Syntax errors"),
        (
            {"PolicyInputList": [text({**EVERYTHING, "Principal": "*"})]},
            "InvalidInput",
            "should not specify a principal",
        ),
        ({"ResourceHandlingOption": "EC2-VPC-EBS"}, "ValidationError", "ResourceHandlingOption"),
    ],
)
def test_the_simulator_refuses_what_is_no_policy(
    client: Client, changes: Mapping[str, Any], code: str, words: str
) -> None:
    asked = {"PolicyInputList": [text(EVERYTHING)], "ActionNames": ["ec2:RunInstances"]}
    refused = error(client("iam").simulate_custom_policy, **{**asked, **changes})
    assert refused[0] == code
    assert words in refused[2]

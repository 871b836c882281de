"""Turn a row of the permissions' table into a real call over HTTP, with the identity's own key."""

import json
import re
from collections.abc import Iterable, Mapping
from copy import copy
from typing import Any, Final

from botocore.exceptions import ClientError, UnknownServiceError
from moto.iam.models import iam_backends
from moto.s3.models import s3_backends

from infra import names
from local.authorization.s3 import CONDITIONS
from sandbox.permissions.dry_runs import CannotAskError
from sandbox.permissions.table import ANY_RESOURCE, Check, Decision, Row
from tests.local.authorization import real_launches
from tests.local.authorization.stack_account import ACCOUNT, OTHER_ACCOUNT, StackAccount, pairs

REFUSALS: Final = {"UnauthorizedOperation", "AccessDenied", "AccessDeniedException"}
SERVICES: Final = {"servicequotas": "service-quotas", "states": "stepfunctions"}
"""The name of the client by the prefix of the actions, where the two differ."""
OPERATIONS: Final = {
    "s3:ListAllMyBuckets": "ListBuckets",
    "s3:ListBucket": "ListObjectsV2",
    "s3:ListBucketVersions": "ListObjectVersions",
    "s3:ListBucketMultipartUploads": "ListMultipartUploads",
    "s3:ListMultipartUploadParts": "ListParts",
    "s3:PutLifecycleConfiguration": "PutBucketLifecycleConfiguration",
    "s3:PutEncryptionConfiguration": "PutBucketEncryption",
    "s3:GetObjectVersion": "GetObject",
    "s3:DeleteObjectVersion": "DeleteObject",
    "budgets:ModifyBudget": "UpdateBudget",
    "budgets:ViewBudget": "DescribeBudget",
    "lambda:InvokeFunction": "Invoke",
}
"""The operation by the action, where the names differ."""
NAMED: Final = {
    "user": "UserName",
    "role": "RoleName",
    "group": "GroupName",
    "instance-profile": "InstanceProfileName",
}


def ask(row: Row, account: StackAccount) -> Decision:
    """The emulated AWS's decision on the row.

    Raises:
        CannotAskError: no request can express the row.
    """
    if row.who.startswith("trust"):
        raise CannotAskError(
            "services and pods assume roles, which no request of this account can do"
        )
    if row.is_launch:
        return _launch(row, account)
    [check] = row.checks(account.placeholders)
    _require_real_caller([check], account)
    return _plain(row, check, account)


OF_THE_CALLER: Final = {
    "aws:Ec2InstanceSourcePrivateIPv4",
    "aws:Ec2InstanceSourceVpc",
    "aws:SourceVpc",
    "aws:SourceVpce",
    "aws:TokenIssueTime",
    "aws:userid",
}
"""Keys that AWS fills in from the caller's credentials and network."""


def _require_real_caller(checks: Iterable[Check], account: StackAccount) -> None:
    """Refuse rows about credentials and networks that the callers here lack."""
    for check in checks:
        if keys := OF_THE_CALLER & check.context.keys():
            raise CannotAskError(f"a call here has no such {', '.join(sorted(keys))}")
        tag = f"aws:PrincipalTag/{names.IMAGE_TAG}"
        expected = account.placeholders["ami_id"] if check.action.startswith("ec2:") else None
        if expected and check.context.get(tag, expected) != expected:
            raise CannotAskError("the user has another tag")


def _launch(row: Row, account: StackAccount) -> Decision:
    _require_real_caller(row.checks(account.placeholders), account)
    region = row.checks(account.placeholders)[0].context["aws:RequestedRegion"]
    request = real_launches.request_of(row, account)
    return answer(account.client("ec2", row.who, str(region)).run_instances, request)


def _plain(row: Row, check: Check, account: StackAccount) -> Decision:
    context = dict(check.context)
    region = context.get("aws:RequestedRegion")
    if region is None or (check.action.startswith("ec2:") and "ec2:Region" not in context):
        raise CannotAskError("AWS sets the region of every call")
    if check.context.get("ec2:RoleDelivery") == "1.0" or (
        row.who == "instance" and "ec2:RoleDelivery" not in context
    ):
        raise CannotAskError("the session of an instance has its credentials by IMDSv2")
    if "kms:ViaService" in context:
        raise CannotAskError("only a service of AWS calls KMS on behalf of others")
    if check.action == "iam:PassRole":
        return _pass_role(row, check, account)
    if OTHER_ACCOUNT in check.resource.split(":") and not check.action.startswith("s3:"):
        raise CannotAskError("a request names no account")
    home = (check.resource.split(":") + [""] * 4)[3]
    if home not in {"", "*", region} and row.decision != "forbidden":
        raise CannotAskError("a request names resources of its own region")
    service, _, action = check.action.partition(":")
    try:
        client = account.client(SERVICES.get(service, service), row.who, str(region))
    except UnknownServiceError as error:
        raise CannotAskError(f"{service} is not an API") from error
    operation = OPERATIONS.get(check.action, action)
    if operation not in client.meta.service_model.operation_names:
        raise CannotAskError(f"{check.action} is not an operation")
    parameters = _parameters(client, operation, check, account)
    return answer(lambda **given: client._make_api_call(operation, given), parameters)  # noqa: SLF001 - by its name


def answer(call: Any, parameters: Mapping[str, Any]) -> Decision:
    """Carry the call out, and return the decision."""
    try:
        call(**parameters)
    except ClientError as error:
        code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
        if code == "NotImplemented" and "cannot judge" in message:
            raise
        if code in REFUSALS:
            return "forbidden" if "explicit deny" in message else "denied"
    return "allowed"


def _parameters(client: Any, operation: str, check: Check, account: StackAccount) -> dict[str, Any]:
    model = client.meta.service_model.operation_model(operation)
    shape = model.input_shape
    parameters: dict[str, Any] = _required(shape) if shape else {}
    members = shape.members if shape else {}
    if "DryRun" in members:
        parameters["DryRun"] = True
    match check.action.partition(":")[0]:
        case "ec2":
            _name_ec2(parameters, members, check, account)
        case "iam" | "sts":
            _name_identity(parameters, members, check, account)
        case "s3":
            _name_bucket(parameters, members, check)
        case "kms":
            _name_key(parameters, members, check, account)
        case _:
            _name_by_arn(parameters, members, check)
    return parameters


def _required(shape: Any) -> dict[str, Any]:
    return {name: _dummy(shape.members[name]) for name in shape.required_members}


def _dummy(shape: Any) -> Any:
    """A value that is valid by the service's model."""
    smallest = max(1, shape.metadata.get("min", 1))
    values = {
        "integer": smallest,
        "long": smallest,
        "double": 1.0,
        "float": 1.0,
        "boolean": False,
        "timestamp": "2026-01-01T00:00:00Z",
        "blob": b"x",
        "map": {},
    }
    if shape.type_name == "structure":
        return _required(shape)
    if shape.type_name == "list":
        return [_dummy(shape.member)]
    if shape.type_name == "string":
        return shape.enum[0] if shape.enum else "x" * smallest
    return values[shape.type_name]


def _tags(check: Check, prefix: str) -> dict[str, str]:
    return {
        key.removeprefix(prefix): str(value)
        for key, value in check.context.items()
        if key.startswith(prefix)
    }


EC2_MEMBERS: Final = {
    "instance": ("InstanceIds", "InstanceId", "Resources"),
    "image": ("ImageId", "Resources"),
    "volume": ("VolumeId", "Resources"),
    "subnet": ("SubnetId", "Resources"),
    "capacity-reservation": ("CapacityReservationId", "Resources"),
    "network-interface": ("NetworkInterfaceId", "Resources"),
}
"""By type of resource, the parameters that may name it."""


def _name_ec2(
    parameters: dict[str, Any], members: Any, check: Check, account: StackAccount
) -> None:
    if check.context.get("ec2:CreateAction"):
        raise CannotAskError("EC2 sets the call that creates a tag")
    if check.action == "ec2:RunInstances":
        raise CannotAskError("is a part of a launch")
    tags = {
        **dict.fromkeys(check.context.get("aws:TagKeys", []), "x"),
        **_tags(check, "aws:RequestTag/"),
    }
    if tags and "Tags" in members:
        parameters["Tags"] = pairs(tags)
    if check.action == "ec2:CreateVolume":
        _new_volume(parameters, check)
    elif check.resource != ANY_RESOURCE:
        kind, identity = _created(check, account)
        member = next((name for name in EC2_MEMBERS.get(kind, ()) if name in members), None)
        if member is None:
            raise CannotAskError(f"{check.action} is not asked about a {kind} here")
        parameters[member] = [identity] if members[member].type_name == "list" else identity


def _created(check: Check, account: StackAccount) -> tuple[str, str]:
    """Create the resource with its tags and profile; return its type and id."""
    kind, _, identity = check.resource.split(":", 5)[5].partition("/")
    if kind == "instance":
        return kind, _instance(check, account, str(check.context["aws:RequestedRegion"]))
    if kind == "volume":
        region = str(check.context["aws:RequestedRegion"])
        return kind, account.volume(_tags(check, "aws:ResourceTag/"), region)
    if any(key.startswith("aws:ResourceTag/") for key in check.context):
        owner = str(check.context.get("ec2:Owner", ACCOUNT))
        return kind, account.image(_tags(check, "aws:ResourceTag/"), owner, identity)
    return kind, identity


def _new_volume(parameters: dict[str, Any], check: Check) -> None:
    parameters["Encrypted"] = check.context.get("ec2:Encrypted") == "true"
    parameters["Size"] = 1
    tags = pairs(_tags(check, "aws:RequestTag/"))
    parameters["TagSpecifications"] = [{"ResourceType": "volume", "Tags": tags}]


def _instance(check: Check, account: StackAccount, region: str) -> str:
    profile = check.context.get("ec2:InstanceProfile")
    if profile and str(profile).split(":")[4] != ACCOUNT:
        raise CannotAskError("no instance has another account's profile")
    tags = _tags(check, "aws:ResourceTag/")
    return account.instance(tags, str(profile).rpartition("/")[2] if profile else None, region)


def _name_identity(
    parameters: dict[str, Any], members: Any, check: Check, account: StackAccount
) -> None:
    for name, key in (
        ("PolicyArn", "iam:PolicyARN"),
        ("PermissionsBoundary", "iam:PermissionsBoundary"),
    ):
        if name in members and key in check.context:
            parameters[name] = check.context[key]
    if check.resource == ANY_RESOURCE:
        return
    kind, _, path = check.resource.rpartition(":")[2].partition("/")
    name = path.rpartition("/")[2]
    if check.action == "sts:AssumeRole":
        _role_that_trusts(check, account)
        parameters.update(RoleArn=check.resource, RoleSessionName="session")
    elif kind == "policy":
        parameters["PolicyArn"] = check.resource
    elif NAMED[kind] in members:
        parameters[NAMED[kind]] = name
        exists = _exists(account, kind, name)
        if not exists and kind == "user":
            account.client("iam").create_user(UserName=name, Path=f"/{path.removesuffix(name)}")
    else:
        raise CannotAskError(f"{check.action} names no {kind}")


def _exists(account: StackAccount, kind: str, name: str) -> bool:
    iam = account.client("iam")
    if kind != "user":
        return True
    return name in {user["UserName"] for user in iam.list_users()["Users"]}


def _role_that_trusts(check: Check, account: StackAccount) -> None:
    """Create the role, with the row's resource policy as its trust policy."""
    if check.resource_policy is None:
        return
    iam, name = account.client("iam"), check.resource.rpartition("/")[2]
    statements = [
        {**{k: v for k, v in statement.items() if k != "Resource"}, "Action": "sts:AssumeRole"}
        for statement in check.resource_policy["Statement"]
    ]
    trust = json.dumps({"Version": "2012-10-17", "Statement": statements})
    if name not in {role["RoleName"] for role in iam.list_roles()["Roles"]}:
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)


def _name_bucket(parameters: dict[str, Any], members: Any, check: Check) -> None:
    if check.resource == ANY_RESOURCE:
        return
    bucket, _, key = check.resource.rpartition(":")[2].partition("/")
    if "s3:ResourceAccount" not in check.context:
        raise CannotAskError("S3 sets the owner of a bucket")
    owner = str(check.context["s3:ResourceAccount"])
    _bucket(bucket, owner, check)
    parameters["Bucket"] = bucket
    if key:
        if "Key" not in members:
            raise CannotAskError(f"{check.action} names no object")
        parameters["Key"] = key
    for name, condition in CONDITIONS.items():
        if (value := check.context.get(f"s3:{condition}")) is not None and name in members:
            parameters[name] = value
    if check.action.endswith("Version"):
        parameters["VersionId"] = "1"


def _bucket(name: str, owner: str, check: Check) -> None:
    """The bucket with this owner; create it if it is missing."""
    s3_backends.bucket_accounts.pop(name, None)
    for number in (ACCOUNT, OTHER_ACCOUNT):
        backend: Any = s3_backends[number]["aws"]
        backend.buckets.pop(name, None)
    bucket: Any = s3_backends[owner]["aws"].create_bucket(name, "us-east-1")
    if check.resource_policy:
        bucket.policy = json.dumps(check.resource_policy).encode()


def _name_key(
    parameters: dict[str, Any], members: Any, check: Check, account: StackAccount
) -> None:
    if check.resource == ANY_RESOURCE:
        return
    region = str(check.context["aws:RequestedRegion"])
    more = {"Policy": json.dumps(check.resource_policy)} if check.resource_policy else {}
    key = account.client("kms", region=region).create_key(**more)["KeyMetadata"]["KeyId"]
    member = next(name for name in ("KeyId", "SourceKeyId") if name in members)
    parameters[member] = key


def _name_by_arn(parameters: dict[str, Any], members: Any, check: Check) -> None:
    """Set the parameters that name the resource, by the words before the names in its ARN."""
    if check.resource == ANY_RESOURCE:
        return
    if check.resource_policy:
        raise CannotAskError("the emulated AWS reads no policies of this service's resources")
    parts = re.split(r"[:/]", check.resource.split(":", 5)[5], maxsplit=1)
    if "repositoryName" in members:
        parameters["repositoryName"] = parts[1]
    elif "logGroupName" in members:
        group, _, stream = parts[1].partition(":log-stream:")
        parameters["logGroupName"] = group
        if "logStreamName" in members:
            parameters["logStreamName"] = stream or "x"
    else:
        raise CannotAskError(f"{check.action}: how it names {check.resource} is not known here")


def _pass_role(row: Row, check: Check, account: StackAccount) -> Decision:
    """Pass the role as part of a launch."""
    if check.context.get("iam:PassedToService") != "ec2.amazonaws.com":
        raise CannotAskError("only a call of that service passes it, which is forbidden by itself")
    if OTHER_ACCOUNT in check.resource:
        raise CannotAskError("a profile holds roles of its own account")
    if check.resource.endswith(f":role/{names.INSTANCE_ROLE}"):
        return _default_launch(row, account)
    iam: Any = iam_backends[ACCOUNT]["aws"]
    original = iam.get_role(names.INSTANCE_ROLE)
    role = copy(original)
    path, _, role.name = check.resource.partition(":role")[2].rpartition("/")
    role.path = f"{path}/"
    assert role.arn == check.resource
    profile = iam.get_instance_profile(names.INSTANCE_PROFILE)
    profile.roles = [role]
    try:
        return _default_launch(row, account)
    finally:
        profile.roles = [original]


def _default_launch(row: Row, account: StackAccount) -> Decision:
    request = real_launches.default_request(account)
    return answer(account.client("ec2", row.who).run_instances, request)

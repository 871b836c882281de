"""An emulated account with the identities of a stack, and the resources that calls name."""

import json
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final
from urllib.request import Request, urlopen

import boto3
from botocore.config import Config
from moto.ec2.models import ec2_backends
from moto.ec2.models.amis import Ami

from infra import names
from infra.permissions.context import PolicyContext
from infra.permissions.statements import document
from infra.permissions.trust import ec2 as taken_by_ec2
from sandbox.permissions.table import Placeholders
from tests.infra.permissions import stacks
from tests.infra.permissions.row_verdicts import Identity

ACCOUNT: Final = stacks.ACCOUNT.account_id
OTHER_ACCOUNT: Final = stacks.OTHER_ACCOUNT
REGION: Final = "us-east-1"
OTHER_REGION: Final = "eu-west-1"
INSTANCE_SESSION: Final = "i-0123456789abcdef0"
"""EC2 names the session of an instance's role by the instance."""
ROLES: Final = {
    "instance": names.INSTANCE_ROLE,
    "flow logs": names.FLOW_LOGS,
    "budget": names.BUDGET,
}
Key = Mapping[str, str]
OPERATOR: Final[Key] = {"AccessKeyId": "local", "SecretAccessKey": "local"}


@dataclass
class StackAccount:
    """An emulated account; its operator needs no permissions."""

    endpoint: str
    given: stacks.Given
    policy_context: PolicyContext
    subnet: str = ""
    group: str = ""
    keys: Mapping[str, Key] = field(default_factory=dict[str, Key])
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    clients: dict[tuple[str, str | None, str], Any] = field(
        default_factory=dict[tuple[str, str | None, str], Any]
    )

    def client(self, service: str, who: str | None = None, region: str = REGION) -> Any:
        """A client of the principal *who*, or of the operator."""
        known = self.clients.get((service, who, region))
        if known is None:
            known = self.clients[service, who, region] = self._client(service, who, region)
        return known

    def _client(self, service: str, who: str | None, region: str) -> Any:
        key = self.keys[who] if who else OPERATOR
        make: Any = boto3.client  # typed per service, and here the service is a variable
        return make(
            service,
            endpoint_url=self.endpoint,
            region_name=region,
            aws_access_key_id=key["AccessKeyId"],
            aws_secret_access_key=key["SecretAccessKey"],
            aws_session_token=key.get("SessionToken"),
            config=Config(
                retries={"total_max_attempts": 2},
                s3={"addressing_style": "path"},
                parameter_validation=False,
            ),
        )

    @property
    def placeholders(self) -> Placeholders:
        """The values of the table's placeholders in this account."""
        values = stacks.placeholders_of(self.given, self.policy_context.vpc_id)
        return {**values, "subnet": self.policy_context.ec2(f"subnet/{self.subnet}")}

    def number(self) -> int:
        return next(self.numbers)

    def image(self, tags: Mapping[str, str], owner: str, identity: str = "") -> str:
        """Add an image in moto itself, because no request creates an image of another account."""
        backend: Any = ec2_backends[ACCOUNT][REGION]
        image_id = identity or f"ami-0{self.number():016x}"
        alias = owner if owner == "amazon" else None
        image: Any = Ami(
            backend,
            image_id,
            name=image_id,
            owner_id=OTHER_ACCOUNT if alias else owner,
            owner_alias=alias,
            root_device_type="ebs",
        )
        backend.amis[image_id] = image
        image.add_tags(dict(tags))
        return image_id

    def instance(self, tags: Mapping[str, str], profile: str | None, region: str = REGION) -> str:
        """Launch an instance with these tags and this profile."""
        ec2 = self.client("ec2", region=region)
        named: Any = {"IamInstanceProfile": {"Name": self.profile(profile)}} if profile else {}
        tagged = [{"ResourceType": "instance", "Tags": pairs(tags)}] if tags else []
        image = ec2.register_image(Name=f"image {self.number()}", RootDeviceName="/dev/sda1")
        answer = ec2.run_instances(
            ImageId=image["ImageId"], MinCount=1, MaxCount=1, TagSpecifications=tagged, **named
        )
        return answer["Instances"][0]["InstanceId"]

    def volume(self, tags: Mapping[str, str], region: str) -> str:
        tagged = [{"ResourceType": "volume", "Tags": pairs(tags)}] if tags else []
        zone = f"{region}a"
        volume = self.client("ec2", region=region).create_volume(
            AvailabilityZone=zone, Size=1, TagSpecifications=tagged
        )
        return volume["VolumeId"]

    def profile(self, name: str) -> str:
        """The instance profile of this name; create it if it is missing."""
        iam = self.client("iam")
        known = iam.list_instance_profiles()["InstanceProfiles"]
        if name not in {profile["InstanceProfileName"] for profile in known}:
            iam.create_instance_profile(InstanceProfileName=name)
        return name


def pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


@contextmanager
def account(endpoint: str, given: stacks.Given) -> Generator[StackAccount]:
    """The account of a stack with the settings *given*, in the emulated AWS at *endpoint*."""
    stack_account = StackAccount(
        endpoint=endpoint, given=given, policy_context=stacks.policy_context(given)
    )
    _fill(stack_account)
    try:
        yield stack_account
    finally:
        reset = Request(f"{endpoint}/moto-api/reset", method="POST")  # noqa: S310 - on this machine
        urlopen(reset, timeout=60).close()  # noqa: S310 - as above


def _fill(stack_account: StackAccount) -> None:
    ec2 = stack_account.client("ec2")
    vpc_id = ec2.create_vpc(CidrBlock="10.100.0.0/16")["Vpc"]["VpcId"]
    stack_account.policy_context = stacks.policy_context(stack_account.given, vpc_id)
    subnet = ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.100.0.0/24")["Subnet"]
    stack_account.subnet = subnet["SubnetId"]
    group = ec2.create_security_group(GroupName="sandbox", Description="sandbox", VpcId=vpc_id)
    stack_account.group = group["GroupId"]
    for identity, name in (
        (stack_account.subnet, names.SUBNET),
        (stack_account.group, names.SECURITY_GROUP),
    ):
        ec2.create_tags(Resources=[identity], Tags=pairs({"Name": name}))
    deploy(stack_account)


def deploy(stack_account: StackAccount) -> None:
    """Create the identities, each with its own key."""
    iam, sts = stack_account.client("iam"), stack_account.client("sts")
    identities = stacks.identities(stack_account.policy_context)
    keys: dict[str, Key] = {}
    for who in ("manager", "manager out of budget"):
        name, path = names.MANAGER, names.MANAGER_PATH
        if who == "manager out of budget":
            name, path = f"{names.MANAGER}-out-of-budget", names.MANAGER_PATH
        policies = _policies(iam, who, identities[who])
        boundary = _policy(iam, f"{who} boundary", identities[who].boundary)
        iam.create_user(UserName=name, Path=path, PermissionsBoundary=boundary)
        for arn in policies:
            iam.attach_user_policy(UserName=name, PolicyArn=arn)
        image = stack_account.placeholders["ami_id"]
        iam.tag_user(UserName=name, Tags=pairs({names.IMAGE_TAG: image}))
        keys[who] = iam.create_access_key(UserName=name)["AccessKey"]
    for who, name in ROLES.items():
        more: Any = {}
        if boundary := identities[who].boundary:
            more["PermissionsBoundary"] = _policy(iam, f"{who} boundary", boundary)
        trust = document(taken_by_ec2())
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, **more)
        for arn in _policies(iam, who, identities[who]):
            iam.attach_role_policy(RoleName=name, PolicyArn=arn)
        role = f"arn:aws:iam::{ACCOUNT}:role/{name}"
        session = INSTANCE_SESSION if who == "instance" else "session"
        keys[who] = sts.assume_role(RoleArn=role, RoleSessionName=session)["Credentials"]
    iam.create_instance_profile(InstanceProfileName=names.INSTANCE_PROFILE)
    iam.add_role_to_instance_profile(
        InstanceProfileName=names.INSTANCE_PROFILE, RoleName=names.INSTANCE_ROLE
    )
    stack_account.keys = keys


def _policies(iam: Any, who: str, identity: Identity) -> list[str]:
    return [_policy(iam, f"{who} {name}", text) for name, text in identity.policies.items()]


def _policy(iam: Any, name: str, text: Mapping[str, Any] | None) -> str:
    answer = iam.create_policy(PolicyName=_title(name), PolicyDocument=json.dumps(text))
    return answer["Policy"]["Arn"]


@contextmanager
def deployed(stack_account: StackAccount, name: str, text: Mapping[str, Any]) -> Generator[None]:
    """Replace the document of the policy *name* in this block."""
    iam = stack_account.client("iam")
    arn = f"arn:aws:iam::{ACCOUNT}:policy/{_title(name)}"
    before = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    version = iam.create_policy_version(
        PolicyArn=arn, PolicyDocument=json.dumps(text), SetAsDefault=True
    )["PolicyVersion"]["VersionId"]
    try:
        yield
    finally:
        iam.set_default_policy_version(PolicyArn=arn, VersionId=before)
        iam.delete_policy_version(PolicyArn=arn, VersionId=version)


def _title(name: str) -> str:
    return name.replace(" ", "-").replace("'", "")

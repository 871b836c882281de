"""Every reader of an AWS answer in the project, and its expected result for a recorded one.

`expected` reads the same answer a second time, in a simple way: None if the reader returns nothing.
"""

import json
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from ipaddress import IPv4Network
from string import Formatter
from types import SimpleNamespace
from typing import Any, Final

from ami import build_resources, images, launch, login_key, plan, steps
from ami.build_resources import BuildResource, Search
from ami.limits import Limits
from ami.target import BuildTarget
from infra import access_keys, catalogue
from infra.account import AccountIdentity
from infra.aws_clients import AwsClients
from infra.catalogue import CATALOGUE, Attachment, Finder, Listing
from infra.preflight import (
    free_names,
    missing_boundary,
    missing_in_region,
    running_sandboxes,
    terraform_tag_warning,
)
from infra.settings import Settings
from local import stack as local_stack
from sandbox.adopt import account, key_limit, machines, outside_terraform
from sandbox.adopt import launch as adopted_launch
from sandbox.core import policy_simulator
from sandbox.doctor import examination
from sandbox.keys import listing, rotator
from sandbox.permissions import dry_runs, identities, simulation
from sandbox.recover import recovery
from sandbox.status import report
from sandbox.zones import proposal
from sandbox_client.client import Sandboxes
from tests.recordings.recording import Replay
from tests.sandbox_client.frozen_config import frozen_config

Data = Mapping[str, Any]
Read = Callable[[AwsClients], Any]
Expected = Callable[[Data], Any]
ID: Final = "i-0123456789abcdef0"
ACCOUNT: Final = "123456789012"
IDENTITY: Final = {"Account": ACCOUNT, "Arn": f"arn:aws:iam::{ACCOUNT}:user/u", "UserId": "AIDA"}
NO_TIME: Final[Mapping[str, Any]] = {
    entry.name: 0.0 for entry in fields(Limits) if entry.type in {float, "float"}
}
FAST: Final = Limits(**NO_TIME)
ALIVE: Final = {"pending", "running", "stopping", "stopped"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A function of the project that reads the answer of one operation."""

    operation: str
    """For example `ec2.DescribeVpcs`."""
    file: str
    name: str
    read: Read
    expected: Expected | None = None
    others: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The answers of other operations."""

    def __str__(self) -> str:
        return f"{self.file}: {self.name}"


def _dig(data: Data, *path: str) -> list[Any]:
    """All values at the end of *path*, through lists."""
    values: list[Any] = [data]
    for part in path:
        parts = [value[part] for value in values if isinstance(value, Mapping) and part in value]
        values = [
            item for value in parts for item in (value if isinstance(value, list) else [value])
        ]
    return values


# the catalogue: finders, and attachments of others

DATA: Final = {
    "tags": {"Name": "x"},
    "ipProtocol": "tcp",
    "routeTableId": "rtb-1",
    "subnetId": "subnet-1",
    "vpcId": "vpc-1",
    "name": "x",
    "account_id": ACCOUNT,
    "partition": "aws",
}


def _main(table: Data) -> bool:
    return any(link.get("Main") for link in table["Associations"])


ITEMS: Final[Mapping[str, Expected]] = {
    "RouteTables[?!(Associations[?Main])]": lambda data: [
        table for table in data["RouteTables"] if not _main(table)
    ],
    "NetworkAcls[?!IsDefault]": lambda data: [
        acl for acl in data["NetworkAcls"] if not acl["IsDefault"]
    ],
    "Vpcs[].CidrBlockAssociationSet[]": lambda data: _dig(data, "Vpcs", "CidrBlockAssociationSet"),
    "Vpcs[].Ipv6CidrBlockAssociationSet[]": lambda data: _dig(
        data, "Vpcs", "Ipv6CidrBlockAssociationSet"
    ),
    "Reservations[].Instances[]": lambda data: _dig(data, "Reservations", "Instances"),
}
"""The items that a listing must find, if they are in several lists of the answer."""


def _items(listing: Listing) -> Expected | None:
    if listing.items in ITEMS:
        return ITEMS[listing.items]
    if listing.items.isalnum():
        return lambda data: list(data.get(listing.items, []))
    if listing.items.startswith("[") and listing.items.strip("[]").isalnum():
        return lambda data: [data[listing.items.strip("[]")]]
    return None


def _known(listing: Listing) -> dict[str, Any]:
    templates = [*listing.parameters.values(), *listing.filters.values(), listing.identifier]
    fields = [name for text in templates for _, name, _, _ in Formatter().parse(text) if name]
    return {**{name.partition("[")[0]: "x" for name in fields}, **DATA}


def _attached(attachment: Attachment) -> Read:
    def read(aws: AwsClients) -> list[Any]:
        items = aws.list_items(attachment, {"id": "x-1"})
        for item in items:
            assert attachment.label(item)
            assert attachment.identifier.format_map({**item, "id": "x-1"})
        return items

    return read


def _finder(finder: Finder) -> Read:
    def read(aws: AwsClients) -> list[Any]:
        known = _known(finder)
        items = aws.list_items(finder, known)
        for item in items:
            assert finder.matches(known, item) in {True, False}
            assert finder.identifier.format_map({**known, **item})
            if finder.tags is None:
                assert aws.tags_of(finder, known, item) == {
                    tag["Key"]: tag["Value"] for tag in item.get("Tags", [])
                }
        return items

    return read


def _operation(listing: Listing, replay: Replay) -> str:
    names_of = replay.client(listing.service).meta.method_to_api_mapping
    return f"{listing.service}.{names_of[listing.operation]}"


def catalogue_readers() -> Iterator[Reader]:
    replay = Replay()
    for kind in CATALOGUE.values():
        listings: list[tuple[Listing, Read]] = [(it, _attached(it)) for it in kind.attachments]
        if kind.finder:
            listings.append((kind.finder, _finder(kind.finder)))
            if kind.finder.tags:
                listings.append((kind.finder.tags, _tags(kind.finder)))
        for listed, read in listings:
            is_tags = kind.finder is not None and listed is kind.finder.tags
            yield Reader(
                operation=_operation(listed, replay),
                file="infra/catalogue.py",
                name=f"{kind.name}, {listed.items}",
                read=read,
                expected=None if is_tags else _items(listed),
            )


def _tags(finder: Finder) -> Read:
    return lambda aws: aws.tags_of(
        finder, _known(finder), {**_known(finder), **_texts(finder.tags)}
    )


def _texts(listing: Listing | None) -> dict[str, str]:
    return _known(listing) if listing else {}


# the program and the commands


def _standing_plan() -> plan.BuildPlan:
    target = BuildTarget(
        stack="s",
        environment="production",
        region="us-east-1",
        vpc_id="vpc-1",
        subnet_ids=("subnet-1",),
        instance_type="g5.12xlarge",
    )
    return plan.BuildPlan(
        build_id="b",
        started=datetime(2026, 1, 1, tzinfo=UTC),
        caller=IDENTITY["Arn"],
        account=ACCOUNT,
        target=target,
        options=plan.BuildOptions(),
        instance_type="g5.12xlarge",
        vcpus=48,
        gpus=4,
        subnets=(plan.BuildSubnet(id="subnet-1", zone="us-east-1a"),),
        base_image="ami-1",
        base_name="base",
        root_device="/dev/sda1",
        disk_gib=150,
        ssh_from="203.0.113.7/32",
        limits=FAST,
    )


def _in_group(aws: AwsClients) -> str:
    with steps.ssh_group(aws, _standing_plan(), lambda _: None) as group:  # pyrefly: ignore[bad-argument-type] - undoes nothing
        return group


def _undo(aws: AwsClients) -> None:
    say: Any = SimpleNamespace(say=lambda _: None)
    steps.Undo(aws, _standing_plan(), say)(BuildResource(kind="instance", id=ID))


def _private(image: Any) -> None:
    steps.require_private(image)


def _request(aws: AwsClients) -> str:
    build = _standing_plan()
    subnet = build.subnets[0]
    request = launch.parameters(build, subnet, key="", group="sg-1")
    return steps._launch(aws, build, subnet, request)


def _search(finder: Callable[[AwsClients, Search], Any]) -> Read:
    return lambda aws: [resource.id for resource in finder(aws, Search("b"))]


def _remove(kind: Any) -> Read:
    return lambda aws: build_resources.remove(aws, BuildResource(kind=kind, id="x-1"))


def _settings(**changes: Any) -> Any:
    usual = {"region": "us-east-1", "key_name": "k", "sandbox_ami_id": "ami-1"}
    return SimpleNamespace(**{**usual, "default_instance_type": "g5.12xlarge", **changes})


def _missing(name: str) -> Read:
    return lambda aws: list(missing_in_region.warnings(aws, _settings(), {name}))


def _free(kind: str) -> Read:
    inputs = {"name": "x", **DATA}
    return lambda aws: free_names._require_free(aws, kind, inputs, "production")


def _stack(aws: AwsClients) -> Any:
    resource = SimpleNamespace(
        name=access_keys.resource_name("a"),
        type=catalogue.ACCESS_KEY.name,
        id="AKIA",
        outputs={"createDate": "2026-01-01T00:00:00Z", "status": "Active"},
    )
    return SimpleNamespace(
        name="s",
        aws=lambda: aws,
        resources=lambda: [resource],
        settings=lambda: SimpleNamespace(manager_keys={"a": "active"}),
    )


def _rotator(aws: AwsClients) -> None:
    turning = SimpleNamespace(iam=aws.iam)
    rotator.Rotator._require_no_unmanaged_key(turning, {})  # pyrefly: ignore[bad-argument-type]


def _lost(aws: AwsClients) -> list[Any]:
    deployment = {"resources": [], "manifest": {"time": "2026-01-01T00:00:00Z"}}
    entry, start = {"inputs": {"user": "u"}}, datetime(2026, 1, 1, tzinfo=UTC)
    return list(recovery._lost_keys(aws, deployment, entry, (start, start)))


def _dry_run(aws: AwsClients) -> Any:
    row = SimpleNamespace(expected="allowed", who="manager", action="ec2:RunInstances")
    return dry_runs._answer(aws.ec2, row, {"MinCount": 1, "MaxCount": 1})  # pyrefly: ignore[bad-argument-type]


def _simulated(aws: AwsClients) -> Any:
    check = SimpleNamespace(
        principal=IDENTITY["Arn"],
        action="ec2:RunInstances",
        resource="*",
        context={},
        resource_policy=None,
    )
    return simulation._simulated(aws.iam, check)  # pyrefly: ignore[bad-argument-type]


def _simulated_documents(aws: AwsClients) -> Any:
    return policy_simulator.simulate_documents(
        aws.iam, "ecr:PutImage", "*", {}, policies=["{}"], boundary=None
    )


def _boundary(aws: AwsClients) -> str:
    return adopted_launch._boundary_of_the_organization(
        aws, "arn:aws:iam::aws:policy/ReadOnlyAccess"
    )


def _local_session(aws: AwsClients) -> Any:
    with _boto3_of(aws):
        return local_stack.session(
            {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "x"}
            | {"AWS_SECRET_ACCESS_KEY": "x"},
            "arn:aws:iam::123456789012:role/r",
        )


@contextmanager
def _boto3_of(aws: AwsClients) -> Generator[None]:
    before = local_stack.boto3
    local_stack.boto3 = SimpleNamespace(client=lambda service, **_: getattr(aws, service))  # pyrefly: ignore[bad-assignment]
    try:
        yield
    finally:
        local_stack.boto3 = before


def _sandboxes(aws: AwsClients) -> Sandboxes:
    return Sandboxes(frozen_config(), aws.ec2)


NO_KEYS_USED: Final = {"iam.GetAccessKeyLastUsed": {"AccessKeyLastUsed": {}}}
NO_IMAGES: Final = {"ec2.DescribeImages": {"Images": []}}
NO_INSTANCES: Final = {"ec2.DescribeInstances": {"Reservations": []}}
STOPPED: Final = {
    "ec2.DescribeInstances": {
        "Reservations": [
            {
                "Instances": [
                    {
                        "InstanceId": ID,
                        "State": {"Name": "stopped"},
                        "BlockDeviceMappings": [
                            {"DeviceName": "/dev/sda1", "Ebs": {"VolumeId": "vol-1"}}
                        ],
                    }
                ]
            }
        ]
    },
    "ec2.DescribeVolumesModifications": {"VolumesModifications": []},
}


def _instances(data: Data) -> list[Data]:
    return _dig(data, "Reservations", "Instances")


def _tag(tagged: Data, key: str) -> str:
    return {tag["Key"]: tag["Value"] for tag in tagged.get("Tags", [])}.get(key, "")


NO_MACHINES: Final = {
    "ec2.DescribeVolumes": {"Volumes": []},
    "ec2.DescribeImages": {"Images": []},
    "ec2.DescribeIamInstanceProfileAssociations": {"IamInstanceProfileAssociations": []},
}
ONE_MACHINE: Final = {
    "ec2.DescribeInstances": {
        "Reservations": [
            {
                "Instances": [
                    {
                        "InstanceId": ID,
                        "InstanceType": "g5.12xlarge",
                        "ImageId": "ami-1",
                        "LaunchTime": datetime(2026, 1, 1, tzinfo=UTC),
                        "State": {"Name": "running"},
                    }
                ]
            }
        ]
    },
    **NO_MACHINES,
}


def _machines(aws: AwsClients) -> list[str]:
    return [machine.id for machine in machines.machines(machines.listing(aws, "vpc-1"), Settings())]


def _endpoint(aws: AwsClients) -> Any:
    environment = SimpleNamespace(vpc=SimpleNamespace(id="vpc-1"), route_table="rtb-1")
    plan: Any = SimpleNamespace(environment=environment)
    return outside_terraform.with_endpoint(plan, aws) is plan


def _ids(items: str, key: str) -> Expected:
    return lambda data: [item[key] for item in data[items]]


def _reader(
    operation: str,
    place: str,
    read: Read,
    expected: Expected | None = None,
    **others: Mapping[str, Any],
) -> Reader:
    file, _, name = place.partition(": ")
    return Reader(
        operation=operation,
        file=file,
        name=name,
        read=read,
        expected=expected,
        others=others.get("others", {}),
    )


def _whole(aws: AwsClients) -> dict[str, str]:
    return dict(aws.identity)


READERS: Final[Sequence[Reader]] = (
    # the identity of the caller
    _reader(
        "sts.GetCallerIdentity",
        "infra/aws_clients.py: identity",
        _whole,
        lambda data: {"partition": "aws", "account_id": data["Account"]},
    ),
    _reader(
        "sts.GetCallerIdentity",
        "ami/plan.py: the caller",
        plan._identity,
        lambda data: (data["Account"], data["Arn"]),
    ),
    _reader(
        "sts.GetCallerIdentity",
        "sandbox/adopt/account.py: require_account",
        lambda aws: account.require_account(aws, ACCOUNT, "state"),
    ),
    _reader(
        "sts.GetCallerIdentity",
        "sandbox/doctor/examination.py: credentials",
        lambda aws: examination.credentials(SimpleNamespace(aws=aws)).details,  # pyrefly: ignore[bad-argument-type]
        lambda data: data["Arn"],
    ),
    _reader(
        "sts.GetCallerIdentity",
        "sandbox/permissions/check.py: the account",
        lambda aws: AccountIdentity.of_arn(aws.sts.get_caller_identity()["Arn"]).account_id,
        lambda data: data["Account"],
    ),
    _reader(
        "sts.GetCallerIdentity",
        "sandbox/permissions/identities.py: the caller",
        lambda _: identities._caller_arn("us-east-1"),
        lambda data: data["Arn"],
    ),
    _reader(
        "sts.AssumeRole",
        "local/stack.py: session",
        _local_session,
        lambda data: local_stack.Credentials(
            data["Credentials"]["AccessKeyId"],
            data["Credentials"]["SecretAccessKey"],
            data["Credentials"]["SessionToken"],
        ),
    ),
    # checks before an update
    _reader(
        "ec2.DescribeKeyPairs",
        "infra/preflight/missing_in_region.py: key pair",
        _missing("key_name"),
        lambda data: [] if data["KeyPairs"] else 1,
    ),
    _reader(
        "ec2.DescribeImages",
        "infra/preflight/missing_in_region.py: image",
        _missing("sandbox_ami_id"),
        lambda data: [] if data["Images"] else 1,
    ),
    _reader(
        "ec2.DescribeInstances",
        "infra/preflight/running_sandboxes.py: instances",
        lambda _: running_sandboxes._require_none("harm", "us-east-1", {"vpc-id": "vpc-1"}),
        lambda data: f"{len(_instances(data))} of them exist" if _instances(data) else None,
    ),
    _reader(
        "ec2.DescribeTags",
        "infra/preflight/terraform_tag_warning.py: tagged resources",
        lambda _: terraform_tag_warning.tagged_resources("us-east-1", "production"),
        lambda _: [],
    ),
    *(
        _reader(
            operation,
            f"infra/catalogue.py: the name of {kind.name} is free",
            _free(kind.name),
            others={"sts.GetCallerIdentity": IDENTITY},
        )
        for kind, operation in (
            (catalogue.USER, "iam.GetUser"),
            (catalogue.ROLE, "iam.GetRole"),
            (catalogue.POLICY, "iam.GetPolicy"),
            (catalogue.LOG_GROUP, "logs.DescribeLogGroups"),
        )
    ),
    _reader(
        "iam.GetPolicy",
        "infra/preflight/missing_boundary.py: the organization's boundary",
        lambda aws: missing_boundary.require(
            aws, Settings(permissions_boundary=f"arn:aws:iam::{ACCOUNT}:policy/organization")
        ),
    ),
    # the image's build
    _reader(
        "ec2.DescribeKeyPairs",
        "ami/login_key.py: public key",
        lambda aws: len(login_key._public_key(aws, "k")) >= 0,
        lambda data: True if data["KeyPairs"] else "has no key pair of that name",
    ),
    _reader(
        "ec2.DescribeImages",
        "ami/plan.py: base image",
        lambda aws: plan._base_image(aws, "ubuntu")["ImageId"],
        others={"ssm.GetParameter": {"Parameter": {"Value": "ami-1"}}},
    ),
    _reader(
        "ec2.DescribeSubnets",
        "ami/plan.py: subnets",
        lambda aws: plan._subnets(aws, _standing_plan().target, "g5.12xlarge"),
        others={
            "ec2.DescribeRouteTables": {"RouteTables": []},
            "ec2.DescribeInstanceTypeOfferings": {
                "InstanceTypeOfferings": [{"Location": "us-east-1a"}]
            },
        },
    ),
    _reader(
        "ec2.DescribeRouteTables",
        "ami/plan.py: public subnets",
        lambda aws: plan._public_subnets(aws, _standing_plan().target),
    ),
    _reader(
        "ec2.CreateSecurityGroup",
        "ami/steps.py: create the group",
        _in_group,
        lambda data: data["GroupId"],
    ),
    _reader(
        "ec2.DescribeSecurityGroups",
        "ami/steps.py: find the group",
        _in_group,
        lambda data: data["SecurityGroups"][0]["GroupId"],
        others={"ec2.CreateSecurityGroup": {"Error": {"Code": "InvalidGroup.Duplicate"}}},
    ),
    _reader(
        "ec2.AuthorizeSecurityGroupIngress",
        "ami/steps.py: open the group",
        _in_group,
        lambda _: "sg-1",
        others={"ec2.CreateSecurityGroup": {"GroupId": "sg-1"}},
    ),
    _reader(
        "ec2.RunInstances",
        "ami/steps.py: launch",
        _request,
        lambda data: data["Instances"][0]["InstanceId"],
    ),
    _reader(
        "ec2.RunInstances",
        "ami/launch.py: check",
        lambda aws: launch.check(aws, _standing_plan()),
    ),
    _reader(
        "ec2.DescribeInstances",
        "ami/steps.py: describe",
        lambda aws: steps._describe(aws, ID),
        lambda data: next(iter(_instances(data)), None),
    ),
    _reader(
        "ec2.DescribeInstances",
        "ami/steps.py: wait until it runs",
        lambda aws: steps._wait_until_running(aws, _standing_plan(), ID)["State"]["Name"],
    ),
    _reader(
        "ec2.DescribeInstances",
        "ami/steps.py: require_alive",
        lambda aws: steps.require_alive(aws, ID),
    ),
    _reader(
        "ec2.DescribeInstances",
        "ami/steps.py: wait until it has ended",
        _undo,
    ),
    _reader(
        "ec2.StopInstances",
        "ami/steps.py: stop",
        lambda aws: steps.stop(aws, _standing_plan(), ID),
        others=STOPPED,
    ),
    _reader(
        "ec2.ModifyVolume",
        "ami/steps.py: slow the disk down",
        lambda aws: steps._slow_down_disk(aws, _standing_plan(), ID),
        lambda _: "vol-1",
        others=STOPPED,
    ),
    _reader(
        "ec2.DescribeVolumesModifications",
        "ami/steps.py: wait until the disk is slow",
        lambda aws: steps._wait_until_modified(aws, _standing_plan(), "vol-1"),
    ),
    _reader(
        "ec2.DescribeImages",
        "ami/steps.py: wait for the image",
        lambda aws: steps.available(aws, FAST, "ami-1", say=lambda _: None),
    ),
    _reader(
        "ec2.DescribeImages",
        "ami/steps.py: require_private",
        lambda aws: [_private(image) for image in build_resources.own_images(aws, {})],
    ),
    _reader(
        "ec2.ModifyImageAttribute",
        "ami/steps.py: publish",
        lambda aws: steps.publish(aws, "ami-1", ["snap-1"], "name"),
    ),
    _reader(
        "ec2.CreateTags",
        "ami/steps.py: publish",
        lambda aws: steps.publish(aws, "ami-1", ["snap-1"], "name"),
    ),
    # images, and what builds left
    _reader(
        "ec2.DescribeImages",
        "ami/images.py: list",
        lambda aws: sorted(image.id for image in images.of_environment(aws, "production", [])),
        lambda data: sorted(image["ImageId"] for image in data["Images"]),
        others=NO_INSTANCES,
    ),
    _reader(
        "ec2.DescribeInstances",
        "ami/build_resources.py: of an image",
        lambda aws: sorted(images._running(aws, ["ami-1"])),
        lambda data: sorted({instance.get("ImageId", "") for instance in _instances(data)}),
    ),
    _reader(
        "ec2.DescribeInstances",
        "ami/build_resources.py: in the quota",
        lambda aws: plan._vcpus_in_use(aws, ("g",), {}),
        others={"ec2.DescribeInstanceTypes": {"InstanceTypes": []}},
    ),
    _reader(
        "ec2.DescribeImages",
        "ami/build_resources.py: images",
        _search(build_resources.images),
        lambda data: [
            part
            for image in data["Images"]
            for part in (
                image["ImageId"],
                *_dig(image, "BlockDeviceMappings", "Ebs", "SnapshotId"),
            )
        ],
    ),
    _reader(
        "ec2.DescribeInstances",
        "ami/build_resources.py: instances",
        _search(build_resources.instances),
        lambda data: [
            instance["InstanceId"]
            for instance in _instances(data)
            if instance.get("State", {}).get("Name") != "terminated"
        ],
    ),
    _reader(
        "ec2.DescribeVolumes",
        "ami/build_resources.py: volumes",
        _search(build_resources.volumes),
        lambda data: [v["VolumeId"] for v in data["Volumes"] if v["State"] == "available"],
    ),
    _reader(
        "ec2.DescribeSnapshots",
        "ami/build_resources.py: snapshots",
        _search(build_resources.snapshots),
        _ids("Snapshots", "SnapshotId"),
    ),
    _reader(
        "ec2.DescribeSecurityGroups",
        "ami/build_resources.py: groups",
        _search(build_resources.security_groups),
        _ids("SecurityGroups", "GroupId"),
    ),
    _reader(
        "ec2.DescribeKeyPairs",
        "ami/build_resources.py: key pairs",
        _search(build_resources.key_pairs),
        _ids("KeyPairs", "KeyName"),
    ),
    *(
        _reader(operation, f"ami/build_resources.py: remove {kind}", _remove(kind))
        for kind, operation in (
            ("image", "ec2.DeregisterImage"),
            ("instance", "ec2.TerminateInstances"),
            ("volume", "ec2.DeleteVolume"),
            ("snapshot", "ec2.DeleteSnapshot"),
            ("security-group", "ec2.DeleteSecurityGroup"),
            ("key-pair", "ec2.DeleteKeyPair"),
        )
    ),
    # the commands
    _reader(
        "ec2.DescribeVpcs",
        "sandbox/status/report.py: vpc",
        lambda aws: report.vpc(aws.ec2, frozen_config()).ok,
        lambda data: bool(data["Vpcs"]),
    ),
    _reader(
        "ec2.DescribeSubnets",
        "sandbox/status/report.py: subnets",
        lambda aws: [line.ok for line in report.subnets(aws.ec2, frozen_config())],
        lambda _: [False for _ in frozen_config().subnets],
    ),
    _reader(
        "ec2.DescribeImages",
        "sandbox/status/report.py: image",
        lambda aws: report.image(aws.ec2, frozen_config(), stack="s", now=datetime.now(UTC)).ok,
        lambda data: bool(data["Images"]),
    ),
    _reader(
        "ec2.DescribeInstances",
        "sandbox/status/report.py: sandboxes",
        lambda aws: sorted(
            line.item.removeprefix("sandboxes of ")
            for line in report.sandboxes(aws.ec2, frozen_config())
        ),
        lambda data: sorted(
            {
                _tag(instance, frozen_config().user_tag) or report.NO_USER
                for instance in _instances(data)
            }
            or {"sandboxes"}
        ),
    ),
    _reader(
        "ec2.DescribeSubnets",
        "sandbox/zones/proposal.py: existing",
        lambda aws: proposal.existing(aws, "vpc-1", frozen_cidr()),
    ),
    _reader(
        "iam.ListAccessKeys",
        "sandbox/keys/listing.py: the keys",
        lambda aws: [key.key_id for key in listing.read(_stack(aws), now=datetime.now(UTC))],
        lambda _: ["AKIA"],
        others=NO_KEYS_USED,
    ),
    _reader(
        "iam.ListAccessKeys",
        "sandbox/keys/rotator.py: unmanaged keys",
        _rotator,
        lambda data: (
            "has a key that this stack did not create" if data["AccessKeyMetadata"] else None
        ),
    ),
    _reader(
        "iam.ListAccessKeys",
        "sandbox/recover/recovery.py: lost keys",
        _lost,
        others=NO_KEYS_USED,
    ),
    _reader(
        "iam.ListAccessKeys",
        "sandbox/adopt/key_limit.py: keys",
        lambda aws: sorted(key_limit._key_ids(aws, "state")),
        lambda data: sorted(key["AccessKeyId"] for key in data["AccessKeyMetadata"]),
    ),
    _reader(
        "iam.DeleteAccessKey",
        "sandbox/recover/recovery.py: delete a lost key",
        lambda aws: aws.iam.delete_access_key(UserName="u", AccessKeyId="A" * 20) and None,
    ),
    _reader(
        "ec2.RevokeSecurityGroupEgress",
        "sandbox/recover/recovery.py: default egress",
        lambda aws: recovery._revoke_default_egress(aws, "sg-1"),
        others={
            "ec2.DescribeSecurityGroupRules": {
                "SecurityGroupRules": [{"SecurityGroupRuleId": "sgr-1", "IsEgress": True}]
            }
        },
    ),
    _reader(
        "logs.DescribeLogGroups",
        "sandbox/adopt/outside_terraform.py: retention",
        lambda aws: outside_terraform._retention_days(aws, "/custodian/vpc_log/"),
    ),
    _reader(
        "ec2.DescribeVpcEndpoints",
        "sandbox/adopt/outside_terraform.py: endpoint of another table",
        _endpoint,
        lambda _: True,
    ),
    _reader(
        "ec2.DescribeInstances",
        "sandbox/adopt/machines.py: instances",
        lambda aws: sorted(_machines(aws)),
        lambda data: sorted(instance["InstanceId"] for instance in _instances(data)),
        others=NO_MACHINES,
    ),
    _reader(
        "ec2.DescribeVolumes",
        "sandbox/adopt/machines.py: volumes",
        _machines,
        lambda _: [ID],
        others=ONE_MACHINE,
    ),
    _reader(
        "ec2.DescribeImages",
        "sandbox/adopt/machines.py: images",
        _machines,
        lambda _: [ID],
        others=ONE_MACHINE,
    ),
    _reader(
        "ec2.DescribeIamInstanceProfileAssociations",
        "sandbox/adopt/machines.py: profiles",
        _machines,
        lambda _: [ID],
        others=ONE_MACHINE,
    ),
    _reader(
        "ec2.DeleteTags",
        "sandbox/adopt/finish.py: remove the tag",
        lambda aws: aws.ec2.delete_tags(Resources=["vpc-1"], Tags=[{"Key": "k"}]) and None,
    ),
    _reader(
        "iam.GetPolicy",
        "sandbox/adopt/launch.py: the boundary's version",
        _boundary,
        lambda _: '{"Statement": []}',
        others={"iam.GetPolicyVersion": {"PolicyVersion": {"Document": {"Statement": []}}}},
    ),
    _reader(
        "iam.GetPolicyVersion",
        "sandbox/adopt/launch.py: the boundary's document",
        _boundary,
        lambda data: json.dumps(data["PolicyVersion"]["Document"]),
        others={"iam.GetPolicy": {"Policy": {"DefaultVersionId": "v1"}}},
    ),
    _reader(
        "iam.SimulateCustomPolicy",
        "sandbox/core/policy_simulator.py: the decision",
        _simulated_documents,
        lambda data: policy_simulator.DECISIONS[data["EvaluationResults"][0]["EvalDecision"]],
    ),
    _reader(
        "iam.SimulatePrincipalPolicy",
        "sandbox/permissions/simulation.py: the decision",
        _simulated,
        lambda data: policy_simulator.DECISIONS[data["EvaluationResults"][0]["EvalDecision"]],
    ),
    _reader("ec2.RunInstances", "sandbox/permissions/dry_runs.py: the answer", _dry_run),
    # the client
    _reader(
        "ec2.RunInstances",
        "sandbox_client/client.py: launch",
        lambda aws: _sandboxes(aws).launch("alice").instance_id,
        lambda data: data["Instances"][0]["InstanceId"],
    ),
    _reader(
        "ec2.DescribeInstances",
        "sandbox_client/client.py: list",
        lambda aws: [sandbox.instance_id for sandbox in _sandboxes(aws).list()],
        lambda data: [instance["InstanceId"] for instance in _instances(data)],
    ),
    *(
        _reader(
            operation,
            f"sandbox_client/client.py: {method}",
            lambda aws, method=method: getattr(_sandboxes(aws), method)(ID),
        )
        for method, operation in (
            ("stop", "ec2.StopInstances"),
            ("start", "ec2.StartInstances"),
            ("terminate", "ec2.TerminateInstances"),
        )
    ),
)


def frozen_cidr() -> Any:
    return IPv4Network("10.0.0.0/16")

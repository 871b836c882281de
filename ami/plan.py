"""Check everything before anything is created, and decide what the build will do."""

from __future__ import annotations

import ipaddress
import os
import re
import secrets
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar, cast

from ami import credentials, launch, login_key, pins
from ami.aws_calls import AWS_ERRORS
from ami.build_resources import (
    BUILD_TAG,
    PURPOSE_TAG,
    STARTED_TAG,
    all_instances,
    temporary_name,
)
from ami.errors import PlanError
from ami.public_address import public_address
from infra import names
from infra.aws_clients import RAISE_QUOTA, as_filters, error_code, error_reason
from sandbox.core import aws_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from asyncssh import SSHKey
    from mypy_boto3_ec2.literals import InstanceTypeType
    from mypy_boto3_ec2.type_defs import ImageTypeDef, InstanceTypeInfoTypeDef

    from ami.limits import Limits
    from ami.login_key import AskPassphrase
    from ami.target import BuildTarget
    from infra.aws_clients import AwsClients

T = TypeVar("T")
Base = Literal["ubuntu", "dlami"]

MIN_DISK_GIB: Final = 80
"""In GiB. The set-up fills about 60: 7 each for the CUDA toolkit and three PyTorch environments,
the rest for downloads and builds. The verification requires 10 free GiB."""
MIN_IOPS: Final = 3000
MIN_THROUGHPUT: Final = 125
"""In MiB/s, included in the price of every gp3 volume:
https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html"""
IOPS_PER_MIB: Final = 4
"""A gp3 volume has at most 0.25 MiB/s for each of its IOPS."""
IOPS_PER_GIB: Final = 500
ARCHITECTURE: Final = "x86_64"
EBS_KEY: Final = "alias/aws/ebs"
"""The alias of AWS's own key for EBS, which everyone in the account may use."""
KEY_RIGHTS: Final = (
    "kms:DescribeKey, kms:CreateGrant, kms:Decrypt, kms:ReEncrypt* and "
    "kms:GenerateDataKeyWithoutPlaintext"
)
"""https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption-requirements.html"""
QUOTA_UNREADABLE: Final = frozenset({"AccessDeniedException", "NoSuchResourceException"})


@dataclass(frozen=True, slots=True)
class BaseImage:
    """A public image that a build can start from."""

    parameter: str
    """The public SSM parameter with the id of the newest image."""
    owner: str
    """The account that publishes it; the name alone proves nothing, since anyone can use it."""
    pattern: str
    """The pattern of its names, for a search if the parameter cannot be read."""
    driver: str
    """The branch of the NVIDIA driver to install; empty: keep the driver of the base."""


BASES: Final[Mapping[Base, BaseImage]] = {
    # https://documentation.ubuntu.com/aws/aws-how-to/instances/find-ubuntu-images/
    "ubuntu": BaseImage(
        "/aws/service/canonical/ubuntu/server/22.04/stable/current/amd64/hvm/ebs-gp2/ami-id",
        "099720109477",  # Canonical
        "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-*",
        pins.settings()["NVIDIA_BRANCH"],
    ),
    # https://docs.aws.amazon.com/dlami/latest/devguide/find-dlami-id.html
    "dlami": BaseImage(
        "/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-ubuntu-22.04/latest/ami-id",
        "898082745236",  # AWS Deep Learning AMIs
        "Deep Learning Base OSS Nvidia Driver GPU AMI (Ubuntu 22.04) *",
        "",
    ),
}


UNFIT: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        ("g2", "g3", "g3s", "p2", "p3", "p3dn"),
        "its GPUs are older than Turing, and NVIDIA's open kernel modules, which the image has,"
        " do not drive them; use g4dn or newer",
    ),
    **dict.fromkeys(
        ("g6f", "gr6f"),
        "its GPU is a share of one, which only NVIDIA's GRID driver drives; use g6 or gr6",
    ),
    **dict.fromkeys(
        ("p6-b200", "p6-b300"),
        "its NVLink needs NVIDIA's subnet manager, which the image does not have; use p5 or older",
    ),
}
"""Families of types with NVIDIA GPUs that the image does not support, with the reason."""


@dataclass(frozen=True, slots=True)
class VcpuQuota:
    """The number of vCPUs that the on-demand instances of some families may have in a region.

    https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html
    """

    code: str
    name: str
    families: tuple[str, ...]
    default: int = 0
    """The value in a new account; AWS raises it on request."""


QUOTAS: Final = (  # of the families with NVIDIA GPUs
    VcpuQuota("L-DB2E81BA", "Running On-Demand G and VT instances", ("g", "gr", "vt")),
    VcpuQuota("L-417A185B", "Running On-Demand P instances", ("p",)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOptions:
    """The user's choices, one field per option of `sandbox image build`."""

    instance_type: str | None = None
    base: Base = "ubuntu"
    ssh_key: str | None = None
    ssh_key_file: Path | None = None
    ssh_user: str = "ubuntu"
    ssh_from: str | None = None
    disk_gib: int = 150
    disk_iops: int = 6000
    disk_throughput: int = 1000
    """In MiB/s."""
    versions: Mapping[str, str] = field(default_factory=dict[str, str])
    keep_on_error: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSubnet:
    """A subnet in which the build machine can be launched and reached."""

    id: str
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildPlan:
    """Everything that a build will do; the build looks up nothing later."""

    build_id: str
    started: datetime
    """In UTC."""
    caller: str
    """The ARN of the identity whose credentials are used."""
    account: str
    target: BuildTarget
    options: BuildOptions
    instance_type: InstanceTypeType
    vcpus: int
    gpus: int
    subnets: tuple[BuildSubnet, ...]
    """The subnets in the order in which the launch tries them."""
    base_image: str
    base_name: str
    root_device: str
    disk_gib: int
    ssh_from: str
    """The network that may reach the machine's port 22, in CIDR notation."""
    limits: Limits
    login_key: SSHKey | None = field(default=None, repr=False)
    """The private key of `options.ssh_key`; None: a temporary key, or one in the SSH agent."""
    warnings: tuple[str, ...] = ()
    """Problems that may occur although the build is possible."""

    @property
    def temporary_name(self) -> str:
        """The name of the temporary key pair and security group."""
        return temporary_name(self.build_id)

    @property
    def image_name(self) -> str:
        return f"sandbox-{self.target.environment}-{self.build_id}"

    @property
    def driver(self) -> str:
        """The branch of the NVIDIA driver that the image must have; empty: the base image's."""
        return self.options.versions.get("NVIDIA_BRANCH", BASES[self.options.base].driver)

    @property
    def tags(self) -> dict[str, str]:
        """The tags of every resource of the build; the call that creates a resource sets them."""
        return {
            "Name": self.temporary_name,
            "Project": names.PROJECT,
            "Environment": self.target.environment,
            PURPOSE_TAG: names.BUILD_PURPOSE,
            BUILD_TAG: self.build_id,
            "Owner": self.caller,
            STARTED_TAG: self.started.isoformat(timespec="seconds"),
        }


def make(  # noqa: PLR0913 - the account, the choices, and who answers questions
    aws: AwsClients,
    target: BuildTarget,
    options: BuildOptions,
    *,
    limits: Limits,
    find_address: Callable[[], str] | None = None,
    ask_passphrase: AskPassphrase = lambda _: "",
) -> BuildPlan:
    """Check everything that the build relies on.

    *find_address* finds this machine's public address (default: ask AWS); *ask_passphrase* asks
    for the passphrase of an encrypted --ssh-key-file (default: no terminal).

    Raises:
        PlanError: the message names every problem, not only the first.
    """
    started = datetime.now(UTC)
    build_id = f"{started:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    instance_type = options.instance_type or target.instance_type
    problems: list[str] = []

    def check(question: Callable[[], T], otherwise: T) -> T:
        """The answer to *question*; if it fails, record the problem and return *otherwise*."""
        try:
            return question()
        except PlanError as error:
            problems.extend(error.problems)
        except AWS_ERRORS as error:
            problems.append(aws_errors.describe(error))
        return otherwise

    account, caller = check(lambda: _identity(aws), ("", ""))
    if not account:  # without an identity no other check can succeed
        raise PlanError(*problems)
    base = check(lambda: _base_image(aws, options.base), None)
    type_info = check(lambda: _instance_type(aws, instance_type), None)
    subnets = check(lambda: _subnets(aws, target, instance_type), ())
    vcpus = type_info.get("VCpuInfo", {}).get("DefaultVCpus", 0) if type_info else 0
    warnings = [
        check(lambda: _check_quota(aws, instance_type, vcpus), "") if type_info else "",
        check(lambda: _ebs_key_warning(aws), ""),
        credentials.expiry_warning(
            aws.credentials,
            until=started + timedelta(seconds=limits.build),
            environment=os.environ,
        ),
    ]
    key = check(lambda: login_key.load(aws, options, ask_passphrase), None)
    ssh_from = check(lambda: _ssh_from(options.ssh_from, find_address or public_address), "")
    root_device, base_gib = _root_disk(base) if base else ("", 0)
    needed_gib = max(base_gib, MIN_DISK_GIB)
    if options.disk_gib < needed_gib:
        problems.append(f"--disk {options.disk_gib}: is too small; use at least {needed_gib} GiB")
    problems += _disk_speed_problems(options)
    if problems or base is None or type_info is None:
        raise PlanError(*problems)
    plan = BuildPlan(
        build_id=build_id,
        started=started,
        caller=caller,
        account=account,
        target=target,
        options=options,
        instance_type=type_info.get("InstanceType", "g5.12xlarge"),
        vcpus=vcpus,
        gpus=sum(gpu.get("Count", 0) for gpu in type_info.get("GpuInfo", {}).get("Gpus", [])),
        subnets=subnets,
        base_image=base.get("ImageId", ""),
        base_name=base.get("Name", ""),
        root_device=root_device,
        disk_gib=options.disk_gib,
        ssh_from=ssh_from,
        limits=limits,
        login_key=key,
        warnings=tuple(warning for warning in warnings if warning),
    )
    launch.check(aws, plan)
    return plan


def _identity(aws: AwsClients) -> tuple[str, str]:
    identity = aws.sts.get_caller_identity()
    return identity["Account"], identity["Arn"]


def _base_image(aws: AwsClients, base: Base) -> ImageTypeDef:
    """The newest base image; always by its owner, since anyone can use its name."""
    source = BASES[base]
    try:
        parameter = aws.ssm.get_parameter(Name=source.parameter)["Parameter"]
        images = aws.ec2.describe_images(
            ImageIds=[parameter.get("Value", "")], Owners=[source.owner]
        )["Images"]
    except AWS_ERRORS as error:
        if error_code(error) not in {
            "ParameterNotFound",
            "AccessDeniedException",
            "InvalidAMIID.NotFound",
        }:
            raise
        images = list[Any]()
    if not images:
        filters = {"name": source.pattern, "architecture": ARCHITECTURE, "state": "available"}
        images = aws.ec2.describe_images(Owners=[source.owner], Filters=as_filters(filters))[
            "Images"
        ]
    usable = [
        image
        for image in images
        if image.get("Architecture") == ARCHITECTURE and image.get("RootDeviceType") == "ebs"
    ]
    if not usable:
        raise PlanError(
            f"--base {base}: {aws.region} has no image {source.pattern} of account "
            f"{source.owner}; use the other base"
        )
    return max(usable, key=lambda image: image.get("CreationDate", ""))


def _root_disk(image: ImageTypeDef) -> tuple[str, int]:
    """The device name and the size in GiB."""
    device = image.get("RootDeviceName", "/dev/sda1")
    sizes = [
        mapping.get("Ebs", {}).get("VolumeSize", 0)
        for mapping in image.get("BlockDeviceMappings", [])
        if mapping.get("DeviceName") == device
    ]
    return device, max(sizes, default=0)


def _instance_type(aws: AwsClients, instance_type: str) -> InstanceTypeInfoTypeDef:
    where = f"--instance-type {instance_type}"
    try:
        type_infos = aws.ec2.describe_instance_types(InstanceTypes=[instance_type])["InstanceTypes"]
    except AWS_ERRORS as error:
        if error_code(error) != "InvalidInstanceType":
            raise
        raise PlanError(
            f"{where}: is not a valid instance type in {aws.region}; use one like g5.12xlarge"
        ) from error
    gpus = type_infos[0].get("GpuInfo", {}).get("Gpus", [])
    if not any(gpu.get("Manufacturer") == "NVIDIA" for gpu in gpus):
        raise PlanError(
            f"{where}: has no NVIDIA GPU to verify the image on; use one like g5.12xlarge"
        )
    if unfit := UNFIT.get(instance_type.partition(".")[0]):
        raise PlanError(f"{where}: is not a type for this image: {unfit}")
    if ARCHITECTURE not in type_infos[0].get("ProcessorInfo", {}).get("SupportedArchitectures", []):
        raise PlanError(
            f"{where}: is not an {ARCHITECTURE} machine, but the image is; use g5.12xlarge"
        )
    return type_infos[0]


def _subnets(aws: AwsClients, target: BuildTarget, instance_type: str) -> tuple[BuildSubnet, ...]:
    """The stack's public subnets in zones that offer the type, in their order."""
    described = aws.ec2.describe_subnets(SubnetIds=list(target.subnet_ids))["Subnets"]
    zones = {subnet.get("SubnetId", ""): subnet.get("AvailabilityZone", "") for subnet in described}
    public = _public_subnets(aws, target)
    offers = aws.ec2.describe_instance_type_offerings(
        LocationType="availability-zone", Filters=as_filters({"instance-type": instance_type})
    )["InstanceTypeOfferings"]
    offering = {offer.get("Location", "") for offer in offers}
    if not offering:
        raise PlanError(
            f"--instance-type {instance_type}: no zone of {aws.region} offers it; use another"
        )
    if not public:
        raise PlanError(
            f"subnets {', '.join(target.subnet_ids)}: have no route to an internet gateway; "
            f"repair the network with pulumi up --stack {target.stack}"
        )
    usable = tuple(
        BuildSubnet(id=subnet, zone=zones[subnet])
        for subnet in public
        if zones.get(subnet) in offering
    )
    if not usable:
        raise PlanError(
            f"--instance-type {instance_type}: is offered in {', '.join(sorted(offering))}, "
            "but the stack's subnets are in "
            f"{', '.join(sorted(zones[subnet] for subnet in public))}; use another type"
        )
    return usable


def _public_subnets(aws: AwsClients, target: BuildTarget) -> list[str]:
    """The target's subnets whose route table leads to an internet gateway.

    A subnet without a table of its own uses the main one of its VPC.
    https://docs.aws.amazon.com/vpc/latest/userguide/subnet-route-tables.html
    """
    filters = as_filters({"vpc-id": target.vpc_id})
    tables = aws.ec2.describe_route_tables(Filters=filters)["RouteTables"]
    public: set[str] = set()
    with_own_table: set[str] = set()
    main_is_public = False
    for table in tables:
        to_internet = any(
            route.get("DestinationCidrBlock") == "0.0.0.0/0"
            and route.get("GatewayId", "").startswith("igw-")
            and route.get("State", "active") == "active"
            for route in table.get("Routes", [])
        )
        for association in table.get("Associations", []):
            if "SubnetId" in association:
                with_own_table.add(association["SubnetId"])
                public |= {association["SubnetId"]} if to_internet else set()
            elif association.get("Main"):
                main_is_public = to_internet
    return [
        subnet
        for subnet in target.subnet_ids
        if subnet in public or (main_is_public and subnet not in with_own_table)
    ]


def _check_quota(aws: AwsClients, instance_type: str, vcpus: int) -> str:
    """Check that the quota has room; a warning if it cannot be read.

    Service Quotas may lack a quota that the account never changed; then AWS's default applies.
    https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_GetServiceQuota.html
    """
    family = re.match("[a-z]+", instance_type)
    quota = next((quota for quota in QUOTAS if family and family.group() in quota.families), None)
    if not quota:
        return (
            f"no quota is known for the family of {instance_type}; the launch fails if it is used "
            "up"
        )
    try:
        allowed = _quota_value(aws, quota)
    except AWS_ERRORS as error:
        if error_code(error) not in QUOTA_UNREADABLE:
            raise
        return (
            f'the quota "{quota.name}" ({quota.code}) cannot be read ({error_code(error)}); AWS\'s '
            f"default is {quota.default} vCPUs, and the build needs {vcpus}; allow "
            "servicequotas:GetServiceQuota to have it checked"
        )
    used = _vcpus_in_use(aws, quota.families, {instance_type: vcpus})
    if allowed < used + vcpus:
        raise PlanError(
            f"--instance-type {instance_type}: needs {vcpus} vCPUs, but the quota "
            f'"{quota.name}" ({quota.code}) of {aws.region} is {allowed}, of which {used} are '
            f"in use; stop instances, or ask for more: {RAISE_QUOTA} --service-code ec2 "
            f"--quota-code {quota.code} "
            f"--desired-value {used + vcpus} --region {aws.region}"
        )
    return ""


def _quota_value(aws: AwsClients, quota: VcpuQuota) -> int:
    """The account's value, or AWS's default if the account never changed it."""
    which = {"ServiceCode": "ec2", "QuotaCode": quota.code}
    try:
        answer = aws.quotas.get_service_quota(**which)["Quota"]
    except AWS_ERRORS as error:
        if error_code(error) != "NoSuchResourceException":
            raise
        answer = aws.quotas.get_aws_default_service_quota(**which)["Quota"]
    return int(answer.get("Value", 0))


def _vcpus_in_use(aws: AwsClients, families: tuple[str, ...], known: Mapping[str, int]) -> int:
    """The vCPUs of the running on-demand instances of *families*.

    *known* holds the vCPUs of some types; EC2 describes the others.
    """
    filters = {
        "instance-type": [f"{family}*" for family in families],
        "instance-state-name": ["pending", "running"],
    }
    running = Counter(
        instance.get("InstanceType", "")
        for instance in all_instances(aws, filters)
        if instance.get("InstanceLifecycle") != "spot"
    )
    vcpus = dict(known)
    if unknown := cast("list[InstanceTypeType]", sorted(running.keys() - known.keys())):
        described = aws.ec2.describe_instance_types(InstanceTypes=unknown)["InstanceTypes"]
        for type_info in described:
            default = type_info.get("VCpuInfo", {}).get("DefaultVCpus", 0)
            vcpus[type_info.get("InstanceType", "")] = default
    return sum(vcpus.get(instance_type, 0) * number for instance_type, number in running.items())


def _ebs_key_warning(aws: AwsClients) -> str:
    """A warning if EBS encrypts with a key of the account, whose policy may forbid its use."""
    try:
        key = aws.ec2.get_ebs_default_kms_key_id()["KmsKeyId"]
    except AWS_ERRORS as error:
        return (
            f"the key with which EBS encrypts cannot be read ({error_reason(error)}); if it is one "
            f"of the account's own, it must allow {KEY_RIGHTS}"
        )
    if key.endswith(EBS_KEY):
        return ""
    return (
        f"EBS encrypts the disk and the image with the account's key {key}; its policy must allow "
        f"{KEY_RIGHTS} to you and to the service's manager, which launches the image"
    )


def _disk_speed_problems(options: BuildOptions) -> list[str]:
    """The problems of speeds that gp3 does not have; the dry run reports its upper limits."""
    iops, throughput = options.disk_iops, options.disk_throughput
    problems: list[str] = []
    if iops < MIN_IOPS or iops > options.disk_gib * IOPS_PER_GIB:
        problems.append(
            f"--disk-iops {iops}: is not valid for {options.disk_gib} GiB of gp3; use "
            f"{MIN_IOPS} to {options.disk_gib * IOPS_PER_GIB}"
        )
    if throughput < MIN_THROUGHPUT or throughput * IOPS_PER_MIB > iops:
        problems.append(
            f"--disk-throughput {throughput}: is not valid for {iops} IOPS of gp3; use "
            f"{MIN_THROUGHPUT} to {iops // IOPS_PER_MIB} MiB/s, or raise --disk-iops"
        )
    return problems


def _ssh_from(text: str | None, find_address: Callable[[], str]) -> str:
    text = text or find_address()
    try:
        network = ipaddress.ip_network(text)
    except ValueError as error:
        raise PlanError(
            f"--ssh-from {text}: is not a valid network ({error}); use one like 203.0.113.7/32"
        ) from error
    if network.prefixlen == 0:
        raise PlanError(f"--ssh-from {text}: is the whole internet; use one like 203.0.113.7/32")
    if network.version != 4:  # noqa: PLR2004 - IPv4
        raise PlanError(
            f"--ssh-from {text}: is not IPv4, but the network is; use one like 203.0.113.7/32"
        )
    return str(network)

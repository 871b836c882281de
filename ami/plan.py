"""Check everything before anything is created, and fix what the build will do."""

from __future__ import annotations

import ipaddress
import re
import secrets
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal, TypeVar, cast

from ami.aws_calls import AWS_ERRORS
from ami.build_resources import (
    BUILD_TAG,
    PURPOSE_TAG,
    STARTED_TAG,
    all_instances,
    temporary_name,
)
from ami.errors import PlanError
from infra import names
from infra.aws_clients import as_filters, error_code, error_reason
from sandbox.core import aws_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from mypy_boto3_ec2.literals import InstanceTypeType
    from mypy_boto3_ec2.type_defs import ImageTypeDef, InstanceTypeInfoTypeDef

    from ami.limits import Limits
    from ami.target import BuildTarget
    from infra.aws_clients import AwsClients

T = TypeVar("T")
Base = Literal["ubuntu", "dlami"]

MIN_DISK_GIB: Final = 60
"""The upgrade, the driver, Docker and the Python environments take about 40 GiB."""
ARCHITECTURE: Final = "x86_64"
ADDRESS_SERVICE: Final = "https://checkip.amazonaws.com"
"""AWS answers with the address from which the request came."""


@dataclass(frozen=True, slots=True)
class BaseImage:
    """A public image on which a build can start."""

    parameter: str
    """The public SSM parameter that holds the id of the newest one."""
    owner: str
    """The account that publishes it; anyone may give an image its name."""
    pattern: str
    """The names of its images, for a search if the parameter cannot be read."""
    driver: str
    """The branch of the NVIDIA driver to install; empty: keep the driver of the base."""


BASES: Final[Mapping[Base, BaseImage]] = {
    # https://documentation.ubuntu.com/aws/aws-how-to/instances/find-ubuntu-images/
    "ubuntu": BaseImage(
        "/aws/service/canonical/ubuntu/server/22.04/stable/current/amd64/hvm/ebs-gp2/ami-id",
        "099720109477",  # Canonical
        "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-*",
        "535",
    ),
    # https://docs.aws.amazon.com/dlami/latest/devguide/find-dlami-id.html
    "dlami": BaseImage(
        "/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-ubuntu-22.04/latest/ami-id",
        "898082745236",  # AWS Deep Learning AMIs
        "Deep Learning Base OSS Nvidia Driver GPU AMI (Ubuntu 22.04) *",
        "",
    ),
}


@dataclass(frozen=True, slots=True)
class VcpuQuota:
    """The number of vCPUs that the on-demand instances of some families may have in a region.

    https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html
    """

    code: str
    name: str
    families: tuple[str, ...]


QUOTAS: Final = (  # of the families with NVIDIA GPUs
    VcpuQuota("L-DB2E81BA", "Running On-Demand G and VT instances", ("g", "vt")),
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
    versions: Mapping[str, str] = field(default_factory=dict[str, str])
    keep_on_error: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSubnet:
    """A subnet in which the build machine can be launched and reached."""

    id: str
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildPlan:
    """Everything that a build will do; nothing is looked up later."""

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
    """In the order in which they are tried."""
    base_image: str
    base_name: str
    root_device: str
    disk_gib: int
    ssh_from: str
    """The network that may reach the machine's port 22, in CIDR notation."""
    limits: Limits

    @property
    def temporary_name(self) -> str:
        """The name of the temporary key pair and security group."""
        return temporary_name(self.build_id)

    @property
    def image_name(self) -> str:
        return f"sandbox-{self.target.environment}-{self.build_id}"

    @property
    def driver(self) -> str:
        """The branch of the NVIDIA driver that the image must have; empty: that of the base."""
        return self.options.versions.get("NVIDIA_BRANCH", BASES[self.options.base].driver)

    @property
    def tags(self) -> dict[str, str]:
        """The tags of every resource of the build, set by the call that creates it."""
        return {
            "Name": self.temporary_name,
            "Project": names.PROJECT,
            "Environment": self.target.environment,
            PURPOSE_TAG: names.BUILD_PURPOSE,
            BUILD_TAG: self.build_id,
            "Owner": self.caller,
            STARTED_TAG: self.started.isoformat(timespec="seconds"),
        }


def make(
    aws: AwsClients,
    target: BuildTarget,
    options: BuildOptions,
    *,
    limits: Limits,
    find_address: Callable[[], str] | None = None,
) -> BuildPlan:
    """Check everything that the build relies on.

    *find_address* finds this machine's public address (default: ask AWS).

    Raises:
        PlanError: it names every problem, not only the first.
    """
    started = datetime.now(UTC)
    build_id = f"{started:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    instance_type = options.instance_type or target.instance_type
    problems: list[str] = []

    def check(question: Callable[[], T], otherwise: T) -> T:
        """The answer to *question*; if it fails, note the problem and go on with *otherwise*."""
        try:
            return question()
        except PlanError as error:
            problems.extend(error.problems)
        except AWS_ERRORS as error:
            problems.append(aws_errors.describe(error))
        return otherwise

    account, caller = check(lambda: _identity(aws), ("", ""))
    if not account:  # without an identity AWS answers no other question
        raise PlanError(*problems)
    base = check(lambda: _base_image(aws, options.base), None)
    type_info = check(lambda: _instance_type(aws, instance_type), None)
    subnets = check(lambda: _subnets(aws, target, instance_type), ())
    vcpus = type_info.get("VCpuInfo", {}).get("DefaultVCpus", 0) if type_info else 0
    if type_info:
        check(lambda: _check_quota(aws, instance_type, vcpus), None)
    if options.ssh_key:
        check(lambda: _check_key_pair(aws, options), None)
    ssh_from = check(lambda: _ssh_from(options.ssh_from, find_address or public_address), "")
    root_device, base_gib = _root_disk(base) if base else ("", 0)
    needed_gib = max(base_gib, MIN_DISK_GIB)
    if options.disk_gib < needed_gib:
        problems.append(f"--disk {options.disk_gib}: is too small; use at least {needed_gib} GiB")
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
    )
    _check_launch(aws, plan)
    return plan


def public_address() -> str:
    """The address of this machine as AWS sees it.

    Raises:
        PlanError: AWS did not answer within 10 seconds.
    """
    try:
        with urllib.request.urlopen(ADDRESS_SERVICE, timeout=10) as answer:
            return answer.read(64).decode().strip()
    except OSError as error:
        raise PlanError(
            f"the public address of this machine is unknown ({ADDRESS_SERVICE}: {error}); "
            "name it with --ssh-from"
        ) from error


def _identity(aws: AwsClients) -> tuple[str, str]:
    identity = aws.sts.get_caller_identity()
    return identity["Account"], identity["Arn"]


def _base_image(aws: AwsClients, base: Base) -> ImageTypeDef:
    """The newest base image; always by its owner, since anyone may give an image its name."""
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
        images = []
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
        type_infos = aws.ec2.describe_instance_types(InstanceTypes=[instance_type])["InstanceTypes"]  # pyright: ignore[reportArgumentType] - AWS judges the text, see the error
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
    if ARCHITECTURE not in type_infos[0].get("ProcessorInfo", {}).get("SupportedArchitectures", []):
        raise PlanError(
            f"{where}: is not an {ARCHITECTURE} machine, but the image is; use g5.12xlarge"
        )
    return type_infos[0]


def _subnets(aws: AwsClients, target: BuildTarget, instance_type: str) -> tuple[BuildSubnet, ...]:
    """The stack's subnets that can be reached and whose zones offer the type, in their order."""
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


def _check_quota(aws: AwsClients, instance_type: str, vcpus: int) -> None:
    family = re.match("[a-z]+", instance_type)
    quota = next((quota for quota in QUOTAS if family and family.group() in quota.families), None)
    if not quota:
        return  # a family of another quota; the launch names it if it is used up
    answer = aws.quotas.get_service_quota(ServiceCode="ec2", QuotaCode=quota.code)["Quota"]
    allowed = int(answer.get("Value", 0))
    used = _vcpus_in_use(aws, quota.families, {instance_type: vcpus})
    if allowed < used + vcpus:
        raise PlanError(
            f"--instance-type {instance_type}: needs {vcpus} vCPUs, but the quota "
            f'"{quota.name}" ({quota.code}) of {aws.region} is {allowed}, of which {used} are '
            "in use; stop instances, or ask for more: aws service-quotas "
            f"request-service-quota-increase --service-code ec2 --quota-code {quota.code} "
            f"--desired-value {used + vcpus} --region {aws.region}"
        )


def _vcpus_in_use(aws: AwsClients, families: tuple[str, ...], known: Mapping[str, int]) -> int:
    """The vCPUs of the running on-demand instances of *families*.

    *known* has the vCPUs of some types; those of the others are asked for.
    """
    filters = {
        "instance-type": [f"{family}*" for family in families],
        "instance-state-name": ["pending", "running"],
    }
    running = Counter(
        instance["InstanceType"]
        for instance in all_instances(aws, filters)
        if instance.get("InstanceLifecycle") != "spot"
    )
    vcpus = dict(known)
    if unknown := cast("list[InstanceTypeType]", sorted(running.keys() - known.keys())):
        described = aws.ec2.describe_instance_types(InstanceTypes=unknown)["InstanceTypes"]
        for type_info in described:
            default = type_info.get("VCpuInfo", {}).get("DefaultVCpus", 0)
            vcpus[type_info.get("InstanceType", "")] = default
    return sum(vcpus[instance_type] * number for instance_type, number in running.items())


def _check_key_pair(aws: AwsClients, options: BuildOptions) -> None:
    try:
        aws.ec2.describe_key_pairs(KeyNames=[options.ssh_key or ""])
    except AWS_ERRORS as error:
        if error_code(error) != "InvalidKeyPair.NotFound":
            raise
        raise PlanError(
            f"--ssh-key {options.ssh_key}: {aws.region} has no key pair of that name; leave "
            "the option out to use a temporary one"
        ) from error
    if options.ssh_key_file and not options.ssh_key_file.is_file():
        raise PlanError(
            f"--ssh-key-file {options.ssh_key_file}: does not exist; name the private key's file"
        )


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


def _check_launch(aws: AwsClients, plan: BuildPlan) -> None:
    """Ask EC2 whether it would launch the machine; a dry run ends with `DryRunOperation`."""
    try:
        aws.ec2.run_instances(
            ImageId=plan.base_image,
            InstanceType=plan.instance_type,
            SubnetId=plan.subnets[0].id,
            MinCount=1,
            MaxCount=1,
            DryRun=True,
        )
    except AWS_ERRORS as error:
        if error_code(error) != "DryRunOperation":
            raise PlanError(
                f"EC2 would not launch {plan.instance_type}: {error_reason(error)}"
            ) from error

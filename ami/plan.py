"""Check everything before anything is made, and freeze what the build will do."""

from __future__ import annotations

import ipaddress
import re
import secrets
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal, TypeVar, cast

from ami import pins
from ami.aws import AWS_ERRORS, Aws, code, reason, where
from ami.errors import PlanError
from infra import names

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from mypy_boto3_ec2.literals import InstanceTypeType
    from mypy_boto3_ec2.type_defs import ImageTypeDef, InstanceTypeInfoTypeDef

    from ami.limits import Limits
    from ami.stack import Facts

T = TypeVar("T")
Base = Literal["ubuntu", "dlami"]

BUILD_TAG: Final = "BuildId"
MIN_DISK_GIB: Final = 60
"""The upgrade, the driver, Docker and the Python environments take about 40."""


@dataclass(frozen=True, slots=True)
class BaseImage:
    parameter: str
    """AWS's public parameter that names the newest one."""
    owner: str
    pattern: str
    """Its images' names, to search where the parameter cannot be read."""
    driver: str
    """The NVIDIA driver's branch that the finished image must have; empty: whatever it brings."""


BASES: Final[Mapping[Base, BaseImage]] = {
    "ubuntu": BaseImage(
        "/aws/service/canonical/ubuntu/server/22.04/stable/current/amd64/hvm/ebs-gp2/ami-id",
        "099720109477",  # Canonical
        "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-*",
        pins.settings()["NVIDIA_BRANCH"],
    ),
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
        " do not drive them: take g4dn or newer",
    ),
    **dict.fromkeys(
        ("g6f", "gr6f"),
        "its GPU is a share of one, which only NVIDIA's GRID driver drives: take g6 or gr6",
    ),
    **dict.fromkeys(
        ("p6-b200", "p6-b300"),
        "its NVLink needs NVIDIA's subnet manager, which the image does not have: take p5 or older",
    ),
}
"""Families of types with NVIDIA GPUs that the image cannot serve, and why."""


@dataclass(frozen=True, slots=True)
class Quota:
    """Of vCPUs that on-demand machines of some families may have at once, in one region.

    https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html
    """

    code: str
    name: str
    families: tuple[str, ...]


QUOTAS: Final = (  # of the families with NVIDIA GPUs
    Quota("L-DB2E81BA", "Running On-Demand G and VT instances", ("g", "vt")),
    Quota("L-417A185B", "Running On-Demand P instances", ("p",)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the user asked for."""

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
class Subnet:
    id: str
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    build_id: str
    started: datetime
    caller: str
    account: str
    facts: Facts
    request: Request
    instance_type: InstanceTypeType
    vcpus: int
    gpus: int
    subnets: tuple[Subnet, ...]
    base_image: str
    base_name: str
    root_device: str
    disk_gib: int
    ssh_from: str
    limits: Limits

    @property
    def name(self) -> str:
        """Of the temporary key pair and security group."""
        return f"{names.BUILD_PURPOSE}-{self.build_id}"

    @property
    def image_name(self) -> str:
        return f"sandbox-{self.facts.environment}-{self.build_id}"

    @property
    def driver(self) -> str:
        return self.request.versions.get("NVIDIA_BRANCH", BASES[self.request.base].driver)

    @property
    def tags(self) -> dict[str, str]:
        """On everything that the build makes, from the call that makes it."""
        return {
            "Name": self.name,
            "Project": names.PROJECT,
            "Environment": self.facts.environment,
            "Purpose": names.BUILD_PURPOSE,
            BUILD_TAG: self.build_id,
            "Owner": self.caller,
            "StartedAt": self.started.isoformat(timespec="seconds"),
        }


def make(
    aws: Aws,
    facts: Facts,
    request: Request,
    *,
    limits: Limits,
    own_address: Callable[[], str] | None = None,
) -> Plan:
    """Look at all that the build will rely on; raise one error with every problem found."""
    started = datetime.now(UTC)
    build_id = f"{started:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    kind = request.instance_type or facts.instance_type
    problems: list[str] = []

    def check(look: Callable[[], T], otherwise: T) -> T:
        """What *look* finds; its problem is noted, and the other checks go on."""
        try:
            return look()
        except PlanError as error:
            problems.extend(error.problems)
        except AWS_ERRORS as error:
            problems.append(reason(error))
        return otherwise

    account, caller = check(lambda: _identity(aws), ("", ""))
    if not account:  # nothing else can be asked without an identity
        raise PlanError(problems)
    base = check(lambda: _base_image(aws, request.base), None)
    info = check(lambda: _instance_type(aws, kind), None)
    subnets = check(lambda: _subnets(aws, facts, kind), ())
    vcpus = info.get("VCpuInfo", {}).get("DefaultVCpus", 0) if info else 0
    if info:
        check(lambda: _quota(aws, kind, vcpus), None)
    if request.ssh_key:
        check(lambda: _key_pair(aws, request), None)
    ssh_from = check(lambda: _ssh_from(request.ssh_from, own_address or public_address), "")
    root, smallest = _root(base) if base else ("", 0)
    if request.disk_gib < max(smallest, MIN_DISK_GIB):
        problems.append(
            f"--disk {request.disk_gib}: at least {max(smallest, MIN_DISK_GIB)} GiB are needed"
        )
    if problems or base is None or info is None:
        raise PlanError(problems)
    plan = Plan(
        build_id=build_id,
        started=started,
        caller=caller,
        account=account,
        facts=facts,
        request=request,
        instance_type=info.get("InstanceType", "g5.12xlarge"),
        vcpus=vcpus,
        gpus=sum(one.get("Count", 0) for one in info.get("GpuInfo", {}).get("Gpus", [])),
        subnets=subnets,
        base_image=base.get("ImageId", ""),
        base_name=base.get("Name", ""),
        root_device=root,
        disk_gib=request.disk_gib,
        ssh_from=ssh_from,
        limits=limits,
    )
    _may_launch(aws, plan)
    return plan


def public_address() -> str:
    """The address of this machine as AWS sees it."""
    try:
        with urllib.request.urlopen("https://checkip.amazonaws.com", timeout=10) as answer:
            return answer.read(64).decode().strip()
    except OSError as error:
        raise PlanError(
            [f"this machine's public address is unknown ({error}): give it with --ssh-from"]
        ) from error


def _identity(aws: Aws) -> tuple[str, str]:
    identity = aws.sts.get_caller_identity()
    return identity["Account"], identity["Arn"]


def _base_image(aws: Aws, base: Base) -> ImageTypeDef:
    """The newest base image; always by its owner, since anyone may give an image its name."""
    wanted = BASES[base]
    try:
        parameter = aws.ssm.get_parameter(Name=wanted.parameter)["Parameter"]
        found = aws.ec2.describe_images(
            ImageIds=[parameter.get("Value", "")], Owners=[wanted.owner]
        )["Images"]
    except AWS_ERRORS as error:
        if code(error) not in {
            "ParameterNotFound",
            "AccessDeniedException",
            "InvalidAMIID.NotFound",
        }:
            raise
        found = []
    if not found:
        found = aws.ec2.describe_images(
            Owners=[wanted.owner],
            Filters=where(name=wanted.pattern, architecture="x86_64", state="available"),
        )["Images"]
    usable = [
        one
        for one in found
        if one.get("Architecture") == "x86_64" and one.get("RootDeviceType") == "ebs"
    ]
    if not usable:
        raise PlanError(
            [f"--base {base}: {aws.region} has no image {wanted.pattern} of {wanted.owner}"]
        )
    return max(usable, key=lambda one: one.get("CreationDate", ""))


def _root(image: ImageTypeDef) -> tuple[str, int]:
    device = image.get("RootDeviceName", "/dev/sda1")
    sizes = [
        mapping.get("Ebs", {}).get("VolumeSize", 0)
        for mapping in image.get("BlockDeviceMappings", [])
        if mapping.get("DeviceName") == device
    ]
    return device, max(sizes, default=0)


def _instance_type(aws: Aws, kind: str) -> InstanceTypeInfoTypeDef:
    try:
        found = aws.ec2.describe_instance_types(InstanceTypes=[kind])["InstanceTypes"]  # pyright: ignore[reportArgumentType] - AWS judges the text, see the error
    except AWS_ERRORS as error:
        if code(error) != "InvalidInstanceType":
            raise
        raise PlanError([f"--instance-type {kind}: {aws.region} has no such type"]) from error
    gpus = found[0].get("GpuInfo", {}).get("Gpus", [])
    if not any(one.get("Manufacturer") == "NVIDIA" for one in gpus):
        raise PlanError(
            [f"--instance-type {kind}: has no NVIDIA GPU, and the image is verified on one"]
        )
    if unfit := UNFIT.get(kind.partition(".")[0]):
        raise PlanError([f"--instance-type {kind}: {unfit}"])
    if "x86_64" not in found[0].get("ProcessorInfo", {}).get("SupportedArchitectures", []):
        raise PlanError([f"--instance-type {kind}: is no x86_64 machine, the image is one"])
    return found[0]


def _subnets(aws: Aws, facts: Facts, kind: str) -> tuple[Subnet, ...]:
    """The stack's subnets where the machine can be had and reached, in the stack's order."""
    found = aws.ec2.describe_subnets(SubnetIds=list(facts.subnet_ids))["Subnets"]
    zones = {one.get("SubnetId", ""): one.get("AvailabilityZone", "") for one in found}
    tables = aws.ec2.describe_route_tables(Filters=where(vpc_id=facts.vpc_id))["RouteTables"]
    public: set[str] = set()
    main_is_public, routed = False, set[str]()
    for table in tables:
        to_internet = any(
            route.get("DestinationCidrBlock") == "0.0.0.0/0"
            and route.get("GatewayId", "").startswith("igw-")
            and route.get("State", "active") == "active"
            for route in table.get("Routes", [])
        )
        for association in table.get("Associations", []):
            if "SubnetId" in association:
                routed.add(association["SubnetId"])
                public |= {association["SubnetId"]} if to_internet else set()
            elif association.get("Main"):
                main_is_public = to_internet
    offers = aws.ec2.describe_instance_type_offerings(
        LocationType="availability-zone", Filters=where(instance_type=kind)
    )["InstanceTypeOfferings"]
    offering = {one.get("Location", "") for one in offers}
    if not offering:
        raise PlanError([f"--instance-type {kind}: no zone of {aws.region} offers it"])
    reached = [
        one for one in facts.subnet_ids if one in public or (main_is_public and one not in routed)
    ]
    if not reached:
        raise PlanError([f"{', '.join(facts.subnet_ids)}: no route to an internet gateway"])
    usable = tuple(Subnet(id=one, zone=zones[one]) for one in reached if zones.get(one) in offering)
    if not usable:
        raise PlanError(
            [
                (
                    f"--instance-type {kind}: offered in {', '.join(sorted(offering))}, but the"
                    f" stack's subnets are in {', '.join(sorted(zones[one] for one in reached))}"
                )
            ]
        )
    return usable


def _quota(aws: Aws, kind: str, vcpus: int) -> None:
    family = re.match("[a-z]+", kind)
    quota = next((one for one in QUOTAS if family and family.group() in one.families), None)
    if not quota:
        return  # a family of another quota; the launch names it if it is used up
    answer = aws.quotas.get_service_quota(ServiceCode="ec2", QuotaCode=quota.code)["Quota"]
    allowed = int(answer.get("Value", 0))
    used = _in_use(aws, quota.families, {kind: vcpus})
    if allowed < used + vcpus:
        raise PlanError(
            [
                (
                    f"--instance-type {kind}: needs {vcpus} vCPUs, the quota «{quota.name}»"
                    f" ({quota.code}) of {aws.region} is {allowed}, of which {used} are in use:"
                    " stop machines, or ask for more with aws service-quotas"
                    f" request-service-quota-increase --service-code ec2 --quota-code {quota.code}"
                    f" --desired-value {used + vcpus} --region {aws.region}"
                )
            ]
        )


def _in_use(aws: Aws, families: tuple[str, ...], known: Mapping[str, int]) -> int:
    """The vCPUs that on-demand machines of *families* have now; those of some types are known."""
    pages = aws.ec2.get_paginator("describe_instances").paginate(
        Filters=where(
            instance_type=[f"{family}*" for family in families],
            instance_state_name=["pending", "running"],
        )
    )
    running = Counter(
        machine["InstanceType"]
        for page in pages
        for some in page["Reservations"]
        for machine in some.get("Instances", [])
        if "InstanceType" in machine and machine.get("InstanceLifecycle") != "spot"
    )
    each = dict(known)
    if unknown := cast("list[InstanceTypeType]", sorted(running.keys() - known.keys())):
        for one in aws.ec2.describe_instance_types(InstanceTypes=unknown)["InstanceTypes"]:
            each[one.get("InstanceType", "")] = one.get("VCpuInfo", {}).get("DefaultVCpus", 0)
    return sum(each[kind] * number for kind, number in running.items())


def _key_pair(aws: Aws, request: Request) -> None:
    try:
        aws.ec2.describe_key_pairs(KeyNames=[request.ssh_key or ""])
    except AWS_ERRORS as error:
        if code(error) != "InvalidKeyPair.NotFound":
            raise
        raise PlanError(
            [f"--ssh-key {request.ssh_key}: {aws.region} has no key pair of that name"]
        ) from error
    if request.ssh_key_file and not request.ssh_key_file.is_file():
        raise PlanError([f"--ssh-key-file {request.ssh_key_file}: there is no such file"])


def _ssh_from(given: str | None, own_address: Callable[[], str]) -> str:
    text = given or own_address()
    try:
        network = ipaddress.ip_network(text)
    except ValueError as error:
        raise PlanError([f"--ssh-from {text}: {error}"]) from error
    if network.prefixlen == 0:
        raise PlanError([f"--ssh-from {text}: would let the whole internet in"])
    if network.version != 4:  # noqa: PLR2004 - IPv4
        raise PlanError([f"--ssh-from {text}: the sandbox network speaks IPv4 only"])
    return str(network)


def _may_launch(aws: Aws, plan: Plan) -> None:
    """Ask AWS whether it would launch, without a machine."""
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
        if code(error) != "DryRunOperation":
            raise PlanError([f"the machine could not be launched: {reason(error)}"]) from error

"""A stack at a glance: its resources, the keys' ages, the sandboxes of each user, and drift."""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from infra import access_keys
from infra.access_keys import Keys
from infra.attachments import unmanaged
from infra.aws_clients import AwsClients, as_filters, error_reason
from sandbox.core import budget as core_budget
from sandbox.core.access_keys import by_slot
from sandbox.core.errors import SandboxError
from sandbox.core.stack import Resource, Stack
from sandbox_client.config import SandboxConfig

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

MAX_KEY_AGE_DAYS: Final = 90
"""A key that is older should be rotated."""
ALIVE: Final = ("pending", "running", "stopping", "stopped")
NO_USER: Final = "(no user)"
DELETED_BY_HAND: Final = "missing: {id} was deleted by hand; see sandbox drift"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One item of the report. The field names are those of `--json`."""

    item: str
    details: str
    ok: bool = True
    """False if somebody should act."""


def read(stack: Stack, config: SandboxConfig, *, quick: bool) -> Sequence[Line]:
    """The whole report; with *quick* without drift and policies, which take a preview."""
    aws = stack.aws_of(config)
    ec2 = aws.ec2
    with ThreadPoolExecutor() as pool:
        preview = None if quick else pool.submit(drift, stack)
        attached = None if quick else pool.submit(attached_by_hand, stack)
        now = datetime.now(UTC)
        resources = stack.resources()
        return [
            Line(item="stack", details=f"{stack.name} ({config.environment}), {config.region}"),
            vpc(ec2, config),
            *subnets(ec2, config),
            image(ec2, config, stack=stack.name, now=now),
            *keys(resources, stack.settings().manager_keys, stack=stack.name, now=now),
            *sandboxes(ec2, config),
            *budget(aws, resources, stack=stack.name),
            *(preview.result() if preview else []),
            *([attached.result()] if attached else []),
        ]


def vpc(ec2: "EC2Client", config: SandboxConfig) -> Line:
    """Whether the VPC exists."""
    if ec2.describe_vpcs(Filters=as_filters({"vpc-id": config.vpc_id}))["Vpcs"]:
        return Line(item="VPC", details=config.vpc_id)
    return Line(item="VPC", details=DELETED_BY_HAND.format(id=config.vpc_id), ok=False)


def subnets(ec2: "EC2Client", config: SandboxConfig) -> Iterator[Line]:
    """The free addresses of each subnet."""
    # a filter, since SubnetIds refuses the whole request where one subnet is missing
    answer = ec2.describe_subnets(Filters=as_filters({"subnet-id": config.subnet_ids}))
    free = {
        subnet.get("SubnetId"): subnet.get("AvailableIpAddressCount", 0)
        for subnet in answer["Subnets"]
    }
    for subnet in config.subnets:
        item, count = f"subnet {subnet.zone}", free.get(subnet.subnet_id)
        if count is None:
            details = DELETED_BY_HAND.format(id=subnet.subnet_id)
            yield Line(item=item, details=details, ok=False)
        else:
            yield Line(item=item, details=f"{subnet.subnet_id}, {count} free", ok=count > 0)


def image(ec2: "EC2Client", config: SandboxConfig, *, stack: str, now: datetime) -> Line:
    """The image that sandboxes are launched from, and its age."""
    build = f"build one: sandbox image build --stack {stack}"
    if not config.ami_id:
        return Line(item="image", details=f"none yet; {build}", ok=False)
    images = ec2.describe_images(Filters=as_filters({"image-id": config.ami_id}))["Images"]
    if not images:
        return Line(item="image", details=f"missing: {config.ami_id}; {build}", ok=False)
    created = datetime.fromisoformat(images[0].get("CreationDate", ""))
    return Line(item="image", details=f"{config.ami_id}, {_age(created, now)}")


def keys(
    resources: Sequence[Resource], stages: Keys, *, stack: str, now: datetime
) -> Iterator[Line]:
    """The age of each access key. A manager that is a role has none."""
    for slot, key in by_slot(resources).items():
        created = datetime.fromisoformat(key.outputs["createDate"])
        too_old = slot == access_keys.current(stages) and (now - created).days > MAX_KEY_AGE_DAYS
        advice = f"; rotate it: sandbox keys rotate --stack {stack}" if too_old else ""
        stage = stages.get(slot, "to be deleted")
        yield Line(
            item=f"key {slot}", details=f"{stage}, {_age(created, now)}{advice}", ok=not too_old
        )


def sandboxes(ec2: "EC2Client", config: SandboxConfig) -> Iterator[Line]:
    """How many sandboxes of each user are in which state. A stopped one's volume still costs."""
    counts: dict[str, Counter[str]] = {}
    filters = {"vpc-id": config.vpc_id, "instance-state-name": ALIVE}
    for page in ec2.get_paginator("describe_instances").paginate(Filters=as_filters(filters)):
        for reservation in page["Reservations"]:
            for instance in reservation.get("Instances", []):
                tags = {tag.get("Key"): tag.get("Value", "") for tag in instance.get("Tags", [])}
                user = tags.get(config.user_tag, NO_USER)
                state = instance.get("State", {}).get("Name", "")
                counts.setdefault(user, Counter())[state] += 1
    if not counts:
        yield Line(item="sandboxes", details="none")
    for user, states in sorted(counts.items()):
        details = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
        yield Line(item=f"sandboxes of {user}", details=details, ok=user != NO_USER)


def drift(stack: Stack) -> Sequence[Line]:
    """Drift and policies, from one preview that reads the account again."""
    try:
        changes = stack.changes("--refresh", "--policy-pack", "policies")
    except SandboxError as error:
        return [Line(item="drift, policies", details=str(error), ok=False)]
    details = ", ".join(map(str, changes)) or "none"
    return [
        Line(item="policies", details="pass"),
        Line(item="drift", details=details, ok=not changes),
    ]


def budget(aws: AwsClients, resources: Sequence[Resource], *, stack: str) -> Iterator[Line]:
    """What is spent of the budget, and whether its stop is armed; nothing without a budget."""
    action = core_budget.action_of(resources)
    if action is None:
        return
    try:
        read = core_budget.read(aws, action)
    except (SandboxError, BotoCoreError, ClientError) as error:
        yield Line(item="budget", details=error_reason(error), ok=False)
    else:
        details = f"{read.amounts}; {read.state(stack)}"
        yield Line(item="budget", details=details, ok=read.armed)


def attached_by_hand(stack: Stack) -> Line:
    """What others attached to the stack's resources, which no preview shows."""
    try:
        attached = sorted(unmanaged(stack.aws(), stack.resources()))
    except (SandboxError, BotoCoreError, ClientError) as error:
        return Line(item="unmanaged", details=error_reason(error), ok=False)
    return Line(item="unmanaged", details=", ".join(attached) or "none", ok=not attached)


def row(line: Line) -> tuple[str, str, str]:
    """*line* as a row of the table."""
    return "ok" if line.ok else "check", line.item, line.details


def as_json(line: Line) -> dict[str, str | bool]:
    """*line* for a program."""
    return asdict(line)


def _age(created: datetime, now: datetime) -> str:
    days = (now - created).days
    return "1 day old" if days == 1 else f"{days} days old"

"""A stack at a glance: what stands, how old it is, who runs what, and what differs."""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from infra import access_keys as keys
from infra.access_keys import Keys
from infra.aws_clients import AwsClients
from sandbox.core.errors import SandboxError
from sandbox.core.stack import Resource, Stack
from sandbox.drift.unmanaged import unmanaged
from sandbox.keys import rotator as rotate
from sandbox_client.config import SandboxConfig

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

OLD_KEY: Final = 90
"""Days after which a key should be rotated."""
ALIVE: Final = ("pending", "running", "stopping", "stopped")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing to know, and whether somebody should act on it."""

    what: str
    says: str
    good: bool = True


def read(stack: Stack, config: SandboxConfig, *, quick: bool) -> Sequence[Line]:
    """Everything but what the engine has to work out, if *quick*."""
    ec2 = AwsClients(config.region).ec2
    with ThreadPoolExecutor() as pool:
        differs = None if quick else pool.submit(_engine, stack)
        more = None if quick else pool.submit(_unmanaged, stack)
        lines = [
            Line(what="stack", says=f"{stack.name} ({config.environment}), {config.region}"),
            Line(what="VPC", says=config.vpc_id),
            *subnets(ec2, config),
            image(ec2, config, now=datetime.now(UTC)),
            *key_lines(stack.resources(), stack.settings().manager_keys, now=datetime.now(UTC)),
            *sandboxes(ec2, config),
        ]
        return [
            *lines,
            *(differs.result() if differs else []),
            *([more.result()] if more else []),
        ]


def subnets(ec2: "EC2Client", config: SandboxConfig) -> Iterator[Line]:
    found = ec2.describe_subnets(SubnetIds=list(config.subnet_ids))["Subnets"]
    free = {one.get("SubnetId"): one.get("AvailableIpAddressCount", 0) for one in found}
    for one in config.subnets:
        count = free.get(one.subnet_id, 0)
        yield Line(what=f"subnet {one.zone}", says=f"{one.subnet_id}, {count} free", good=count > 0)


def image(ec2: "EC2Client", config: SandboxConfig, *, now: datetime) -> Line:
    if not config.ami_id:
        return Line(what="image", says="none yet: sandbox image build", good=False)
    filters = [{"Name": "image-id", "Values": [config.ami_id]}]
    found = ec2.describe_images(Filters=filters)["Images"]  # pyright: ignore[reportArgumentType] - plain dictionaries
    if not found:
        return Line(what="image", says=f"{config.ami_id} is gone: sandbox image build", good=False)
    made = datetime.fromisoformat(found[0].get("CreationDate", ""))
    return Line(what="image", says=f"{config.ami_id}, {_days(made, now)} old")


def key_lines(resources: Sequence[Resource], stages: Keys, *, now: datetime) -> Iterator[Line]:
    """The keys' ages; a key over 90 days should be rotated. A role has none."""
    for slot, one in rotate.of_stack(resources).items():
        made = datetime.fromisoformat(one.outputs["createDate"])
        old = slot == keys.current(stages) and (now - made).days > OLD_KEY
        advice = "; rotate it: sandbox keys rotate" if old else ""
        yield Line(
            what=f"key {slot}",
            says=f"{stages.get(slot, 'unknown')}, {_days(made, now)} old{advice}",
            good=not old,
        )


def sandboxes(ec2: "EC2Client", config: SandboxConfig) -> Iterator[Line]:
    """Per user, how many run and how many are stopped (whose volumes still cost)."""
    counts: dict[str, Counter[str]] = {}
    pages = ec2.get_paginator("describe_instances").paginate(
        Filters=[
            {"Name": "vpc-id", "Values": [config.vpc_id]},
            {"Name": "instance-state-name", "Values": list(ALIVE)},
        ]
    )
    for page in pages:
        for reservation in page["Reservations"]:
            for one in reservation.get("Instances", []):
                tags = {tag.get("Key"): tag.get("Value", "") for tag in one.get("Tags", [])}
                user = tags.get(config.user_tag, "(no user)")
                counts.setdefault(user, Counter())[one.get("State", {}).get("Name", "")] += 1
    if not counts:
        yield Line(what="sandboxes", says="none")
    for user, states in sorted(counts.items()):
        says = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
        yield Line(what=f"sandboxes of {user}", says=says, good=user != "(no user)")


def row(line: Line) -> tuple[str, str, str]:
    """*line* as a row of the table."""
    return "ok" if line.good else "check", line.what, line.says


def as_json(line: Line) -> dict[str, str | bool]:
    """*line* for a program."""
    return {"what": line.what, "says": line.says, "ok": line.good}


def _engine(stack: Stack) -> Sequence[Line]:
    """Drift and policies, from one preview against what is really there."""
    try:
        changes = stack.changes("--refresh", "--policy-pack", "policies")
    except SandboxError as error:
        return [Line(what="drift, policies", says=str(error), good=False)]
    if changes:
        return [
            Line(what="policies", says="pass"),
            Line(what="drift", says=", ".join(map(str, changes)), good=False),
        ]
    return [Line(what="policies", says="pass"), Line(what="drift", says="none")]


def _unmanaged(stack: Stack) -> Line:
    """What a comparison passes over, since the program did not make it."""
    attached = sorted(unmanaged(stack.aws(), stack.resources()))
    return Line(what="unmanaged", says=", ".join(attached) or "none", good=not attached)


def _days(since: datetime, now: datetime) -> str:
    days = (now - since).days
    return "1 day" if days == 1 else f"{days} days"

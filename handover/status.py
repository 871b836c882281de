"""A stack at a glance: what stands, how old it is, who runs what, and what differs."""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from rich.table import Table
from rich.text import Text

from handover import rotate
from handover.errors import HandoverError
from handover.stack import Resource, Stack
from infra import keys
from infra.clients import Aws
from infra.keys import Keys
from infra.outputs import SandboxConfig
from infra.strangers import strangers

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


def read(stack: Stack, ec2: "EC2Client", config: SandboxConfig, *, quick: bool) -> Sequence[Line]:
    """Everything but what the engine has to work out, if *quick*."""
    with ThreadPoolExecutor() as pool:
        differs = None if quick else pool.submit(_engine, stack)
        more = None if quick else pool.submit(_strangers, stack, config)
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
        return Line(what="image", says="none yet: python -m ami build", good=False)
    filters = [{"Name": "image-id", "Values": [config.ami_id]}]
    found = ec2.describe_images(Filters=filters)["Images"]  # pyright: ignore[reportArgumentType] - plain dictionaries
    if not found:
        return Line(what="image", says=f"{config.ami_id} is gone: python -m ami build", good=False)
    made = datetime.fromisoformat(found[0].get("CreationDate", ""))
    return Line(what="image", says=f"{config.ami_id}, {_days(made, now)} old")


def key_lines(resources: Sequence[Resource], stages: Keys, *, now: datetime) -> Iterator[Line]:
    """The keys' ages; a key over 90 days should be rotated. A role has none."""
    for slot, one in rotate.of_stack(resources).items():
        made = datetime.fromisoformat(one.outputs["createDate"])
        old = slot == keys.current(stages) and (now - made).days > OLD_KEY
        advice = "; rotate it: python -m handover rotate" if old else ""
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


def table(lines: Sequence[Line]) -> Table:
    shown = Table(show_header=False, box=None, pad_edge=False)
    for one in lines:
        sign = Text("ok", "green") if one.good else Text("see", "red")
        shown.add_row(sign, Text(one.what), Text(one.says))
    return shown


def _engine(stack: Stack) -> Sequence[Line]:
    """Drift and policies, from one preview against what is really there."""
    try:
        changes = stack.changes("--refresh", "--policy-pack", "policies")
    except HandoverError as error:
        return [Line(what="drift, policies", says=str(error), good=False)]
    if changes:
        return [
            Line(what="policies", says="pass"),
            Line(what="drift", says=", ".join(map(str, changes)), good=False),
        ]
    return [Line(what="policies", says="pass"), Line(what="drift", says="none")]


def _strangers(stack: Stack, config: SandboxConfig) -> Line:
    """What a comparison passes over, since the program did not make it."""
    made = [asdict(one) for one in stack.resources()]
    found = sorted(strangers(Aws(config.region), made))
    return Line(what="attached by others", says=", ".join(found) or "nothing", good=not found)


def _days(since: datetime, now: datetime) -> str:
    days = (now - since).days
    return "1 day" if days == 1 else f"{days} days"

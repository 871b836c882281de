"""Repair a stack whose update was killed.

The state of such a stack holds *pending creates*: what the engine asked AWS for and got no answer
about. Recovery looks for each in AWS. It adds what exists to the state and lets the engine read it,
and removes the pending creates of which AWS has nothing.
"""

import json
import platform
import shutil
import subprocess
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from infra import catalogue
from infra.aws_clients import AwsClients
from infra.catalogue import CATALOGUE, Finder, Properties
from sandbox.core import output
from sandbox.core.errors import RefusedError, SandboxError
from sandbox.core.pulumi_cli import Lock
from sandbox.core.stack import PROVIDER, Stack, account_of, resources_of

OWNER_TAGS: Final = ("Project", "Environment")
"""The tags that say which stack a resource belongs to."""
CLOCK_TOLERANCE: Final = timedelta(minutes=1)
"""The possible difference between this machine's clock and AWS's."""
BEFORE_ALL: Final = datetime(2006, 1, 1, tzinfo=UTC)
"""Older than every key."""
LONGEST_CREATION: Final = timedelta(minutes=10)
"""The time after the last save of the state in which a killed engine may have created a key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceToAdopt:
    """A resource that AWS has and the state does not."""

    entry: Mapping[str, Any]
    """The resource in the form of the pending create."""
    identifier: str

    def __str__(self) -> str:
        kind = self.entry["type"].rpartition(":")[2]
        return f"adopt {self.identifier} as {kind} {self.entry['urn'].rsplit('::', 1)[1]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LostKey:
    """An access key whose secret died with the engine. Nobody can use it, and IAM takes two."""

    user: str
    key_id: str
    created: datetime

    def __str__(self) -> str:
        return (
            f"delete access key {self.key_id} of {self.user}, created {_time(self.created)}: its "
            "secret was lost with the update"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryPlan:
    """Everything that a recovery will do."""

    locks: Sequence[Lock] | None
    """Empty if the stack is locked and the backend names no holder; None if it is not locked."""
    adoptions: Sequence[ResourceToAdopt]
    lost_keys: Sequence[LostKey]
    forgotten: Sequence[str]
    """The pending operations that leave nothing to adopt."""
    exported: Mapping[str, Any]
    """The state that all of this was found from."""

    @property
    def repairs_state(self) -> bool:
        return bool(self.adoptions or self.lost_keys or self.forgotten)

    def __bool__(self) -> bool:
        return self.locks is not None or self.repairs_state

    def steps(self, now: datetime) -> Iterator[str]:
        """What will be done, in its order; *now* gives the locks' age."""
        for lock in self.locks or ():
            age = int((now - lock.since).total_seconds() / 60)
            yield (
                f"remove the lock of {lock.username}@{lock.hostname} (process {lock.pid}), held "
                f"since {_time(lock.since)}, for {age} minutes"
            )
        if self.locks is not None and not self.locks:
            yield "cancel the update that holds the stack's lock"
        yield from map(str, self.lost_keys)
        yield from map(str, self.adoptions)
        yield from self.forgotten

    def as_json(self) -> dict[str, Any]:
        """The same for a program; times are in ISO 8601."""
        return {
            "locked": self.locks is not None,
            "locks": [
                {**asdict(lock), "since": lock.since.isoformat()} for lock in self.locks or ()
            ],
            "delete_keys": [
                {**asdict(key), "created": key.created.isoformat()} for key in self.lost_keys
            ],
            "adopt": [
                {
                    "type": adoption.entry["type"],
                    "name": adoption.entry["urn"].rsplit("::", 1)[1],
                    "id": adoption.identifier,
                }
                for adoption in self.adoptions
            ],
            "forget": list(self.forgotten),
        }


def plan(stack: Stack) -> RecoveryPlan:
    """Find out what a recovery of *stack* has to do; changes nothing.

    Raises:
        RefusedError: an update of this machine runs.
        SandboxError: several resources could be the one that was created.
    """
    locks = stack.locks()
    for lock in locks or ():
        if _runs_here(lock):
            raise RefusedError(
                f"stack {stack.name}: an update by process {lock.pid} of this machine is running; "
                "wait for its end, or stop it with Ctrl-C"
            )
    exported = stack.export()
    deployment: Mapping[str, Any] = exported["deployment"] or {}
    pending: Sequence[Mapping[str, Any]] = deployment.get("pending_operations") or []
    adoptions: list[ResourceToAdopt] = []
    lost_keys: list[LostKey] = []
    forgotten: list[str] = []
    search: AccountSearch | None = None
    for operation in pending:
        entry = operation["resource"]
        name = entry["urn"].rsplit("::", 1)[1]
        step = f"forget the pending operation: {operation['type']} {name}"
        if operation["type"] != "creating" or entry["type"] not in CATALOGUE:
            forgotten.append(step)  # a refresh reads it, or it is not in AWS
            continue
        search = search or AccountSearch.of_exported(exported)
        stack.require_account(search.aws, account_of(resources_of(exported)))
        if entry["type"] == catalogue.ACCESS_KEY.name:
            forgotten.append(step)
            killed = _killed_update(stack, deployment, locks)
            lost_keys.extend(_lost_keys(search.aws, deployment, entry, killed))
        elif identifier := search.identifier(entry):
            adoptions.append(ResourceToAdopt(entry=entry, identifier=identifier))
        else:
            forgotten.append(step)
    return RecoveryPlan(
        locks=locks,
        adoptions=adoptions,
        lost_keys=lost_keys,
        forgotten=forgotten,
        exported=exported,
    )


def apply(stack: Stack, plan: RecoveryPlan) -> None:
    """Do what *plan* says.

    Raises:
        SandboxError: the state has changed since the plan was made, so an update runs after all.
    """
    if plan.locks is not None:
        stack.cancel()
    if not plan.repairs_state:
        return
    exported = stack.export()
    if exported != plan.exported:
        raise SandboxError(
            f"stack {stack.name}: its state changes, so an update is running; wait for its end, "
            "then run this again"
        )
    aws = stack.aws()
    for key in plan.lost_keys:
        aws.iam.delete_access_key(UserName=key.user, AccessKeyId=key.key_id)
    for adoption in plan.adoptions:
        if adoption.entry["type"] == catalogue.SECURITY_GROUP.name:
            _revoke_default_egress(aws, adoption.identifier)
    # Refresh reads a resource that has an id and no outputs as an import does. The engine's own
    # flag, --import-pending-creates, drops the operation without reading it (seen with 3.220).
    deployment = exported["deployment"]
    adopted = [{**adoption.entry, "id": adoption.identifier} for adoption in plan.adoptions]
    deployment["resources"] = [*deployment.get("resources", []), *adopted]
    del deployment["pending_operations"]
    stack.import_deployment(exported)
    stack.refresh()


class AccountSearch:
    """Looks in the account for what pending creates of a stack created."""

    def __init__(
        self, aws: AwsClients, *, owner_tags: Mapping[str, str], known_ids: Collection[str] = ()
    ) -> None:
        self.aws = aws
        self._owner_tags = owner_tags
        self._known_ids = known_ids
        """Ids in the state already; no pending create can have created them."""

    @classmethod
    def of_exported(cls, exported: Mapping[str, Any]) -> "AccountSearch":
        """For the stack whose deployment `pulumi stack export` printed.

        Raises:
            SandboxError: the state is damaged: it holds pending creates, but no provider.
        """
        resources = resources_of(exported)
        provider = next((resource for resource in resources if resource.type == PROVIDER), None)
        if provider is None:
            raise SandboxError(
                "the state holds pending creates, but no AWS provider, so it is damaged; restore "
                "the last good state: pulumi stack history, pulumi stack import"
            )
        tags = json.loads(provider.inputs["defaultTags"])["tags"]
        return cls(
            AwsClients(provider.inputs["region"]),
            owner_tags={key: tags[key] for key in OWNER_TAGS},
            known_ids={resource.id for resource in resources if resource.id},
        )

    def identifier(self, entry: Mapping[str, Any]) -> str | None:
        """The id of what the pending create *entry* created, or None.

        Raises:
            SandboxError: several resources could be it.
        """
        resource_type = CATALOGUE.get(entry["type"])
        if resource_type is None or resource_type.finder is None:
            return None
        finder = resource_type.finder
        inputs: Properties = {**self.aws.identity, **entry.get("inputs", {})}
        candidates: list[str] = []
        for item in self.aws.list_items(finder, inputs):
            identifier = finder.identifier.format_map({**inputs, **item})
            if identifier in self._known_ids or not finder.matches(inputs, item):
                continue
            if resource_type.taggable and not self._carries_own_tags(finder, inputs, item):
                output.note(
                    f"{identifier} is not adopted: it does not carry this stack's tags "
                    f"{', '.join(f'{key}={value}' for key, value in self._owner_tags.items())}"
                )
                continue
            candidates.append(identifier)
        if len(candidates) > 1:
            raise SandboxError(
                f"{', '.join(candidates)}: each could be this stack's {entry['type']}; delete "
                "those that are not, then run this again"
            )
        return candidates[0] if candidates else None

    def _carries_own_tags(self, finder: Finder, inputs: Properties, item: Properties) -> bool:
        tags = self.aws.tags_of(finder, inputs, item)
        return self._owner_tags.items() <= tags.items()


def _lost_keys(
    aws: AwsClients,
    deployment: Mapping[str, Any],
    entry: Mapping[str, Any],
    killed: tuple[datetime, datetime],
) -> Iterator[LostKey]:
    """The keys of the pending create's user that the *killed* update created.

    Those are the keys that the state does not hold, created between the update's start and its
    death. That a key was never used proves nothing: GetAccessKeyLastUsed lags by hours.
    """
    user = entry["inputs"]["user"]
    known = {resource["id"] for resource in deployment["resources"] if "id" in resource}
    start, end = killed
    for key in aws.iam.list_access_keys(UserName=user)["AccessKeyMetadata"]:
        key_id, created = key["AccessKeyId"], key["CreateDate"]
        if key_id in known:
            continue
        last_used = aws.iam.get_access_key_last_used(AccessKeyId=key_id)["AccessKeyLastUsed"]
        if last_used.get("LastUsedDate"):
            output.note(f"access key {key_id} of {user} stays: it is in use")
        elif not start - CLOCK_TOLERANCE <= created <= end + CLOCK_TOLERANCE:
            output.note(
                f"access key {key_id} of {user} stays: it was created {_time(created)}, not by the "
                "killed update"
            )
        else:
            yield LostKey(user=user, key_id=key_id, created=created)


def _killed_update(
    stack: Stack, deployment: Mapping[str, Any], locks: Sequence[Lock] | None
) -> tuple[datetime, datetime]:
    """When the killed update started, and when it was dead for certain.

    Its lock says when it started; without one it started after the last update that ended.
    """
    last_saved = datetime.fromisoformat(deployment["manifest"]["time"])
    started = min((lock.since for lock in locks or ()), default=None) or stack.last_update_ended()
    return started or BEFORE_ALL, last_saved + LONGEST_CREATION


def _runs_here(lock: Lock) -> bool:
    """Whether the lock's holder is a `pulumi` that runs on this machine."""
    if lock.hostname != platform.node() or not shutil.which("ps"):
        return False
    listed = subprocess.run(
        ["ps", "-o", "stat=,comm=", "-p", str(lock.pid)],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    return "pulumi" in listed and not listed.startswith("Z")


def _revoke_default_egress(aws: AwsClients, group_id: str) -> None:
    """Remove the rule that AWS gives a new group, as the provider does after creating one."""
    group = {"group-id": group_id}
    rules = aws.describe("describe_security_group_rules", "SecurityGroupRules", group)
    rule_ids = [
        rule["SecurityGroupRuleId"] for rule in rules if rule["IsEgress"] and not rule.get("Tags")
    ]
    if rule_ids:
        aws.ec2.revoke_security_group_egress(GroupId=group_id, SecurityGroupRuleIds=rule_ids)


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")

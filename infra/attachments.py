"""The attachments of others to the stack's resources.

`pulumi preview --refresh` compares only the resources that the stack created. It cannot see a rule
that somebody adds to the security group, a peering, or a second key of the manager. So this module
lists everything that AWS has attached to each resource, and names what the state does not hold.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import chain
from typing import Any, Final, Protocol, cast

from infra.aws_clients import CALLS_AT_ONCE, AwsClients
from infra.catalogue import CATALOGUE, Attachment

DELETED_STATES: Final = frozenset(
    {
        *("deleted", "deleting", "disassociated", "disassociating", "expired", "failed"),
        *("rejected", "terminated"),
    }
)
"""States of deleted resources, which AWS still lists for a while."""


class Created(Protocol):
    """A resource as the stack's state holds it."""

    @property
    def type(self) -> str: ...
    @property
    def id(self) -> str: ...
    @property
    def outputs(self) -> Mapping[str, Any]: ...


def unmanaged(aws: AwsClients, resources: Iterable[Created]) -> Iterator[str]:
    """What others attached to *resources*, except the sandboxes; `sandbox drift` shows it."""
    resources = list(resources)
    known = {*_identities(resources), *_attached_later(resources)}
    return _lines(aws, resources, lambda attachment: not attachment.of_sandboxes, known)


def blocking(aws: AwsClients, resources: Iterable[Created]) -> Iterator[str]:
    """The attachments that keep AWS from deleting one of *resources*."""
    resources = list(resources)
    known = {*_identities(resources)}
    return _lines(aws, resources, lambda attachment: attachment.blocks_deletion, known)


def _lines(
    aws: AwsClients,
    resources: Iterable[Created],
    selects: Callable[[Attachment], bool],
    known: set[str],
) -> Iterator[str]:
    """A line for each selected attachment to one of *resources* that is not *known*."""

    def lines(pair: tuple[Created, Attachment]) -> list[str]:
        return list(_attached(aws, *pair, known))

    pairs = [
        (resource, attachment)
        for resource in _created(resources)
        for attachment in filter(selects, CATALOGUE[resource.type].attachments)
    ]
    with ThreadPoolExecutor(CALLS_AT_ONCE) as threads:
        # without duplicates: a peering has two sides
        yield from dict.fromkeys(chain.from_iterable(threads.map(lines, pairs)))


def _created(resources: Iterable[Created]) -> Iterator[Created]:
    return (resource for resource in resources if resource.id and resource.type in CATALOGUE)


def _identities(resources: Iterable[Created]) -> Iterator[str]:
    for resource in _created(resources):
        yield from _filled(CATALOGUE[resource.type].identities, resource)


def _attached_later(resources: Iterable[Created]) -> Iterator[str]:
    for resource in _created(resources):
        yield from _filled(CATALOGUE[resource.type].attaches, resource)


def _filled(templates: Iterable[str], resource: Created) -> Iterator[str]:
    """The *templates* that can be filled: an action of the budget names a user or a role."""
    for template in templates:
        with suppress(LookupError, TypeError):
            yield template.format_map({**resource.outputs, "id": resource.id})


def _attached(
    aws: AwsClients, resource: Created, attachment: Attachment, known: set[str]
) -> Iterator[str]:
    owner = {"id": resource.id}
    for item in aws.list_items(attachment, owner):
        identifier = attachment.identifier.format_map({**item, **owner})
        if identifier not in known and _state(item) not in DELETED_STATES:
            yield f"{resource.id}: {attachment.label(item)}"


def _state(item: Mapping[str, Any]) -> str:
    """The state of an item, which the operations of EC2 keep in different fields."""
    fields = ("State", "Status", "CidrBlockState", "Ipv6CidrBlockState")
    state: Any = next((item[field] for field in fields if field in item), "")
    if isinstance(state, dict):
        nested = cast("dict[str, str]", state)
        state = nested.get("Name") or nested.get("Code") or nested.get("State")
    return str(state).lower()

"""What others attached to the stack's resources.

`pulumi preview --refresh` compares only what the stack created. A rule that somebody adds to its
security group, a peering, or a second key of the manager is none of that, so no preview can see it.
This lists what AWS has attached to each resource and names what the state does not hold.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, cast

from infra.aws_clients import AwsClients
from infra.catalogue import CATALOGUE
from sandbox.core.stack import Resource

DELETED_STATES: Final = frozenset(
    {"deleted", "deleting", "disassociated", "disassociating", "expired", "failed", "rejected"}
)
"""States of what AWS still lists for a while."""


def unmanaged(aws: AwsClients, resources: Iterable[Resource]) -> Iterator[str]:
    """A line for each thing that is attached to one of *resources* and is none of them."""
    created = [resource for resource in resources if resource.id and resource.type in CATALOGUE]
    known = {identity for resource in created for identity in _identities(resource)}
    for resource in created:
        lines = _attached(aws, resource, known)
        yield from dict.fromkeys(lines)  # a peering has two sides


def _identities(resource: Resource) -> Iterator[str]:
    for template in CATALOGUE[resource.type].identities:
        yield template.format_map({**resource.outputs, "id": resource.id})


def _attached(aws: AwsClients, resource: Resource, known: set[str]) -> Iterator[str]:
    owner = {"id": resource.id}
    for attachment in CATALOGUE[resource.type].attachments:
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
        state = nested.get("Code") or nested.get("State")
    return str(state).lower()

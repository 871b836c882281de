"""The manager's access keys in a stack's state."""

from collections.abc import Mapping, Sequence

from infra import access_keys, catalogue
from infra.access_keys import SLOTS, Slot
from sandbox.core.stack import Resource


def by_slot(resources: Sequence[Resource]) -> Mapping[Slot, Resource]:
    """The stack's access keys; a stack whose manager is a role has none."""
    keys = {
        resource.name: resource
        for resource in resources
        if resource.type == catalogue.ACCESS_KEY.name
    }
    return {
        slot: keys[access_keys.resource_name(slot)]
        for slot in SLOTS
        if access_keys.resource_name(slot) in keys
    }

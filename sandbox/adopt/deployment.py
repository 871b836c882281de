"""Read and compose deployments, in the form that `pulumi stack export` prints. Pure."""

import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any, Final, cast
from uuid import uuid4

from sandbox.adopt.mapping import AccessKey

SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - how the engine marks secrets
SECRET_OUTPUTS: Final = ("secret", "sesSmtpPasswordV4")
STATE_FIELDS: Final = frozenset(
    {"urn", "custom", "type", "inputs", "parent", "propertyDependencies", "additionalSecretOutputs"}
)
"""The fields of a planned state that a stored state has too."""
INTERNAL: Final = "__internal"
"""The engine's own entry in a provider's inputs; the outputs do not have it."""
Deployment = Mapping[str, Any]


def resources(deployment: Deployment) -> Sequence[Mapping[str, Any]]:
    return cast("Sequence[Mapping[str, Any]]", deployment["deployment"].get("resources") or [])


def ids(deployment: Deployment) -> dict[str, str]:
    """The AWS id by URN; "" for components."""
    return {resource["urn"]: resource.get("id", "") for resource in resources(deployment)}


def changed_at(deployment: Deployment) -> str:
    """When the stack was last written, as RFC 3339; "" if never."""
    return deployment["deployment"].get("manifest", {}).get("time", "")


def plaintext_secret(value: str) -> Mapping[str, str]:
    """Mark *value* as a secret that the engine still has to encrypt."""
    return {SIGNATURE: SECRET, "plaintext": json.dumps(value)}


def with_state_only_properties(
    deployment: Deployment, properties: Mapping[str, Mapping[str, Any]]
) -> Deployment:
    """Add *properties*, by URN, to the outputs: AWS does not store them, Terraform's state does."""
    copy = deepcopy(dict(deployment))
    for resource in cast("list[dict[str, Any]]", resources(copy)):
        if resource["urn"] in properties:
            resource["outputs"] |= properties[resource["urn"]]
    return copy


def with_access_key_secret(deployment: Deployment, urn: str, key: AccessKey) -> Deployment:
    """Add to the access key *urn* the values that AWS returns only at its creation."""
    copy = deepcopy(dict(deployment))
    for resource in cast("list[dict[str, Any]]", resources(copy)):
        if resource["urn"] == urn:
            resource["additionalSecretOutputs"] = list(SECRET_OUTPUTS)
            resource["outputs"] |= {"secret": plaintext_secret(key.secret)}
            if key.smtp_password:
                resource["outputs"] |= {"sesSmtpPasswordV4": plaintext_secret(key.smtp_password)}
    return copy


def registered(preview: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The planned state by URN, of every resource that the program registers."""
    steps = cast("Sequence[Mapping[str, Any]]", preview.get("steps") or [])
    return {step["urn"]: step["newState"] for step in steps if "newState" in step}


def with_provider(deployment: Deployment, planned: Mapping[str, Any], urn: str) -> Deployment:
    """Add the stack's root and the provider *urn*, exactly as the program registers them.

    A targeted update could create them, but it would run the program with every other resource
    left out. The state of a provider is its inputs and a random id, so it can be composed here.
    """
    known = ids(deployment)
    if urn in known:  # an earlier update made it, and a preview does not show it again
        return deployment
    copy = deepcopy(dict(deployment))
    complete = list(resources(copy))
    for new_urn in (planned[urn]["parent"], urn):
        if new_urn not in known:
            state = {key: value for key, value in planned[new_urn].items() if key in STATE_FIELDS}
            if new_urn == urn:
                inputs = cast("Mapping[str, Any]", state.get("inputs", {}))
                outputs = {key: value for key, value in inputs.items() if key != INTERNAL}
                state |= {"id": str(uuid4()), "outputs": outputs}
            complete.append(state)
    copy["deployment"]["resources"] = complete
    return copy


def with_resources(base: Deployment, other: Deployment) -> Deployment:
    """Put the resources of *other* into *base*, whose secrets provider and history stay."""
    copy = deepcopy(dict(base))
    copy["deployment"]["resources"] = other["deployment"].get("resources") or []
    return copy

"""A stack's deployment as `pulumi stack export` prints it: looked at, and put together. Pure."""

import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any, Final, cast
from uuid import uuid4

from sandbox.adopt.mapping import Key

SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - how the engine marks secrets
SECRET_OUTPUTS: Final = ("secret", "sesSmtpPasswordV4")
KEPT: Final = frozenset(
    {"urn", "custom", "type", "inputs", "parent", "propertyDependencies", "additionalSecretOutputs"}
)
"""Of a planned state, what a state has before anything has come of it."""
INTERNAL: Final = "__internal"
"""The engine's own part of a provider's inputs; it is in no outputs."""
Deployment = Mapping[str, Any]


def resources(deployment: Deployment) -> Sequence[Mapping[str, Any]]:
    return cast("Sequence[Mapping[str, Any]]", deployment["deployment"].get("resources") or [])


def ids(deployment: Deployment) -> dict[str, str]:
    """The AWS id by URN; "" for components."""
    return {one["urn"]: one.get("id", "") for one in resources(deployment)}


def changed_at(deployment: Deployment) -> str:
    """When the stack was last written."""
    return deployment["deployment"].get("manifest", {}).get("time", "")


def secret(value: str) -> Mapping[str, str]:
    """*value* as the engine reads a secret that it is yet to encrypt."""
    return {SIGNATURE: SECRET, "plaintext": json.dumps(value)}


def with_told(deployment: Deployment, told: Mapping[str, Mapping[str, Any]]) -> Deployment:
    """The same, with outputs by URN that AWS does not have and only Terraform's state tells."""
    copy = deepcopy(dict(deployment))
    for one in cast("list[dict[str, Any]]", resources(copy)):
        if one["urn"] in told:
            one["outputs"] |= told[one["urn"]]
    return copy


def with_secret(deployment: Deployment, urn: str, key: Key) -> Deployment:
    """The same, with what AWS told only once about the access key *urn*."""
    copy = deepcopy(dict(deployment))
    for one in cast("list[dict[str, Any]]", resources(copy)):
        if one["urn"] == urn:
            one["additionalSecretOutputs"] = list(SECRET_OUTPUTS)
            one["outputs"] |= {"secret": secret(key.secret)}
            if key.smtp_password:
                one["outputs"] |= {"sesSmtpPasswordV4": secret(key.smtp_password)}
    return copy


def registered(preview: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """What the program registers, by URN, as a preview shows it."""
    steps = cast("Sequence[Mapping[str, Any]]", preview.get("steps") or [])
    return {one["urn"]: one["newState"] for one in steps if "newState" in one}


def with_provider(deployment: Deployment, planned: Mapping[str, Any], urn: str) -> Deployment:
    """The same, with the stack's root and the provider *urn* exactly as the program has them.

    Making them by a targeted update would run the program with everything else left out, and a
    provider has no other state than its inputs and a random id.
    """
    known = ids(deployment)
    copy = deepcopy(dict(deployment))
    kept = list(resources(copy))
    for one in (planned[urn]["parent"], urn):
        if one not in known:
            state = {key: value for key, value in planned[one].items() if key in KEPT}
            inputs = cast("Mapping[str, Any]", state.get("inputs", {}))
            outputs = {key: value for key, value in inputs.items() if key != INTERNAL}
            own = {"id": str(uuid4()), "outputs": outputs} if one == urn else {}
            kept.append({**state, **own})
    copy["deployment"]["resources"] = kept
    return copy


def with_resources(base: Deployment, other: Deployment) -> Deployment:
    """*other*'s resources in *base*: its secrets provider and its history stay."""
    copy = deepcopy(dict(base))
    copy["deployment"]["resources"] = other["deployment"].get("resources") or []
    return copy

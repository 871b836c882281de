"""Marks secret values, so that rules recognize them and messages cannot print them.

The engine tells the pack which values are secret, but pulumi-policy 1.21 drops this information:
its ``deserialize_properties`` unwraps secrets, except for remediations. The replacement here
returns markers: texts and numbers that compare and parse like the secret, and print as
``[secret]``.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final, cast

from pulumi_policy import deserialize, policy

REDACTED: Final = "[secret]"


class SecretText(str):
    """A secret text: equal to its plain value, but printed as a placeholder."""

    __slots__ = ()

    def __str__(self) -> str:
        return REDACTED

    def __repr__(self) -> str:
        return REDACTED

    def __format__(self, format_spec: str) -> str:
        return REDACTED


class SecretNumber(float):
    """A secret number, printed as a placeholder."""

    __slots__ = ()

    def __str__(self) -> str:
        return REDACTED

    def __repr__(self) -> str:
        return REDACTED

    def __format__(self, format_spec: str) -> str:
        return REDACTED


def install_secret_markers() -> None:
    """Replace the function that pulumi-policy reads properties with. Call once, before serving.

    Raises:
        RuntimeError: this version of pulumi-policy reads properties in another way.
    """
    if getattr(policy, "deserialize_properties", None) is not deserialize.deserialize_properties:
        raise RuntimeError(
            "pulumi_policy.policy.deserialize_properties: is not the function that"
            " policies/secret_markers.py replaces; adapt that file to this version of pulumi-policy"
        )
    setattr(policy, "deserialize_properties", deserialized)  # noqa: B010 - a module's attribute


def deserialized(props: Mapping[str, Any], proxy_secrets: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002 - the replaced function's signature
    """The result of ``deserialize_properties``, with secrets marked."""
    if proxy_secrets:  # for remediations pulumi-policy itself keeps the secrets
        return deserialize.deserialize_properties(dict(props), proxy_secrets)
    return {key: _value(value) for key, value in props.items()}


def _value(value: Any, *, secret: bool = False) -> Any:  # noqa: ANN401, PLR0911 - JSON, case by case
    if isinstance(value, Mapping):
        held = cast("Mapping[str, Any]", value)
        signature = held.get(deserialize.SPECIAL_SIG_KEY)
        if signature == deserialize.SPECIAL_SECRET_SIG:
            return _value(held["value"], secret=True)
        if signature is not None:  # an asset or archive, which no rule reads
            return deserialize.deserialize_properties({"it": dict(held)})["it"]
        return {key: _value(inner, secret=secret) for key, inner in held.items()}
    if isinstance(value, list):
        return [_value(inner, secret=secret) for inner in cast("list[Any]", value)]
    if secret and isinstance(value, str):
        return SecretText(value)
    if secret and isinstance(value, float):
        return SecretNumber(value)
    return value


def unmarked(value: str) -> str:
    """The plain text, for a parser that would otherwise read the placeholder."""
    return "".join(value)


def is_secret(props: Any, key: str) -> bool:  # noqa: ANN401 - a proxy
    """Whether the value at *key* is marked, even if the preview does not know it yet."""
    try:
        raw = props["__target"]  # the mapping that the proxy wraps
    except KeyError:  # a plain mapping
        raw = props
    return _all_marked(raw.get(key))


def _all_marked(value: Any) -> bool:  # noqa: ANN401 - JSON
    with suppress(KeyError, TypeError, IndexError):
        value = value["__target"]
    if isinstance(value, Mapping):
        held = cast("Mapping[str, Any]", value)
        return bool(held) and all(_all_marked(inner) for inner in held.values())
    if isinstance(value, list):
        held = cast("list[Any]", value)
        return bool(held) and all(_all_marked(inner) for inner in held)
    return isinstance(value, SecretText | SecretNumber)

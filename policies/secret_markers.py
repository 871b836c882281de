"""Secrets keep their mark on the way to a rule.

The engine tells a pack which values are secret, and pulumi-policy 1.21 drops that on arrival
(``deserialize_properties`` unwraps them, except for remediations). Then a rule could neither ask
whether an output is secret, nor could a message be kept from holding one. Here the same function
leaves a mark: a text or number that compares and parses as before, and prints as ``[secret]``.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final, cast

from pulumi_policy import deserialize, policy

REDACTED: Final = "[secret]"


class SecretText(str):
    """A secret text: equal to what it holds, printed as a placeholder."""

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


def keep() -> None:
    """Let the pack's server keep the marks; called once, before it serves.

    Raises:
        RuntimeError: pulumi-policy no longer has the place that this relies on.
    """
    if getattr(policy, "deserialize_properties", None) is not deserialize.deserialize_properties:
        raise RuntimeError(
            "pulumi_policy.policy.deserialize_properties: is not what policies/secret_markers.py was"
            " written for; look how this version of pulumi-policy hands secrets to a policy"
        )
    setattr(policy, "deserialize_properties", deserialized)  # noqa: B010 - a module's attribute


def deserialized(props: Mapping[str, Any], proxy_secrets: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002 - the replaced function's signature
    """What ``deserialize_properties`` returns, with secrets marked."""
    if proxy_secrets:  # a remediation, for which pulumi-policy keeps secrets itself
        return deserialize.deserialize_properties(dict(props), proxy_secrets)
    return {key: _value(value) for key, value in props.items()}


def _value(value: Any, *, secret: bool = False) -> Any:  # noqa: ANN401, PLR0911 - JSON, case by case
    if isinstance(value, Mapping):
        held = cast("Mapping[str, Any]", value)
        signature = held.get(deserialize.SPECIAL_SIG_KEY)
        if signature == deserialize.SPECIAL_SECRET_SIG:
            return _value(held["value"], secret=True)
        if signature is not None:  # an asset or archive: no rule reads into one
            return deserialize.deserialize_properties({"it": dict(held)})["it"]
        return {key: _value(one, secret=secret) for key, one in held.items()}
    if isinstance(value, list):
        return [_value(one, secret=secret) for one in cast("list[Any]", value)]
    if secret and isinstance(value, str):
        return SecretText(value)
    if secret and isinstance(value, float):
        return SecretNumber(value)
    return value


def plain(value: str) -> str:
    """The text itself, for what reads it letter by letter and would else read the placeholder."""
    return "".join(value)


def is_secret(props: Any, key: str) -> bool:  # noqa: ANN401 - a proxy
    """Whether the value at *key* is marked, also when a preview does not know it yet."""
    try:
        raw = props["__target"]  # the proxy's own door to what it wraps
    except KeyError:  # a plain mapping
        raw = props
    return _all_marked(raw.get(key))


def _all_marked(value: Any) -> bool:  # noqa: ANN401 - JSON
    with suppress(KeyError, TypeError, IndexError):
        value = value["__target"]
    if isinstance(value, Mapping):
        held = cast("Mapping[str, Any]", value)
        return bool(held) and all(_all_marked(one) for one in held.values())
    if isinstance(value, list):
        held = cast("list[Any]", value)
        return bool(held) and all(_all_marked(one) for one in held)
    return isinstance(value, SecretText | SecretNumber)

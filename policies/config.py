"""What the rules compare with: the stack's own config, unless the pack's config says otherwise.

The pack reads the stack's config by itself and not through the program's settings, so that a
mistake in the program's reading is not repeated here. Wrong texts are the program's to report; here
they end the pack, and so the preview.
"""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, date, datetime
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, Final

from policies.exemptions import Exemption

Network = IPv4Network | IPv6Network


class ConfigError(ValueError):
    """A parameter that cannot be used."""


VPC: Final = IPv4Network("10.100.0.0/16")
MAIN_VPC: Final = IPv4Network("10.0.0.0/16")
WORLD: Final = IPv4Network("0.0.0.0/0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """What rules compare with. Up to `manager_identity` the names are config keys of the stack."""

    region: str = "us-east-1"
    environment: str = "production"
    vpc_cidr: Network = VPC
    main_vpc_cidr: Network = MAIN_VPC
    allowed_ssh_cidrs: tuple[Network, ...] = (WORLD,)
    manager_identity: str = "user"

    production_stacks: tuple[str, ...] = ("production",)
    stack: str = ""
    widest_ipv4_prefix: int = 8
    """An IPv4 range that is wider counts as the whole world."""
    widest_ipv6_prefix: int = 32
    log_retention_days: int = 365
    access_keys: int = 1
    max_key_age_days: int = 90
    aws_managed_policies: tuple[str, ...] = ()
    """ARNs of AWS's own policies that may be attached."""
    other_types: tuple[str, ...] = ()
    """Resource types beyond those that this pack has rules for."""

    exemptions: tuple[Exemption, ...] = ()
    today: date = field(default_factory=lambda: datetime.now(tz=UTC).date())

    def exempts(self, rule: str, urn: str) -> bool:
        return any(one.covers(rule, urn, self.today) for one in self.exemptions)


def _network(value: Any) -> Network:  # noqa: ANN401 - JSON
    return ip_network(value)


def _networks(value: Any) -> tuple[Network, ...]:  # noqa: ANN401 - JSON
    return tuple(ip_network(one) for one in value)


def _texts(value: Any) -> tuple[str, ...]:  # noqa: ANN401 - JSON
    return tuple(value)


def _number(value: Any) -> int:  # noqa: ANN401 - JSON, whose numbers arrive as floats
    return int(value)


TEXT: Final[Mapping[str, Any]] = {"type": "string"}
TEXTS: Final[Mapping[str, Any]] = {"type": "array", "items": {"type": "string"}}
NUMBER: Final[Mapping[str, Any]] = {"type": "integer", "minimum": 0}
Parse = Callable[[Any], Any]
KINDS: Final[Mapping[str, tuple[Mapping[str, Any], Parse]]] = {
    "region": (TEXT, str),
    "environment": (TEXT, str),
    "vpc_cidr": (TEXT, _network),
    "main_vpc_cidr": (TEXT, _network),
    "allowed_ssh_cidrs": (TEXTS, _networks),
    "manager_identity": ({**TEXT, "enum": ["user", "irsa", "pod-identity"]}, str),
    "production_stacks": (TEXTS, _texts),
    "stack": (TEXT, str),
    "widest_ipv4_prefix": ({**NUMBER, "maximum": 32}, _number),
    "widest_ipv6_prefix": ({**NUMBER, "maximum": 128}, _number),
    "log_retention_days": (NUMBER, _number),
    "access_keys": (NUMBER, _number),
    "max_key_age_days": (NUMBER, _number),
    "aws_managed_policies": (TEXTS, _texts),
    "other_types": (TEXTS, _texts),
}
"""JSON schema and parser of each parameter."""
OF_THE_STACK: Final = (
    "region",
    "environment",
    "vpc_cidr",
    "main_vpc_cidr",
    "allowed_ssh_cidrs",
    "manager_identity",
)


def schema(names: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """The JSON schema of these parameters, for the pack's config."""
    return {name: dict(KINDS[name][0]) for name in names}


def of_the_stack(environ: Mapping[str, str] = os.environ) -> Parameters:
    """Read the config that the engine hands to a pack.

    Raises:
        ConfigError: a key of the stack's config cannot be used.
    """
    config: Mapping[str, str] = json.loads(environ.get("PULUMI_CONFIG") or "{}")
    found: dict[str, Any] = {"stack": environ.get("PULUMI_STACK", "")}
    for name in OF_THE_STACK:
        raw = config.get(f"sandbox:{name}")
        if raw is not None:
            listed = KINDS[name][0]["type"] == "array"
            found[name] = _parse(f"sandbox:{name}", name, json.loads(raw) if listed else raw)
    return replace(Parameters(), **found)


def with_pack_config(parameters: Parameters, given: Mapping[str, Any]) -> Parameters:
    """*parameters*, with what the pack's config says for one rule.

    Raises:
        ConfigError: a value passes the schema and still cannot be used.
    """
    if not given:
        return parameters
    names = {one.name for one in fields(Parameters)}
    return replace(
        parameters,
        **{name: _parse(name, name, value) for name, value in given.items() if name in names},
    )


def exempting(parameters: Parameters, exemptions: tuple[Exemption, ...]) -> Parameters:
    return replace(parameters, exemptions=exemptions)


def _parse(where: str, name: str, value: Any) -> Any:  # noqa: ANN401 - JSON
    try:
        return KINDS[name][1](value)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{where}: {error}") from error

"""The parameters of the rules: from the stack's config, unless the pack's config sets them.

The pack reads the stack's config itself, not through the program's settings, so that it does not
repeat a mistake of the program. A value that the pack cannot read ends the pack and the preview.
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
    """A parameter is not valid."""


VPC: Final = IPv4Network("10.100.0.0/16")
MAIN_VPC: Final = IPv4Network("10.0.0.0/16")
WORLD: Final = IPv4Network("0.0.0.0/0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """The values that rules compare with. Those up to `manager_identity` are keys of the stack."""

    region: str = "us-east-1"
    environment: str = "production"
    vpc_cidr: Network = VPC
    main_vpc_cidr: Network = MAIN_VPC
    allowed_ssh_cidrs: tuple[Network, ...] = (WORLD,)
    manager_identity: str = "user"

    production_stacks: tuple[str, ...] = ("production",)
    stack: str = ""
    widest_ipv4_prefix: int = 8
    """Prefix length; a wider IPv4 range counts as the whole internet."""
    widest_ipv6_prefix: int = 32
    log_retention_days: int = 365
    """The shortest retention, in days."""
    access_keys: int = 1
    """Active keys per user."""
    max_key_age_days: int = 90
    aws_managed_policies: tuple[str, ...] = ()
    """ARNs of AWS managed policies that may be attached."""
    other_types: tuple[str, ...] = ()
    """Resource types that are accepted without rules."""

    exemptions: tuple[Exemption, ...] = ()
    today: date = field(default_factory=lambda: datetime.now(tz=UTC).date())

    def exempts(self, rule: str, urn: str) -> bool:
        return any(exemption.covers(rule, urn, self.today) for exemption in self.exemptions)


def _networks(value: Any) -> tuple[Network, ...]:  # noqa: ANN401 - JSON
    return tuple(ip_network(cidr) for cidr in value)


TEXT: Final[Mapping[str, Any]] = {"type": "string"}
TEXTS: Final[Mapping[str, Any]] = {"type": "array", "items": {"type": "string"}}
NUMBER: Final[Mapping[str, Any]] = {"type": "integer", "minimum": 0}
Parse = Callable[[Any], Any]
PARAMETERS: Final[Mapping[str, tuple[Mapping[str, Any], Parse]]] = {
    "region": (TEXT, str),
    "environment": (TEXT, str),
    "vpc_cidr": (TEXT, ip_network),
    "main_vpc_cidr": (TEXT, ip_network),
    "allowed_ssh_cidrs": (TEXTS, _networks),
    "manager_identity": ({**TEXT, "enum": ["user", "irsa", "pod-identity"]}, str),
    "production_stacks": (TEXTS, tuple[str, ...]),
    "stack": (TEXT, str),
    "widest_ipv4_prefix": ({**NUMBER, "maximum": 32}, int),
    "widest_ipv6_prefix": ({**NUMBER, "maximum": 128}, int),
    "log_retention_days": (NUMBER, int),
    "access_keys": (NUMBER, int),
    "max_key_age_days": (NUMBER, int),
    "aws_managed_policies": (TEXTS, tuple[str, ...]),
    "other_types": (TEXTS, tuple[str, ...]),
}
"""The JSON schema and the parser of each parameter."""
STACK_KEYS: Final = (
    "region",
    "environment",
    "vpc_cidr",
    "main_vpc_cidr",
    "allowed_ssh_cidrs",
    "manager_identity",
)


def schema(names: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """The JSON schema of some parameters, for the pack's config."""
    return {name: dict(PARAMETERS[name][0]) for name in names}


def environment_parameters(environ: Mapping[str, str] = os.environ) -> Parameters:
    """Read the stack's config in PULUMI_CONFIG, which older engines set for the pack.

    Raises:
        ConfigError: a value of the stack's config is not valid.
    """
    config = json.loads(environ.get("PULUMI_CONFIG") or "{}")
    return stack_parameters(config, environ.get("PULUMI_STACK", ""))


def stack_parameters(config: Mapping[str, str], stack: str) -> Parameters:
    """The parameters of *stack* with this config.

    Raises:
        ConfigError: a value of the stack's config is not valid.
    """
    values: dict[str, Any] = {"stack": stack}
    for name in STACK_KEYS:
        raw = config.get(f"sandbox:{name}")
        if raw is not None:
            is_list = PARAMETERS[name][0]["type"] == "array"
            values[name] = _parse(f"sandbox:{name}", name, json.loads(raw) if is_list else raw)
    return replace(Parameters(), **values)


def with_pack_config(parameters: Parameters, given: Mapping[str, Any]) -> Parameters:
    """The parameters with the values that the pack's config sets for one rule.

    Raises:
        ConfigError: a value passes the schema and is still not valid.
    """
    if not given:
        return parameters
    names = {parameter.name for parameter in fields(Parameters)}
    return replace(
        parameters,
        **{name: _parse(name, name, value) for name, value in given.items() if name in names},
    )


def _parse(where: str, name: str, value: Any) -> Any:  # noqa: ANN401 - JSON
    try:
        return PARAMETERS[name][1](value)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{where}: {error}") from error

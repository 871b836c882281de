"""The parameters of the rules: from the stack's config, unless the pack's config sets them.

The pack reads the stack's config itself and not through the program's settings, so that it does not
repeat a mistake of the program. A value that is not valid ends the pack and the preview.
"""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, date, datetime
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, Final

from infra import names
from infra.egress import Egress
from policies.additions import Addition
from policies.exemptions import Exemption

Network = IPv4Network | IPv6Network


class ConfigError(ValueError):
    """A parameter is not valid."""


VPC: Final = IPv4Network("10.100.0.0/16")
MAIN_VPC: Final = IPv4Network("10.0.0.0/16")
WORLD: Final = IPv4Network("0.0.0.0/0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """The values that the rules compare with. Fields up to `budget_email` are keys of the stack."""

    region: str = "us-east-1"
    account_id: str = ""
    environment: str = "production"
    vpc_cidr: Network = VPC
    main_vpc_cidr: Network = MAIN_VPC
    allowed_ssh_cidrs: tuple[Network, ...] = (WORLD,)
    allowed_egress: tuple[str, ...] = ("all 0.0.0.0/0",)
    flow_logs: bool = True
    flow_log_retention_days: int = 365
    default_instance_type: str = "g5.12xlarge"
    allowed_instance_types: tuple[str, ...] = ("g5.*", "g6.*")
    volume_types: tuple[str, ...] = ("gp2", "gp3")
    max_volume_gib: int = 2_048
    capacity_reservations: tuple[str, ...] = ()
    instance_tags: tuple[str, ...] = ("Name",)
    sandbox_ami_id: str = ""
    s3_read_buckets: tuple[str, ...] = ("softmax-*",)
    s3_output_bucket: str = "softmax-sandbox-outputs"
    instances_read_outputs: bool = False
    results_per_instance: bool = False
    instances_only_from_vpc: bool = False
    ecr_repositories: tuple[str, ...] = ("*",)
    log_prefix: str = "/aws/ec2/sandbox/"
    logs_per_instance: bool = False
    instance_log_retention_days: int = 365
    manager_keys: Mapping[str, str] = field(default_factory=lambda: {"a": "current"}, hash=False)
    manager_identity: str = "user"
    manager_path: str = names.MANAGER_PATH
    oidc_provider_arn: str = ""
    service_account: str = ""
    permissions_boundary: str = ""
    monthly_budget_usd: int = 0
    budget_email: str = ""

    production_stacks: tuple[str, ...] = ("production",)
    stack: str = ""
    widest_ipv4_prefix: int = 8
    """Prefix length; a wider IPv4 range counts as the whole internet."""
    widest_ipv6_prefix: int = 32
    log_retention_days: int = 365
    """The shortest retention, in days."""
    max_key_age_days: int = 90

    additions: tuple[Addition, ...] = ()
    exemptions: tuple[Exemption, ...] = ()
    today: date = field(default_factory=lambda: datetime.now(tz=UTC).date())

    def exempts(self, rule: str, urn: str) -> bool:
        return any(exemption.covers(rule, urn, self.today) for exemption in self.exemptions)

    def adds(self, urn: str) -> bool:
        """Whether policies/additions.json lists the resource."""
        return any(addition.covers(urn) for addition in self.additions)

    @property
    def partition(self) -> str:
        """The partition of the region in ARNs."""
        prefix = self.region.partition("-")[0]
        return {"cn": "aws-cn", "us": "aws-us-gov"}[prefix] if self._is_apart else "aws"

    @property
    def _is_apart(self) -> bool:
        return self.region.startswith(("cn-", "us-gov-"))

    @property
    def launchable_types(self) -> tuple[str, ...]:
        """Patterns of the instance types that the manager may launch."""
        return (*self.allowed_instance_types, self.default_instance_type)

    @property
    def readable_results(self) -> tuple[str, ...]:
        """The bucket of results, if instances may read it."""
        return (self.s3_output_bucket,) if self.instances_read_outputs else ()


def _networks(value: Any) -> tuple[Network, ...]:  # noqa: ANN401 - JSON
    return tuple(ip_network(cidr) for cidr in value)


def _outbound_rules(value: Any) -> tuple[str, ...]:  # noqa: ANN401 - JSON
    return tuple(str(Egress.of(text)) for text in value)


TEXT: Final[Mapping[str, Any]] = {"type": "string"}
TEXTS: Final[Mapping[str, Any]] = {"type": "array", "items": {"type": "string"}}
NUMBER: Final[Mapping[str, Any]] = {"type": "integer", "minimum": 0}
FLAG: Final[Mapping[str, Any]] = {"type": "boolean"}
OBJECT: Final[Mapping[str, Any]] = {"type": "object"}
Parse = Callable[[Any], Any]
STACK_PARAMETERS: Final[Mapping[str, tuple[Mapping[str, Any], Parse]]] = {
    "region": (TEXT, str),
    "account_id": (TEXT, str),
    "environment": (TEXT, str),
    "vpc_cidr": (TEXT, ip_network),
    "main_vpc_cidr": (TEXT, ip_network),
    "allowed_ssh_cidrs": (TEXTS, _networks),
    "allowed_egress": (TEXTS, _outbound_rules),
    "flow_logs": (FLAG, bool),
    "flow_log_retention_days": (NUMBER, int),
    "default_instance_type": (TEXT, str),
    "allowed_instance_types": (TEXTS, tuple[str, ...]),
    "volume_types": (TEXTS, tuple[str, ...]),
    "max_volume_gib": (NUMBER, int),
    "capacity_reservations": (TEXTS, tuple[str, ...]),
    "instance_tags": (TEXTS, tuple[str, ...]),
    "sandbox_ami_id": (TEXT, str),
    "s3_read_buckets": (TEXTS, tuple[str, ...]),
    "s3_output_bucket": (TEXT, str),
    "instances_read_outputs": (FLAG, bool),
    "results_per_instance": (FLAG, bool),
    "instances_only_from_vpc": (FLAG, bool),
    "ecr_repositories": (TEXTS, tuple[str, ...]),
    "log_prefix": (TEXT, str),
    "logs_per_instance": (FLAG, bool),
    "instance_log_retention_days": (NUMBER, int),
    "manager_keys": (OBJECT, dict[str, str]),
    "manager_identity": ({**TEXT, "enum": ["user", "irsa", "pod-identity"]}, str),
    "manager_path": ({**TEXT, "enum": ["/service/", "/"]}, str),
    "oidc_provider_arn": (TEXT, str),
    "service_account": (TEXT, str),
    "permissions_boundary": (TEXT, str),
    "monthly_budget_usd": (NUMBER, int),
    "budget_email": (TEXT, str),
}
"""The JSON schema and the parser of each parameter that is a key of the stack."""
PARAMETERS: Final[Mapping[str, tuple[Mapping[str, Any], Parse]]] = {
    **STACK_PARAMETERS,
    "production_stacks": (TEXTS, tuple[str, ...]),
    "stack": (TEXT, str),
    "widest_ipv4_prefix": ({**NUMBER, "maximum": 32}, int),
    "widest_ipv6_prefix": ({**NUMBER, "maximum": 128}, int),
    "log_retention_days": (NUMBER, int),
    "max_key_age_days": (NUMBER, int),
}
"""The same for every parameter."""


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
    for name, (accepted, _) in STACK_PARAMETERS.items():
        raw = config.get(f"sandbox:{name}")
        if raw is not None:
            is_text = accepted["type"] == "string"
            values[name] = _parse(f"sandbox:{name}", name, raw if is_text else json.loads(raw))
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

"""Inbound traffic: only SSH, and only from the configured networks."""

from collections.abc import Iterator
from typing import Final

from infra import catalogue
from policies.config import Network, Parameters
from policies.rule import (
    CheckedResource,
    Finding,
    Level,
    ResourceRule,
    Rule,
    as_network,
    elements,
    text,
)
from policies.shown_values import show

SOURCES: Final = frozenset({catalogue.INGRESS_RULE.name, catalogue.PREFIX_LIST.name})


def sources_as_configured(resource: CheckedResource, parameters: Parameters) -> Iterator[Finding]:
    for key, cidr in _sources(resource):
        if cidr and not any(_inside(cidr, network) for network in parameters.allowed_ssh_cidrs):
            problem = "is not inside a network of sandbox:allowed_ssh_cidrs"
            yield Finding(property=key, value=show(cidr), problem=problem)


def _inside(cidr: str, network: Network) -> bool:
    inner = as_network(cidr)
    if inner.version != network.version:
        return False
    return inner.subnet_of(network)  # pyrefly: ignore[bad-argument-type] - the versions are equal


def not_world_open(resource: CheckedResource, parameters: Parameters) -> Iterator[Finding]:
    widest = {4: parameters.widest_ipv4_prefix, 6: parameters.widest_ipv6_prefix}
    for key, cidr in _sources(resource):
        if cidr and (network := as_network(cidr)).prefixlen < widest[network.version]:
            problem = "lets everyone on the internet try to log in"
            yield Finding(property=key, value=show(cidr), problem=problem)


def described(resource: CheckedResource, _: Parameters) -> Iterator[Finding]:
    description = text(resource.props, "description")
    if not description.strip() or description == "Managed by Pulumi":  # the provider's default
        yield Finding(property="description", value="not set", problem="is required")


def _sources(resource: CheckedResource) -> Iterator[tuple[str, str]]:
    """Every range that an ingress rule or a prefix list admits, with its property."""
    if resource.resource_type == catalogue.PREFIX_LIST.name:
        for entry in elements(resource.props, "entries"):
            yield "entries.cidr", text(entry(), "cidr")
    else:
        for key in ("cidrIpv4", "cidrIpv6"):
            yield key, text(resource.props, key)


RULES: Final[tuple[Rule, ...]] = (
    ResourceRule(
        id="ssh-from-configured-networks",
        why="The stack's config decides who may connect, because changes to it are reviewed.",
        fix="Add the network to sandbox:allowed_ssh_cidrs, or remove it.",
        parameters=("allowed_ssh_cidrs",),
        types=SOURCES,
        check=sources_as_configured,
    ),
    ResourceRule(
        id="ssh-not-world-open",
        why="Only the researchers need SSH; an open port invites everyone else to attack it.",
        fix="Set sandbox:allowed_ssh_cidrs to the networks that your researchers use.",
        level=Level.ADVISORY,  # 0.0.0.0/0 is the setting's default; policies/strict.json refuses it
        references=("CIS 6.3", "CIS 6.4", "FSBP EC2.13"),
        parameters=("widest_ipv4_prefix", "widest_ipv6_prefix"),
        types=SOURCES,
        check=not_world_open,
    ),
    ResourceRule(
        id="security-group-rules-described",
        why="A later reviewer must know the purpose of a rule.",
        fix="Write into description which traffic the rule admits, and who needs it.",
        types=frozenset(
            {catalogue.SECURITY_GROUP.name, catalogue.INGRESS_RULE.name, catalogue.EGRESS_RULE.name}
        ),
        check=described,
    ),
)

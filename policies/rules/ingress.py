"""Inbound traffic: only SSH, and only from the configured networks."""

from collections.abc import Iterator
from typing import Final

from infra import catalogue
from policies.config import Network, Parameters
from policies.rule import (
    Finding,
    Level,
    Resource,
    ResourceRule,
    Rule,
    Stack,
    StackResource,
    StackRule,
    as_network,
    decide_each,
    elements,
    given,
    is_unknown,
    refers_to,
    text,
)
from policies.show import show

SSH: Final = 22
TCP: Final = ("tcp", "6")
INGRESS_RULES: Final = frozenset({catalogue.INGRESS_RULE.name})


def only_ssh(rule: Resource, _: Parameters) -> Iterator[Finding]:
    protocol = text(rule.props, "ipProtocol").lower()
    if protocol not in TCP:  # "-1" is every protocol, and AWS then ignores the ports
        problem = "lets in other protocols than TCP"
        yield Finding(property="ipProtocol", value=show(protocol), problem=problem)
        return
    ports = given(rule.props, "fromPort"), given(rule.props, "toPort")
    if ports != (SSH, SSH):
        value = " to ".join("not set" if port is None else show(port) for port in ports)
        problem = f"is not port {SSH} alone"
        yield Finding(property="fromPort to toPort", value=value, problem=problem)


def from_configured_networks(rule: Resource, parameters: Parameters) -> Iterator[Finding]:
    yield from sources_as_configured(rule, parameters)
    key = "referencedSecurityGroupId"
    if is_unknown(rule.props, key) or text(rule.props, key):
        problem = "lets in a security group instead of a configured network"
        yield Finding(property=key, value="set", problem=problem)


def prefix_list_in_stack(stack: Stack, _: Parameters) -> Iterator[Finding]:
    def check(rule: StackResource) -> Iterator[Finding]:
        if not is_unknown(rule.props, "prefixListId") and not text(rule.props, "prefixListId"):
            return
        prefix_lists = stack.of_type(catalogue.PREFIX_LIST.name)
        if not any(refers_to(rule, "prefixListId", prefix_list) for prefix_list in prefix_lists):
            problem = "is not a prefix list of this stack"
            yield Finding(resource=rule, property="prefixListId", value="set", problem=problem)

    yield from decide_each(stack.of_type(catalogue.INGRESS_RULE.name), check)


def sources_as_configured(resource: Resource, parameters: Parameters) -> Iterator[Finding]:
    for key, cidr in _sources(resource):
        if cidr and not any(_inside(cidr, network) for network in parameters.allowed_ssh_cidrs):
            problem = "is not inside a network of sandbox:allowed_ssh_cidrs"
            yield Finding(property=key, value=show(cidr), problem=problem)


def _inside(cidr: str, network: Network) -> bool:
    inner = as_network(cidr)
    if inner.version != network.version:
        return False
    return inner.subnet_of(network)  # type: ignore[arg-type]  # the versions are equal


def not_world_open(resource: Resource, parameters: Parameters) -> Iterator[Finding]:
    widest = {4: parameters.widest_ipv4_prefix, 6: parameters.widest_ipv6_prefix}
    for key, cidr in _sources(resource):
        if cidr and (network := as_network(cidr)).prefixlen < widest[network.version]:
            problem = "lets everyone on the internet try to log in"
            yield Finding(property=key, value=show(cidr), problem=problem)


def no_inline_rules(group: Resource, _: Parameters) -> Iterator[Finding]:
    for key in ("ingress", "egress"):
        for _rule in elements(group.props, key):
            yield Finding(property=key, value="set", problem="is an inline rule")


def described(resource: Resource, _: Parameters) -> Iterator[Finding]:
    description = text(resource.props, "description")
    if not description.strip() or description == "Managed by Pulumi":  # the provider's default
        yield Finding(property="description", value="not set", problem="is required")


def _sources(resource: Resource) -> Iterator[tuple[str, str]]:
    """Every range that an ingress rule or a prefix list lets in, with its property."""
    if resource.resource_type == catalogue.PREFIX_LIST.name:
        for entry in elements(resource.props, "entries"):
            yield "entries.cidr", text(entry(), "cidr")
    else:
        for key in ("cidrIpv4", "cidrIpv6"):
            yield key, text(resource.props, key)


RULES: Final[tuple[Rule, ...]] = (
    ResourceRule(
        id="ingress-only-ssh",
        why="Researchers need SSH; every other open port only helps an attacker.",
        fix="Let in TCP port 22 only.",
        references=("CIS 5.3", "FSBP EC2.19"),
        types=INGRESS_RULES,
        check=only_ssh,
    ),
    ResourceRule(
        id="ssh-from-configured-networks",
        why="The stack's config decides who may connect, because changes to it are reviewed.",
        fix="Add the network to sandbox:allowed_ssh_cidrs, or remove the rule.",
        parameters=("allowed_ssh_cidrs",),
        types=INGRESS_RULES,
        check=from_configured_networks,
    ),
    StackRule(
        id="ssh-prefix-list-in-stack",
        why="The owner of a prefix list decides who may connect.",
        fix="Use a prefix list that this stack makes from sandbox:allowed_ssh_cidrs.",
        check=prefix_list_in_stack,
    ),
    ResourceRule(
        id="ssh-prefix-list-as-configured",
        why="The stack's config decides who may connect, because changes to it are reviewed.",
        fix="Add the network to sandbox:allowed_ssh_cidrs, or remove the entry.",
        parameters=("allowed_ssh_cidrs",),
        types=frozenset({catalogue.PREFIX_LIST.name}),
        check=sources_as_configured,
    ),
    ResourceRule(
        id="ssh-not-world-open",
        why="Only the researchers need SSH; an open port invites everyone else to attack it.",
        fix="Set sandbox:allowed_ssh_cidrs to the networks that your researchers use.",
        level=Level.ADVISORY,  # 0.0.0.0/0 is the setting's default; policies/strict.json refuses it
        references=("CIS 5.3", "CIS 5.4", "FSBP EC2.13"),
        parameters=("widest_ipv4_prefix", "widest_ipv6_prefix"),
        types=INGRESS_RULES | {catalogue.PREFIX_LIST.name},
        check=not_world_open,
    ),
    ResourceRule(
        id="no-inline-security-group-rules",
        why="Inline rules replace the separate ones, which the other rules of this pack check.",
        fix="Use one aws.vpc.SecurityGroupIngressRule or EgressRule per rule.",
        types=frozenset({catalogue.SECURITY_GROUP.name}),
        check=no_inline_rules,
    ),
    ResourceRule(
        id="security-group-rules-described",
        why="A later reviewer must know the purpose of a rule.",
        fix="Write into description what the rule lets through, and for whom.",
        types=frozenset(
            {catalogue.SECURITY_GROUP.name, catalogue.INGRESS_RULE.name, catalogue.EGRESS_RULE.name}
        ),
        check=described,
    ),
)

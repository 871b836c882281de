"""Nothing reaches a sandbox but SSH, and only from the configured networks."""

from collections.abc import Iterator
from typing import Final

from policies import resource_types as kinds
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
    points_to,
    text,
)
from policies.show import show

SSH: Final = 22
TCP: Final = ("tcp", "6")
CIDRS: Final = ("cidrIpv4", "cidrIpv6")
GROUPS: Final = frozenset({kinds.GROUP})
INGRESS_RULES: Final = frozenset({kinds.INGRESS, kinds.OLD_GROUP_RULE})


def only_ssh(rule: Resource, parameters: Parameters) -> Iterator[Finding]:
    del parameters
    if not _is_inbound(rule):
        return
    protocol = (text(rule.props, "ipProtocol") or text(rule.props, "protocol")).lower()
    if protocol not in TCP:
        yield Finding(  # "-1" is every protocol, and AWS then ignores the ports
            at="ipProtocol", value=show(protocol), wrong="lets in more than TCP"
        )
    ports = given(rule.props, "fromPort"), given(rule.props, "toPort")
    if protocol in TCP and ports != (SSH, SSH):
        value = " to ".join("not set" if port is None else show(port) for port in ports)
        yield Finding(at="fromPort to toPort", value=value, wrong=f"is not port {SSH} alone")


def from_configured_networks(rule: Resource, parameters: Parameters) -> Iterator[Finding]:
    if not _is_inbound(rule):
        return
    yield from sources_as_configured(rule, parameters)
    for key in ("referencedSecurityGroupId", "sourceSecurityGroupId"):
        if is_unknown(rule.props, key) or text(rule.props, key):
            yield Finding(at=key, value="set", wrong="lets in a group, not a configured network")
    if given(rule.props, "self"):
        yield Finding(at="self", value="true", wrong="lets sandboxes into each other")
    for _ in elements(rule.props, "prefixListIds"):
        yield Finding(at="prefixListIds", value="set", wrong="is a list of networks kept elsewhere")


def prefix_lists_are_the_stacks(stack: Stack, parameters: Parameters) -> Iterator[Finding]:
    del parameters

    def check(rule: StackResource) -> Iterator[Finding]:
        if not is_unknown(rule.props, "prefixListId") and not text(rule.props, "prefixListId"):
            return
        lists = stack.of(kinds.PREFIX_LIST)
        if not any(points_to(rule, "prefixListId", one) for one in lists):
            wrong = "is a list of networks kept elsewhere"
            yield Finding(on=rule, at="prefixListId", value="set", wrong=wrong)

    yield from decide_each(stack.of(kinds.INGRESS), check)


def sources_as_configured(resource: Resource, parameters: Parameters) -> Iterator[Finding]:
    for at, cidr in _sources(resource):
        if cidr and not any(_inside(cidr, one) for one in parameters.allowed_ssh_cidrs):
            wrong = "is in no network of sandbox:allowed_ssh_cidrs"
            yield Finding(at=at, value=show(cidr), wrong=wrong)


def _inside(cidr: str, network: Network) -> bool:
    inner = as_network(cidr)
    if inner.version != network.version:
        return False
    return inner.subnet_of(network)  # type: ignore[arg-type]  # the versions are equal


def not_world_open(resource: Resource, parameters: Parameters) -> Iterator[Finding]:
    widest = {4: parameters.widest_ipv4_prefix, 6: parameters.widest_ipv6_prefix}
    for at, cidr in _sources(resource):
        if cidr and (network := as_network(cidr)).prefixlen < widest[network.version]:
            yield Finding(at=at, value=show(cidr), wrong="anyone can try to log in")


def no_inline_rules(group: Resource, parameters: Parameters) -> Iterator[Finding]:
    del parameters
    if group.resource_type == kinds.OLD_GROUP_RULE:
        yield Finding(wrong="is the old kind of rule, which fights with inline and single ones")
        return
    for key in ("ingress", "egress"):
        for _ in elements(group.props, key):
            yield Finding(at=key, value="set", wrong="is an inline rule")


def described(resource: Resource, parameters: Parameters) -> Iterator[Finding]:
    del parameters
    description = text(resource.props, "description")
    if not description.strip() or description == "Managed by Pulumi":  # the provider's stand-in
        yield Finding(at="description", value="not set", wrong="says nothing")


def _is_inbound(rule: Resource) -> bool:
    return rule.resource_type == kinds.INGRESS or text(rule.props, "type") == "ingress"


def _sources(resource: Resource) -> Iterator[tuple[str, str]]:
    """Every range that a rule lets in, or that a prefix list holds, and where it stands."""
    props = resource.props
    if resource.resource_type == kinds.PREFIX_LIST:
        for entry in elements(props, "entries"):
            yield "entries.cidr", text(entry(), "cidr")
    elif _is_inbound(resource):
        for key in CIDRS:
            yield key, text(props, key)
        for key in ("cidrBlocks", "ipv6CidrBlocks"):
            for one in elements(props, key):
                yield key, one()


RULES: Final[tuple[Rule, ...]] = (
    ResourceRule(
        id="ingress-only-ssh",
        why="Researchers need SSH; every other open port can only be attacked.",
        fix="Let in tcp 22 to 22 and nothing else.",
        references=("CIS 5.3", "FSBP EC2.19", "CKV_AWS_25", "CKV_AWS_260", "CKV_AWS_277"),
        on=INGRESS_RULES,
        check=only_ssh,
    ),
    ResourceRule(
        id="ssh-from-configured-networks",
        why="Who may connect is decided in the stack's config, where it is reviewed.",
        fix="Add the network to sandbox:allowed_ssh_cidrs, or remove the rule.",
        takes=("allowed_ssh_cidrs",),
        on=INGRESS_RULES,
        check=from_configured_networks,
    ),
    StackRule(
        id="ssh-prefix-list-is-own",
        why="Whoever keeps a prefix list decides who may connect.",
        fix="Use a prefix list that this stack makes from sandbox:allowed_ssh_cidrs.",
        check=prefix_lists_are_the_stacks,
    ),
    ResourceRule(
        id="ssh-prefix-list-as-configured",
        why="Who may connect is decided in the stack's config, where it is reviewed.",
        fix="Add the network to sandbox:allowed_ssh_cidrs, or remove the entry.",
        takes=("allowed_ssh_cidrs",),
        on=frozenset({kinds.PREFIX_LIST}),
        check=sources_as_configured,
    ),
    ResourceRule(
        id="ssh-not-world-open",
        why="Only the researchers need SSH; anyone else can only attack it.",
        fix="Set sandbox:allowed_ssh_cidrs to the networks that your researchers use.",
        level=Level.ADVISORY,  # 0.0.0.0/0 is the setting's default; policies/strict.json refuses it
        references=("CIS 5.3", "CIS 5.4", "FSBP EC2.13", "CKV_AWS_24"),
        takes=("widest_ipv4_prefix", "widest_ipv6_prefix"),
        on=INGRESS_RULES | {kinds.PREFIX_LIST},
        check=not_world_open,
    ),
    ResourceRule(
        id="no-inline-group-rules",
        why="Inline rules remove the single ones, which the other rules of this pack look at.",
        fix="Use one aws.vpc.SecurityGroupIngressRule or EgressRule per rule.",
        on=GROUPS | {kinds.OLD_GROUP_RULE},
        check=no_inline_rules,
    ),
    ResourceRule(
        id="group-rules-described",
        why="Who reviews a rule later has to know what it is for.",
        fix="Say in description what is let through, and for whom.",
        references=("CKV_AWS_23",),
        on=GROUPS | {kinds.INGRESS, kinds.EGRESS},
        check=described,
    ),
)

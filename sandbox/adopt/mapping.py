"""Map the resources of a Terraform state to the resources of this program. Pure.

A resource is recognised by what it is in AWS (the name of the security group, the VPC of the group,
the route table of the default route) and not by its Terraform address. So an environment whose
module was renamed, or sits inside another module, maps in the same way.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, ip_network
from types import MappingProxyType
from typing import Final

from infra import access_keys, addresses, catalogue, names
from infra.access_keys import Keys, Slot, Stage
from infra.components.ssh_access import egress_name
from infra.egress import PROTOCOLS, WITH_PORTS, Egress, protocol_name
from infra.preflight.quotas import MAX_RULES
from sandbox.adopt import manager_identity
from sandbox.adopt.manager_identity import ManagerIdentity
from sandbox.adopt.old_rules import EGRESS_RULE, INGRESS_RULE, OLD_RULE, with_new_rules
from sandbox.adopt.terraform_state import State, TerraformResource
from sandbox.core.errors import RefusedError

NETWORK: Final = "sandbox:network:Network"
ACCESS: Final = "sandbox:ssh_access:SshAccess"
INSTANCES: Final = "sandbox:instances:Instances"
MANAGER: Final = "sandbox:manager:Manager"
COMPONENTS: Final = (NETWORK, ACCESS, INSTANCES, MANAGER)
"""Each has the logical name `sandbox` and the stack as its parent."""
COMPONENT_NAME: Final = "sandbox"
INACTIVE: Final = "Inactive"
"""IAM's status of a key that is switched off."""
SSH: Final = 22
EVERYWHERE: Final = "0.0.0.0/0"
APPLY: Final = "complete the environment with: terraform apply"
PULL_AGAIN: Final = f"take the whole state with: terraform state pull, or {APPLY}"
NOT_THE_MODULES_STATE: Final = (
    "so it is not a state of the sandbox module, or not a complete one; name the state of the "
    f"module that created this environment, or {APPLY}"
)
REMOVE_OTHER: Final = "remove the one that is not the sandbox's with: terraform state rm"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptedResource:
    """A resource that the state holds and that this program registers."""

    address: str
    """In Terraform."""
    where: str
    """The state that holds it; "" if none does."""
    type: str
    """In Pulumi."""
    parent: str
    """The type of its component."""
    name: str
    import_id: str
    id: str
    """As the state holds it. Some versions of the provider form another id."""
    state_only_properties: Mapping[str, bool] = field(default_factory=dict[str, bool])
    """Properties that AWS does not store, so that the provider cannot read them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftAlone:
    """A resource that the state holds and that this program does not register."""

    address: str
    where: str
    id: str
    reason: str
    of_module: bool = False
    """Whether the module made it, so that Terraform may forget it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKey:
    """An access key of the manager, with the values that AWS returns only at its creation."""

    id: str
    secret: str = field(repr=False)
    smtp_password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """The ids by which the table recognises the resources of the sandbox."""

    vpc: TerraformResource
    security_group: str
    gateway: str
    route_table: str
    zones: Mapping[str, str]
    """Zone by subnet id, of the subnets that use *route_table*."""
    slots: Mapping[str, int]
    """Slot by zone."""
    policies: Mapping[str, str]
    """ARN by name."""
    key_slots: Mapping[str, Slot]
    """Slot by Terraform address, of the manager's access keys."""
    manager: ManagerIdentity


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptionPlan:
    """The whole mapping of one state."""

    environment: Environment
    adopted: tuple[AdoptedResource, ...]
    left_alone: tuple[LeftAlone, ...]
    ssh_ranges: tuple[str, ...]
    """The ranges that reach port 22."""
    egress: tuple[str, ...]
    """The outbound rules, as the setting `allowed_egress` writes them."""
    access_keys: Mapping[str, AccessKey]
    """By Terraform address, the manager's keys whose secret the state holds."""
    key_stages: Keys
    """Stage by slot, of the adopted keys and of one that the next update creates."""
    log_retention_days: int | None = None
    """Of the log group that instances created: 0 keeps events for ever; None without a group."""


Match = Callable[[TerraformResource, Environment], bool]
Text = Callable[[TerraformResource, Environment], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingRow:
    """One line of the mapping: which Terraform resource becomes which resource of the program."""

    terraform_type: str
    type: str
    parent: str
    name: Text
    matches: Match
    import_id: Text = lambda resource, _: resource.id
    state_only_properties: Mapping[str, str] = field(default_factory=dict[str, str])
    """Pulumi's property by Terraform's attribute."""
    required: bool = True
    """Whether a state without this resource is incomplete."""
    manager: str = ""
    """The kind of manager that has it; "" for both."""

    def is_for(self, environment: Environment) -> bool:
        """Whether the manager of *environment* can have it."""
        return self.manager in {"", environment.manager.kind}


def always(name: str) -> Text:
    return lambda _resource, _environment: name


def in_vpc(resource: TerraformResource, environment: Environment) -> bool:
    return resource.text("vpc_id") == environment.vpc.id


def in_security_group(resource: TerraformResource, environment: Environment) -> bool:
    return resource.text("security_group_id") == environment.security_group


def is_ssh(resource: TerraformResource, environment: Environment) -> bool:
    ports = (resource.attributes.get("from_port"), resource.attributes.get("to_port"))
    return (
        in_security_group(resource, environment)
        and resource.text("ip_protocol") in {"tcp", "6"}
        and ports == (SSH, SSH)
        and bool(resource.text("cidr_ipv4") or resource.text("cidr_ipv6"))
    )


def is_egress(resource: TerraformResource, environment: Environment) -> bool:
    return in_security_group(resource, environment) and egress(resource) is not None


def egress(resource: TerraformResource) -> Egress | None:
    """The outbound rule as the program writes it; None if the program cannot have it."""
    cidr = resource.text("cidr_ipv4") or resource.text("cidr_ipv6")
    protocol = resource.text("ip_protocol")
    if not cidr or protocol not in PROTOCOLS.values():
        return None
    protocol = protocol_name(protocol)
    first, last = (resource.attributes.get(key) for key in ("from_port", "to_port"))
    ports = (int(first or 0), int(last or 0)) if protocol in WITH_PORTS else None
    return Egress(protocol=protocol, ports=ports, cidr=ip_network(cidr, strict=False))


def name_of_egress(resource: TerraformResource, _environment: Environment) -> str:
    rule = egress(resource)
    return egress_name(rule) if rule else names.EGRESS_RULE


def is_default_route(resource: TerraformResource, environment: Environment) -> bool:
    return (
        resource.text("gateway_id") == environment.gateway
        and resource.text("destination_cidr_block") == EVERYWHERE
    )


def zone_name(resource: TerraformResource, environment: Environment) -> str:
    return f"{names.SUBNET}-{environment.zones[resource.text('subnet_id') or resource.id]}"


def ssh_range(resource: TerraformResource) -> str:
    """The range as the program writes it: `2001:DB8::/32` becomes `2001:db8::/32`."""
    text = resource.text("cidr_ipv4") or resource.text("cidr_ipv6")
    return str(ip_network(text, strict=False))


def identity(  # noqa: PLR0913 - the columns of the table
    kind: str,
    resource_type: catalogue.ResourceType,
    parent: str,
    name: str,
    state_only_properties: Mapping[str, str] = MappingProxyType({}),
    *,
    manager: str = "",
) -> MappingRow:
    """A role, an instance profile or a user, which IAM identifies by its name."""
    return MappingRow(
        terraform_type=f"aws_iam_{kind}",
        type=resource_type.name,
        parent=parent,
        name=always(name),
        matches=lambda resource, _: resource.text("name") == name,
        state_only_properties=state_only_properties,
        manager=manager,
    )


def policy(parent: str, name: str) -> MappingRow:
    return MappingRow(
        terraform_type="aws_iam_policy",
        type=catalogue.POLICY.name,
        parent=parent,
        name=always(name),
        matches=lambda resource, environment: resource.id == environment.policies[name],
    )


def attachment(  # noqa: PLR0913 - the columns of the table
    kind: str,
    resource_type: catalogue.ResourceType,
    parent: str,
    name: str,
    policy_name: str,
    *,
    manager: str = "",
) -> MappingRow:
    """The policy *policy_name* on the role or user *name*."""
    return MappingRow(
        terraform_type=f"aws_iam_{kind}_policy_attachment",
        type=resource_type.name,
        parent=parent,
        name=always(name),
        matches=lambda resource, environment: (
            (resource.text(kind), resource.text("policy_arn"))
            == (name, environment.policies[policy_name])
        ),
        manager=manager,
        import_id=lambda resource, _: f"{resource.text(kind)}/{resource.text('policy_arn')}",
    )


REVOKE_RULES: Final = {"revoke_rules_on_delete": "revokeRulesOnDelete"}
TABLE: Final[tuple[MappingRow, ...]] = (
    MappingRow(
        terraform_type="aws_vpc",
        type=catalogue.VPC.name,
        parent=NETWORK,
        name=always(names.VPC),
        matches=lambda resource, environment: resource.id == environment.vpc.id,
    ),
    MappingRow(
        terraform_type="aws_default_security_group",
        type=catalogue.DEFAULT_SECURITY_GROUP.name,
        parent=NETWORK,
        name=always(f"{names.VPC}-default"),
        matches=in_vpc,
        state_only_properties=REVOKE_RULES,
        required=False,
    ),
    MappingRow(
        terraform_type="aws_internet_gateway",
        type=catalogue.INTERNET_GATEWAY.name,
        parent=NETWORK,
        name=always(names.VPC),
        matches=lambda resource, environment: resource.id == environment.gateway,
    ),
    MappingRow(
        terraform_type="aws_route_table",
        type=catalogue.ROUTE_TABLE.name,
        parent=NETWORK,
        name=always(names.SUBNET),
        matches=lambda resource, environment: resource.id == environment.route_table,
    ),
    MappingRow(
        terraform_type="aws_route",
        type=catalogue.ROUTE.name,
        parent=NETWORK,
        name=always(f"{names.SUBNET}-internet"),
        matches=is_default_route,
        import_id=lambda resource, _: f"{resource.text('route_table_id')}_{EVERYWHERE}",
    ),
    MappingRow(
        terraform_type="aws_subnet",
        type=catalogue.SUBNET.name,
        parent=NETWORK,
        name=zone_name,
        matches=lambda resource, environment: resource.id in environment.zones,
    ),
    MappingRow(
        terraform_type="aws_route_table_association",
        type=catalogue.ROUTE_TABLE_ASSOCIATION.name,
        parent=NETWORK,
        name=zone_name,
        matches=lambda resource, environment: resource.text("subnet_id") in environment.zones,
        import_id=lambda resource, _: (
            f"{resource.text('subnet_id')}/{resource.text('route_table_id')}"
        ),
    ),
    MappingRow(
        terraform_type="aws_security_group",
        type=catalogue.SECURITY_GROUP.name,
        parent=ACCESS,
        name=always(names.SECURITY_GROUP),
        matches=lambda resource, environment: resource.id == environment.security_group,
        state_only_properties=REVOKE_RULES,
    ),
    MappingRow(
        terraform_type=INGRESS_RULE,
        type=catalogue.INGRESS_RULE.name,
        parent=ACCESS,
        name=lambda resource, _: f"{names.SSH_RULE}-{ssh_range(resource).replace(':', '.')}",
        matches=is_ssh,
    ),
    MappingRow(
        terraform_type=EGRESS_RULE,
        type=catalogue.EGRESS_RULE.name,
        parent=ACCESS,
        name=name_of_egress,
        matches=is_egress,
    ),
    identity("role", catalogue.ROLE, INSTANCES, names.INSTANCE_ROLE),
    policy(INSTANCES, names.INSTANCE_POLICY),
    attachment(
        *("role", catalogue.ROLE_POLICY_ATTACHMENT, INSTANCES),
        *(names.INSTANCE_ROLE, names.INSTANCE_POLICY),
    ),
    identity("instance_profile", catalogue.INSTANCE_PROFILE, INSTANCES, names.INSTANCE_PROFILE),
    identity(
        *("user", catalogue.USER, MANAGER, names.MANAGER),
        {"force_destroy": "forceDestroy"},
        manager="user",
    ),
    identity("role", catalogue.ROLE, MANAGER, names.MANAGER, manager="role"),
    policy(MANAGER, names.MANAGER_POLICY),
    attachment(
        *("user", catalogue.USER_POLICY_ATTACHMENT, MANAGER),
        *(names.MANAGER, names.MANAGER_POLICY),
        manager="user",
    ),
    attachment(
        *("role", catalogue.ROLE_POLICY_ATTACHMENT, MANAGER),
        *(names.MANAGER, names.MANAGER_POLICY),
        manager="role",
    ),
    MappingRow(
        terraform_type="aws_iam_access_key",
        type=catalogue.ACCESS_KEY.name,
        parent=MANAGER,
        name=lambda resource, environment: access_keys.resource_name(
            environment.key_slots[resource.address]
        ),
        matches=lambda resource, environment: resource.address in environment.key_slots,
        required=False,
    ),
)
LEFT_ALONE: Final[Mapping[str, str]] = {
    "aws_default_network_acl": "the program does not manage the VPC's default network ACL",
    "aws_default_route_table": "the program does not manage the VPC's default route table",
    manager_identity.ASSOCIATION: (
        "it belongs to the cluster and keeps its effect, since the role keeps its ARN"
    ),
}
POLICIES_OF_IDENTITIES: Final = frozenset(
    f"aws_iam_{kind}_policy{suffix}" for kind in ("role", "user") for suffix in ("", "_attachment")
)
"""What gives a role or a user permissions."""
OF_EVERY_VPC: Final = frozenset({"aws_default_network_acl", "aws_default_route_table"})
"""What AWS makes with a VPC, and the module lists."""
UNKNOWN: Final = "the program has no such resource"


def plan_adoption(state: State, *, rotate_key: bool = False) -> AdoptionPlan:
    """Map every resource of *state*.

    Raises:
        RefusedError: the state is not of the sandbox module, or the program cannot adopt it
            without changing something.
    """
    _require_no_problem(state)
    state = with_new_rules(state)
    manager_keys = _manager_keys(state)
    environment = _environment(state, manager_keys)
    adopted: list[AdoptedResource] = []
    left_alone: list[LeftAlone] = []
    for resource in state.resources:
        row = next(
            (
                row
                for row in TABLE
                if row.terraform_type == resource.type
                and row.is_for(environment)
                and row.matches(resource, environment)
            ),
            None,
        )
        if row is None:
            # a state beside that of the sandbox holds much that is not the sandbox's
            if resource.where == environment.vpc.where:
                left_alone.append(_left_alone(resource, environment))
        else:
            adopted.append(_adopted(row, resource, environment))
    _require_complete(state, environment, adopted)
    _require_unique(state, adopted)
    ssh_ranges = tuple(
        ssh_range(rule) for rule in state.of(INGRESS_RULE) if is_ssh(rule, environment)
    )
    _require_single_rules(state, ssh_ranges)
    return AdoptionPlan(
        environment=environment,
        adopted=tuple(adopted),
        left_alone=tuple(left_alone),
        ssh_ranges=ssh_ranges,
        egress=tuple(
            str(egress(rule)) for rule in state.of(EGRESS_RULE) if is_egress(rule, environment)
        ),
        access_keys={
            key.address: AccessKey(
                id=key.id,
                secret=key.text("secret"),
                smtp_password=key.text("ses_smtp_password_v4"),
            )
            for key in manager_keys
            if key.text("secret")
        },
        key_stages=_key_stages(state, manager_keys, rotate_key=rotate_key),
    )


def _left_alone(resource: TerraformResource, environment: Environment) -> LeftAlone:
    return LeftAlone(
        address=resource.address,
        where=resource.where,
        id=resource.id,
        reason=_reason(resource, environment),
        of_module=resource.type in OF_EVERY_VPC and in_vpc(resource, environment),
    )


def _reason(resource: TerraformResource, environment: Environment) -> str:
    """Why *resource* is left alone, and what becomes of it."""
    identity = resource.text("role") or resource.text("user")
    if resource.type in POLICIES_OF_IDENTITIES and identity in {names.INSTANCE_ROLE, names.MANAGER}:
        return f"it stays attached, but the program denies {identity} what only it allows"
    if resource.type in {EGRESS_RULE, OLD_RULE} and in_security_group(resource, environment):
        return "it stays as it is; no setting of the program describes such a rule"
    return LEFT_ALONE.get(resource.type, UNKNOWN)


def _require_no_problem(state: State) -> None:
    """Refuse a half-finished change of anything that may be adopted; others' may stay so."""
    types = {row.terraform_type for row in TABLE}
    for resource in state.resources:
        if resource.problem and resource.type in types:
            raise RefusedError(f"{resource.where}: {resource.problem}")


def _adopted(
    row: MappingRow, resource: TerraformResource, environment: Environment
) -> AdoptedResource:
    return AdoptedResource(
        address=resource.address,
        where=resource.where,
        type=row.type,
        parent=row.parent,
        name=row.name(resource, environment),
        import_id=row.import_id(resource, environment),
        id=resource.id,
        state_only_properties={
            name: resource.attributes.get(attribute) is True
            for attribute, name in row.state_only_properties.items()
        },
    )


def _environment(state: State, manager_keys: Sequence[TerraformResource]) -> Environment:
    security_group = _only(state, "aws_security_group", name=names.SECURITY_GROUP)
    vpc = _only(state, "aws_vpc", id=security_group.text("vpc_id"))
    gateway = _only(state, "aws_internet_gateway", vpc_id=vpc.id)
    ipv4_routes = {"gateway_id": gateway.id, "destination_cidr_block": EVERYWHERE}
    route_table = _only(state, "aws_route", **ipv4_routes).text("route_table_id")
    public = {
        association.text("subnet_id")
        for association in state.of("aws_route_table_association")
        if association.text("route_table_id") == route_table
    }
    subnets = [subnet for subnet in state.of("aws_subnet") if subnet.id in public]
    manager = manager_identity.manager_identity(state)
    return Environment(
        vpc=vpc,
        security_group=security_group.id,
        gateway=gateway.id,
        route_table=route_table,
        zones={subnet.id: subnet.text("availability_zone") for subnet in subnets},
        slots=_slots(state, vpc, subnets),
        policies={
            name: _only(state, "aws_iam_policy", name=name).id
            for name in (names.MANAGER_POLICY, names.INSTANCE_POLICY)
        },
        key_slots={
            key.address: slot for key, slot in zip(manager_keys, access_keys.SLOTS, strict=False)
        },
        manager=manager,
    )


def _only(state: State, terraform_type: str, **attributes: str) -> TerraformResource:
    matching = [
        resource
        for resource in state.of(terraform_type)
        if all(resource.text(key) == value for key, value in attributes.items())
    ]
    wanted = " and ".join(f"{key} = {value}" for key, value in attributes.items())
    match matching:
        case [resource] if resource.id:
            return resource
        case [] | [_]:
            raise RefusedError(
                f"{state.where}: has no {terraform_type} with {wanted}, {NOT_THE_MODULES_STATE}"
            )
        case _:
            raise RefusedError(
                f"{state.where}: {' and '.join(resource.address for resource in matching)} both "
                f"have {wanted}; {REMOVE_OTHER}"
            )


def _slots(
    state: State, vpc: TerraformResource, subnets: Sequence[TerraformResource]
) -> Mapping[str, int]:
    """The slot of each zone.

    Raises:
        RefusedError: a subnet is not one that the program can have.
    """
    vpc_range = IPv4Network(vpc.text("cidr_block"))
    slot_by_range = {
        str(addresses.block(vpc_range, slot)): slot
        for slot in range(addresses.slot_count(vpc_range))
    }
    by_zone: dict[str, TerraformResource] = {}
    # the module's own subnets first, so that a message names the subnet of the user
    for subnet in sorted(subnets, key=lambda subnet: subnet.module != vpc.module):
        cidr, zone = subnet.text("cidr_block"), subnet.text("availability_zone")
        if zone in by_zone:
            raise RefusedError(_second_subnet(state, vpc, by_zone[zone], subnet))
        if cidr not in slot_by_range:
            raise RefusedError(
                f"{state.where}: {subnet.address} has the range {cidr}, which is not a slot of "
                f"{vpc_range} (the first three are {', '.join(list(slot_by_range)[:3])}), so the "
                "program would replace it; empty the subnet and remove it with Terraform first"
            )
        by_zone[zone] = subnet
    if not by_zone:
        raise RefusedError(
            f"{state.where}: {vpc.address} has no public subnet, {NOT_THE_MODULES_STATE}"
        )
    return {zone: slot_by_range[subnet.text("cidr_block")] for zone, subnet in by_zone.items()}


def _second_subnet(
    state: State, vpc: TerraformResource, first: TerraformResource, second: TerraformResource
) -> str:
    problem = (
        f"{state.where}: {second.address} is a second public subnet in "
        f"{second.text('availability_zone')} beside {first.address}, and the program has one per "
        "zone"
    )
    if second.module == vpc.module:
        return f"{problem}; empty one of the two and remove it with Terraform first"
    associations = (
        association.address
        for association in state.of("aws_route_table_association")
        if association.text("subnet_id") == second.id
    )
    forgotten = " ".join(f"'{address}'" for address in (second.address, *associations))
    return (
        f"{problem}; let Terraform forget it, which changes nothing in AWS: terraform state rm "
        f"{forgotten}"
    )


def _require_complete(
    state: State, environment: Environment, adopted: Sequence[AdoptedResource]
) -> None:
    for row in TABLE:
        if not row.is_for(environment):
            continue
        if row.required and not any(
            (resource.type, resource.parent) == (row.type, row.parent) for resource in adopted
        ):
            raise RefusedError(
                f"{state.where}: has no {row.terraform_type} of the sandbox, so "
                f"{_consequence_and_cure(state, environment, row)}"
            )


def _consequence_and_cure(state: State, environment: Environment, row: MappingRow) -> str:
    if row.matches not in {is_ssh, is_egress}:
        return f"the program would create a second one; {PULL_AGAIN}"
    direction, consequence = (
        ("ingress", "the program would open SSH to its default range")
        if row.matches is is_ssh
        else ("egress", "the program would let out everything")
    )
    listing = (
        "aws ec2 describe-security-group-rules --filters "
        f"Name=group-id,Values={environment.security_group}"
    )
    inline = [
        group.address
        for group in state.of("aws_security_group")
        if group.id == environment.security_group and group.attributes.get(direction)
    ]
    old_rules = [
        rule.address
        for rule in state.of(OLD_RULE)
        if in_security_group(rule, environment) and rule.text("type") == direction
    ]
    if not old_rules and inline:
        return (
            f"{consequence}; the rules stand in {inline[0]} itself, which cannot be adopted: "
            f"move each into an {row.terraform_type}, and terraform import it by its id, from: "
            f"{listing}"
        )
    if not old_rules:
        return f"{consequence}; {PULL_AGAIN}"
    return (
        f"{consequence}; {' and '.join(old_rules)} is an {OLD_RULE} of several ranges, which "
        f"cannot be adopted: write it as one {row.terraform_type} per range, then terraform state "
        f"rm the old one and terraform import the new ones by their ids, from: {listing}"
    )


def _require_unique(state: State, adopted: Sequence[AdoptedResource]) -> None:
    addresses_seen: dict[tuple[str, str], str] = {}
    for resource in adopted:
        other = addresses_seen.setdefault((resource.type, resource.name), resource.address)
        if other != resource.address:
            raise RefusedError(
                f"{state.where}: {other} and {resource.address} would both become "
                f"{resource.name}; {REMOVE_OTHER}"
            )


def _require_single_rules(state: State, ssh_ranges: Sequence[str]) -> None:
    """Refuse so many ranges that the program replaces their rules by a prefix list."""
    for version in (4, 6):
        count = sum(ip_network(text).version == version for text in ssh_ranges)
        if count > MAX_RULES:
            raise RefusedError(
                f"{state.where}: {count} IPv{version} ranges may use SSH; for more than "
                f"{MAX_RULES} the program replaces their rules by a prefix list; join "
                "neighbouring ranges with Terraform first"
            )


def _manager_keys(state: State) -> Sequence[TerraformResource]:
    """The manager's access keys: at most one active key, which comes first, and one inactive.

    Raises:
        RefusedError: the stages of the keys are not clear.
    """
    keys = [key for key in state.of("aws_iam_access_key") if key.text("user") == names.MANAGER]
    active = [key for key in keys if key.text("status") != INACTIVE]
    inactive = [key for key in keys if key.text("status") == INACTIVE]
    for same_status, word, cure in (
        (active, "active", "deactivate the one that the service does not use"),
        (inactive, "inactive", "delete one of them"),
    ):
        if len(same_status) > 1:
            raise RefusedError(
                f"{state.where}: {' and '.join(key.address for key in same_status)} are both "
                f"{word} keys of {names.MANAGER}, and the program has room for one; {cure}, then "
                "terraform apply -refresh-only"
            )
    return [*active, *inactive]


def _key_stages(
    state: State, manager_keys: Sequence[TerraformResource], *, rotate_key: bool
) -> Keys:
    """The stage of each slot: a key that is switched off stays so.

    Raises:
        RefusedError: the stack would hand out a key without its secret, or need a third key.
    """
    stages: dict[Slot, Stage] = {}
    for key, slot in zip(manager_keys, access_keys.SLOTS, strict=False):
        if key.text("status") == INACTIVE:
            stages[slot] = "inactive"
        elif rotate_key:
            stages[slot] = "retiring"
        elif key.text("secret"):
            stages[slot] = "current"
        else:
            raise RefusedError(
                f"{state.where}: {key.address} has no secret (it was created with a PGP key, or "
                "imported), and AWS returns it only once; run again with --rotate-key"
            )
    if stages and "current" not in stages.values():
        free: list[Slot] = [slot for slot in access_keys.SLOTS if slot not in stages]
        if not free:
            raise RefusedError(
                f"{state.where}: {names.MANAGER} has two keys, and IAM does not allow the third "
                f"one of --rotate-key; delete {manager_keys[-1].address}, which is inactive, with "
                "Terraform first"
            )
        stages[free[0]] = "current"
    return stages


def import_file(
    stack: str,
    project: str,
    provider_urn: str,
    resources: Sequence[AdoptedResource],
    known_urns: Sequence[str],
) -> Mapping[str, object]:
    """The content of the file that `pulumi import --file` reads to adopt *resources*.

    The components among *known_urns* are in the stack already.
    """
    name_table = {"provider": provider_urn}
    components: list[Mapping[str, object]] = []
    for component in COMPONENTS:
        urn = component_urn(stack, project, component)
        if urn in known_urns:
            name_table[component] = urn
        else:
            components.append(
                {
                    "type": component,
                    "name": component,
                    "logicalName": COMPONENT_NAME,
                    "component": True,
                }
            )
    entries = [
        {
            "type": resource.type,
            "name": f"{resource.type} {resource.name}",  # only has to be unique in the file
            "logicalName": resource.name,
            "id": resource.import_id,
            "parent": resource.parent,
            "provider": "provider",
        }
        for resource in resources
    ]
    return {"nameTable": name_table, "resources": [*components, *entries]}


def component_urn(stack: str, project: str, component: str) -> str:
    return f"urn:pulumi:{stack}::{project}::{component}::{COMPONENT_NAME}"


def resource_urn(stack: str, project: str, resource: AdoptedResource) -> str:
    """The URN under which the program registers *resource*."""
    return f"urn:pulumi:{stack}::{project}::{resource.parent}${resource.type}::{resource.name}"

"""Which resource of a Terraform state is which resource of this program. Pure.

What belongs to the sandbox is told by what it is in AWS (the security group's name, the VPC that
the group is in, the table that the default route is in) and not by Terraform's addresses: so a
renamed module, or one in a module of one's own, maps the same.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, ip_network
from types import MappingProxyType
from typing import Final

from infra import access_keys as keys
from infra import addresses, names
from sandbox.adopt.terraform_state import Resource, State
from sandbox.core.errors import SandboxError

NETWORK: Final = "sandbox:network:Network"
ACCESS: Final = "sandbox:ssh_access:SshAccess"
INSTANCES: Final = "sandbox:instances:Instances"
MANAGER: Final = "sandbox:manager:Manager"
COMPONENTS: Final = (NETWORK, ACCESS, INSTANCES, MANAGER)
"""Their logical name is always `sandbox`, and the stack is their parent."""
COMPONENT_NAME: Final = "sandbox"
ACCESS_KEY: Final = "aws:iam/accessKey:AccessKey"
LOG_GROUP: Final = "aws:cloudwatch/logGroup:LogGroup"
SLOT: Final = "a"
"""The slot of the key that stands."""
SSH: Final = 22
EVERYWHERE: Final = "0.0.0.0/0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """A resource that the state has and this program registers."""

    address: str
    type: str
    parent: str
    name: str
    import_id: str
    id: str
    """As the state has it; not what every provider version makes of it."""
    told: Mapping[str, bool] = field(default_factory=dict[str, bool])
    """Properties that the provider cannot read, since AWS has no such thing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A resource that the state has and this program does not register."""

    address: str
    id: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """The manager's access key, with what AWS tells only once."""

    id: str
    secret: str = field(repr=False)
    smtp_password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What the rows of the table recognise the sandbox's resources by."""

    vpc: Resource
    group: str
    gateway: str
    table: str
    zones: Mapping[str, str]
    """Zone by subnet id: the subnets whose traffic goes out by *table*."""
    slots: Mapping[str, int]
    """Slot by zone."""
    policies: Mapping[str, str]
    """ARN by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The whole mapping of one state."""

    place: Place
    adopted: tuple[Adopted, ...]
    left: tuple[Left, ...]
    ssh: tuple[str, ...]
    """The ranges that reach port 22."""
    key: Key | None
    """None if there is none, or none whose secret is known."""
    log_days: int | None = None
    """How long the instances' log group keeps its events, 0 for ever; None if there is none."""
    rotate_key: bool
    """Whether the key that stands is only to bridge the time until the service has a new one."""


Belongs = Callable[[Resource, Place], bool]
Text = Callable[[Resource, Place], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table."""

    terraform: str
    type: str
    parent: str
    name: Text
    belongs: Belongs
    import_id: Text = lambda found, _: found.id
    told: Mapping[str, str] = field(default_factory=dict[str, str])
    """Property by attribute, of what only the state tells."""
    needed: bool = True
    """Whether a state without it is incomplete; what it is, is in the program's name."""


def always(name: str) -> Text:
    return lambda _found, _place: name


def in_vpc(found: Resource, place: Place) -> bool:
    return found.text("vpc_id") == place.vpc.id


def in_group(found: Resource, place: Place) -> bool:
    return found.text("security_group_id") == place.group


def is_ssh(found: Resource, place: Place) -> bool:
    ports = (found.attributes.get("from_port"), found.attributes.get("to_port"))
    return (
        in_group(found, place)
        and found.text("ip_protocol") in {"tcp", "6"}
        and ports == (SSH, SSH)
        and bool(found.text("cidr_ipv4") or found.text("cidr_ipv6"))
    )


def is_egress(found: Resource, place: Place) -> bool:
    everything = found.text("ip_protocol") == "-1" and found.text("cidr_ipv4") == EVERYWHERE
    return in_group(found, place) and everything


def is_default_route(found: Resource, place: Place) -> bool:
    return (
        found.text("gateway_id") == place.gateway
        and found.text("destination_cidr_block") == EVERYWHERE
    )


def in_zone(found: Resource, place: Place) -> str:
    return f"{names.SUBNET}-{place.zones[found.text('subnet_id') or found.id]}"


def ssh_range(found: Resource) -> str:
    """As the program writes it: `2001:DB8::/32` and `2001:db8::/32` are one range."""
    text = found.text("cidr_ipv4") or found.text("cidr_ipv6")
    return str(ip_network(text, strict=False))


def identity(
    kind: str, parent: str, name: str, told: Mapping[str, str] = MappingProxyType({})
) -> Row:
    """A role, an instance profile or a user: IAM knows it by its name."""
    return Row(
        terraform=f"aws_iam_{kind}",
        type=iam_type(kind),
        parent=parent,
        name=always(name),
        belongs=lambda found, _: found.text("name") == name,
        told=told,
    )


def policy(parent: str, name: str) -> Row:
    return Row(
        terraform="aws_iam_policy",
        type=iam_type("policy"),
        parent=parent,
        name=always(name),
        belongs=lambda found, place: found.id == place.policies[name],
    )


def attachment(to: str, parent: str, name: str, attached: str) -> Row:
    """The policy *attached* on the role or user *name*."""
    return Row(
        terraform=f"aws_iam_{to}_policy_attachment",
        type=iam_type(f"{to}_policy_attachment"),
        parent=parent,
        name=always(name),
        belongs=lambda found, place: (
            (found.text(to), found.text("policy_arn")) == (name, place.policies[attached])
        ),
        import_id=lambda found, _: f"{found.text(to)}/{found.text('policy_arn')}",
    )


def iam_type(kind: str) -> str:
    """The program's type of Terraform's `aws_iam_*kind*`."""
    name = "".join(word.capitalize() for word in kind.split("_"))
    return f"aws:iam/{name[0].lower()}{name[1:]}:{name}"


AT_DELETION: Final = {"revoke_rules_on_delete": "revokeRulesOnDelete"}
TABLE: Final[tuple[Row, ...]] = (
    Row(
        terraform="aws_vpc",
        type="aws:ec2/vpc:Vpc",
        parent=NETWORK,
        name=always(names.VPC),
        belongs=lambda found, place: found.id == place.vpc.id,
    ),
    Row(
        terraform="aws_default_security_group",
        type="aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
        parent=NETWORK,
        name=always(f"{names.VPC}-default"),
        belongs=in_vpc,
        told=AT_DELETION,
        needed=False,
    ),
    Row(
        terraform="aws_internet_gateway",
        type="aws:ec2/internetGateway:InternetGateway",
        parent=NETWORK,
        name=always(names.VPC),
        belongs=lambda found, place: found.id == place.gateway,
    ),
    Row(
        terraform="aws_route_table",
        type="aws:ec2/routeTable:RouteTable",
        parent=NETWORK,
        name=always(names.SUBNET),
        belongs=lambda found, place: found.id == place.table,
    ),
    Row(
        terraform="aws_route",
        type="aws:ec2/route:Route",
        parent=NETWORK,
        name=always(f"{names.SUBNET}-internet"),
        belongs=is_default_route,
        import_id=lambda found, _: f"{found.text('route_table_id')}_{EVERYWHERE}",
    ),
    Row(
        terraform="aws_subnet",
        type="aws:ec2/subnet:Subnet",
        parent=NETWORK,
        name=in_zone,
        belongs=lambda found, place: found.id in place.zones,
    ),
    Row(
        terraform="aws_route_table_association",
        type="aws:ec2/routeTableAssociation:RouteTableAssociation",
        parent=NETWORK,
        name=in_zone,
        belongs=lambda found, place: found.text("subnet_id") in place.zones,
        import_id=lambda found, _: f"{found.text('subnet_id')}/{found.text('route_table_id')}",
    ),
    Row(
        terraform="aws_security_group",
        type="aws:ec2/securityGroup:SecurityGroup",
        parent=ACCESS,
        name=always(names.SECURITY_GROUP),
        belongs=lambda found, place: found.id == place.group,
        told=AT_DELETION,
    ),
    Row(
        terraform="aws_vpc_security_group_ingress_rule",
        type="aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        parent=ACCESS,
        name=lambda found, _: f"{names.SSH_RULE}-{ssh_range(found).replace(':', '.')}",
        belongs=is_ssh,
    ),
    Row(
        terraform="aws_vpc_security_group_egress_rule",
        type="aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        parent=ACCESS,
        name=always(names.EGRESS_RULE),
        belongs=is_egress,
        needed=False,
    ),
    identity("role", INSTANCES, names.INSTANCE_ROLE),
    policy(INSTANCES, names.INSTANCE_POLICY),
    attachment("role", INSTANCES, names.INSTANCE_ROLE, names.INSTANCE_POLICY),
    identity("instance_profile", INSTANCES, names.INSTANCE_PROFILE),
    identity("user", MANAGER, names.MANAGER, told={"force_destroy": "forceDestroy"}),
    policy(MANAGER, names.MANAGER_POLICY),
    attachment("user", MANAGER, names.MANAGER, names.MANAGER_POLICY),
    Row(
        terraform="aws_iam_access_key",
        type=ACCESS_KEY,
        parent=MANAGER,
        name=always(keys.resource_name(SLOT)),
        belongs=lambda found, _: found.text("user") == names.MANAGER,
        needed=False,
    ),
)
LEFT_ALONE: Final[Mapping[str, str]] = {
    "aws_default_network_acl": "the program leaves the VPC's default network ACL as AWS made it",
    "aws_default_route_table": "the program leaves the VPC's default route table as AWS made it",
}
UNKNOWN: Final = "this program has no such resource"


def plan(state: State, *, rotate_key: bool = False) -> Plan:
    """What *state* becomes.

    Raises:
        SandboxError: it is no state of the sandbox module, or one that the program cannot stand
            for without changing something.
    """
    place = _place(state)
    adopted: list[Adopted] = []
    left: list[Left] = []
    for found in state.resources:
        row = next(
            (row for row in TABLE if row.terraform == found.type and row.belongs(found, place)),
            None,
        )
        if row is None:
            why = LEFT_ALONE.get(found.type, UNKNOWN)
            left.append(Left(address=found.address, id=found.id, why=why))
        else:
            adopted.append(_adopted(row, found, place))
    _require_whole(state, adopted)
    _require_each_once(state, adopted)
    ssh = tuple(
        ssh_range(one)
        for one in state.of("aws_vpc_security_group_ingress_rule")
        if is_ssh(one, place)
    )
    return Plan(
        place=place,
        adopted=tuple(adopted),
        left=tuple(left),
        ssh=ssh,
        key=_key(state, needed=not rotate_key),
        rotate_key=rotate_key and bool(state.of("aws_iam_access_key")),
    )


def _adopted(row: Row, found: Resource, place: Place) -> Adopted:
    return Adopted(
        address=found.address,
        type=row.type,
        parent=row.parent,
        name=row.name(found, place),
        import_id=row.import_id(found, place),
        id=found.id,
        told={
            prop: found.attributes.get(attribute) is True for attribute, prop in row.told.items()
        },
    )


def _place(state: State) -> Place:
    group = _only(state, "aws_security_group", "name", names.SECURITY_GROUP)
    vpc = _only(state, "aws_vpc", "id", group.text("vpc_id"))
    gateway = _only(state, "aws_internet_gateway", "vpc_id", vpc.id)
    route = _only(state, "aws_route", "gateway_id", gateway.id)
    table = route.text("route_table_id")
    public = {
        one.text("subnet_id")
        for one in state.of("aws_route_table_association")
        if one.text("route_table_id") == table
    }
    subnets = [one for one in state.of("aws_subnet") if one.id in public]
    return Place(
        vpc=vpc,
        group=group.id,
        gateway=gateway.id,
        table=table,
        zones={one.id: one.text("availability_zone") for one in subnets},
        slots=_slots(state, vpc, subnets),
        policies={
            name: _only(state, "aws_iam_policy", "name", name).id
            for name in (names.MANAGER_POLICY, names.INSTANCE_POLICY)
        },
    )


def _only(state: State, kind: str, key: str, value: str) -> Resource:
    found = [one for one in state.of(kind) if one.text(key) == value]
    match found:
        case [one] if one.id:
            return one
        case [] | [_]:
            raise SandboxError(
                f"{state.where}: is no state of the sandbox module: it has no {kind} with "
                f"{key} = {value}; name the state that made this environment"
            )
        case _:
            raise SandboxError(
                f"{state.where}: {' and '.join(one.address for one in found)} both have "
                f"{key} = {value}; remove the one that is not the sandbox's with: terraform state "
                "rm"
            )


def _slots(state: State, vpc: Resource, subnets: Sequence[Resource]) -> Mapping[str, int]:
    cidr = IPv4Network(vpc.text("cidr_block"))
    known = {str(addresses.block(cidr, slot)): slot for slot in range(addresses.slot_count(cidr))}
    slots: dict[str, int] = {}
    for subnet in subnets:
        block, zone = subnet.text("cidr_block"), subnet.text("availability_zone")
        if block not in known:
            raise SandboxError(
                f"{state.where}: {subnet.address} has {block}, which is no slot of {cidr} (the "
                f"first three are {', '.join(list(known)[:3])}); this program cannot stand for it "
                "without replacing it"
            )
        if zone in slots:
            raise SandboxError(
                f"{state.where}: {subnet.address} is the second public subnet in {zone}, this "
                "program has one per zone; empty it and remove it with Terraform first"
            )
        slots[zone] = known[block]
    if not slots:
        raise SandboxError(
            f"{state.where}: is no state of the sandbox module: {vpc.address} has no public "
            "subnet; name the state that made this environment"
        )
    return slots


def _require_whole(state: State, adopted: Sequence[Adopted]) -> None:
    for row in TABLE:
        if row.needed and not any(
            (one.type, one.parent) == (row.type, row.parent) for one in adopted
        ):
            hint = (
                "without a range that may use SSH the program would open it to its default"
                if row.belongs is is_ssh
                else "the program would make a second one"
            )
            raise SandboxError(
                f"{state.where}: has no {row.terraform} that is the sandbox's: {hint}; take the "
                "whole state with: terraform state pull"
            )


def _require_each_once(state: State, adopted: Sequence[Adopted]) -> None:
    seen: dict[tuple[str, str], str] = {}
    for one in adopted:
        other = seen.setdefault((one.type, one.name), one.address)
        if other != one.address:
            hint = (
                "a user's second key: deactivate and delete it, then terraform apply -refresh-only"
                if one.type == ACCESS_KEY
                else "remove the one that is not the sandbox's with: terraform state rm"
            )
            raise SandboxError(
                f"{state.where}: {other} and {one.address} would both be {one.name}; {hint}"
            )


def _key(state: State, *, needed: bool) -> Key | None:
    for found in state.of("aws_iam_access_key"):
        if found.text("user") != names.MANAGER:
            continue
        if not found.text("secret") and not needed:
            return None
        if not found.text("secret"):
            raise SandboxError(
                f"{state.where}: {found.address} has no secret (made with a PGP key, or itself "
                "imported), and AWS tells it only once; run again with --rotate-key"
            )
        return Key(
            id=found.id,
            secret=found.text("secret"),
            smtp_password=found.text("ses_smtp_password_v4"),
        )
    return None


def import_file(
    stack: str, project: str, provider_urn: str, wanted: Sequence[Adopted], known: Sequence[str]
) -> Mapping[str, object]:
    """What `pulumi import --file` reads to adopt *wanted*; *known* are URNs that stand already."""
    table = {"provider": provider_urn}
    components: list[Mapping[str, object]] = []
    for kind in COMPONENTS:
        urn = component_urn(stack, project, kind)
        if urn in known:
            table[kind] = urn
        else:
            components.append(
                {"type": kind, "name": kind, "logicalName": COMPONENT_NAME, "component": True}
            )
    resources = [
        {
            "type": one.type,
            "name": f"{one.type} {one.name}",  # only tells the file's entries apart
            "logicalName": one.name,
            "id": one.import_id,
            "parent": one.parent,
            "provider": "provider",
        }
        for one in wanted
    ]
    return {"nameTable": table, "resources": [*components, *resources]}


def component_urn(stack: str, project: str, kind: str) -> str:
    return f"urn:pulumi:{stack}::{project}::{kind}::{COMPONENT_NAME}"


def urn(stack: str, project: str, one: Adopted) -> str:
    """The URN under which the program registers *one*."""
    return f"urn:pulumi:{stack}::{project}::{one.parent}${one.type}::{one.name}"


def unaccounted(state: State, made: Plan) -> Iterator[str]:
    """Addresses that the plan says nothing about: there are none."""
    said = {one.address for one in (*made.adopted, *made.left)}
    return (one.address for one in state.resources if one.address not in said)

"""Limits of networks, security groups and prefix lists."""

import re
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_network
from typing import Any, Final

from moto.servicequotas.resources.default_quotas.vpc import VPC_DEFAULT_QUOTAS

from local.authorization.calls import Call
from local.request_checks.limits.limit import limit, region_of

API: Final = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_"
VPC: Final = "https://docs.aws.amazon.com/vpc/latest/userguide/"
QUOTAS: Final = f"{VPC}amazon-vpc-limits.html"
RULES_PER_GROUP: Final = "L-0EA8095F"
GROUPS_PER_INTERFACE: Final = "L-2AFB9258"
SMALLEST_SUBNET: Final = 28
TEXT: Final = re.compile(r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{0,255}")
"""The characters of a group's name and description, and of a rule's description."""
HIGHEST_PORT: Final = 65535
PORTS: Final = frozenset({"tcp", "udp", "6", "17"})
"""Protocols that have ports."""
SOURCES: Final = ("IpRanges", "Ipv6Ranges", "PrefixListIds", "UserIdGroupPairs")
AUTHORIZE: Final = ("ec2:AuthorizeSecurityGroupIngress", "ec2:AuthorizeSecurityGroupEgress")
PREFIX_LIST_SIZE: Final = 1000
GROUP_ID: Final = re.compile(r"sg-([0-9a-f]{8}|[0-9a-f]{17})")


def _quota(code: str) -> int:
    """The account's quota of VPC with this code."""
    return next(int(quota["Value"]) for quota in VPC_DEFAULT_QUOTAS if quota["QuotaCode"] == code)


@limit("ec2:CreateSubnet", code="InvalidSubnet.Range", source=f"{VPC}subnet-sizing.html")
def small_subnets(call: Call) -> Iterator[str]:
    """A subnet's IPv4 block is not smaller than /28."""
    block = call.parameters.get("CidrBlock")
    if block and int(block.partition("/")[2] or 32) > SMALLEST_SUBNET:
        yield f"The CIDR '{block}' is invalid."


@limit("ec2:CreateSubnet", code="InvalidParameterValue", source=f"{API}CreateSubnet.html")
def zones(call: Call) -> Iterator[str]:
    """A subnet lies in a zone of its region."""
    zone = call.parameters.get("AvailabilityZone")
    names = [known.name for known in region_of(call).describe_availability_zones()]
    if zone and zone not in names:
        yield (
            f"Value ({zone}) for parameter availabilityZone is invalid. Subnets can currently only "
            f"be created in the following availability zones: {', '.join(names)}."
        )


@limit("ec2:DeleteSubnet", code="DependencyViolation", source=f"{API}DeleteSubnet.html")
def subnets_in_use(call: Call) -> Iterator[str]:
    """A subnet with a network interface cannot be deleted."""
    subnet = call.parameters["SubnetId"]
    if any(interface.subnet.id == subnet for interface in _interfaces(call)):
        yield f"The subnet '{subnet}' has dependencies and cannot be deleted."


@limit("ec2:DeleteVpc", code="DependencyViolation", source=f"{VPC}delete-vpc.html")
def vpcs_in_use(call: Call) -> Iterator[str]:
    """A VPC with a gateway, an endpoint or a group besides its default one cannot be deleted."""
    vpc, region = call.parameters["VpcId"], region_of(call)
    users = [
        *(gateway for gateway in region.internet_gateways.values() if _vpc_id(gateway) == vpc),
        *(
            endpoint
            for endpoint in region.vpc_end_points.values()
            if endpoint.vpc_id == vpc and endpoint.state != "deleted"
        ),
        *(group for group in region.groups[vpc].values() if group.name != "default"),
    ]
    if users:
        yield f"The vpc '{vpc}' has dependencies and cannot be deleted."


@limit(
    "ec2:AttachInternetGateway",
    code="InvalidParameterValue",
    source=f"{API}AttachInternetGateway.html",
)
def gateways_per_vpc(call: Call) -> Iterator[str]:
    """A VPC has one internet gateway."""
    vpc = call.parameters["VpcId"]
    if any(_vpc_id(gateway) == vpc for gateway in region_of(call).internet_gateways.values()):
        yield f"Network {vpc} already has an internet gateway attached"


@limit(
    "ec2:DetachInternetGateway",
    code="DependencyViolation",
    source=f"{API}DetachInternetGateway.html",
)
def gateways_in_use(call: Call) -> Iterator[str]:
    """A gateway stays while something in its VPC has a public address."""
    vpc = call.parameters["VpcId"]
    for interface in _interfaces(call):
        if interface.subnet.vpc_id == vpc and interface.public_ip:
            yield (
                f"Network {vpc} has some mapped public address(es). Please unmap those public "
                "address(es) before detaching the gateway."
            )


@limit("ec2:DeleteRoute", code="InvalidParameterValue", source=f"{VPC}VPC_Route_Tables.html")
def local_routes(call: Call) -> Iterator[str]:
    """The local route of a route table cannot be deleted."""
    table = region_of(call).route_tables.get(call.parameters["RouteTableId"])
    block = call.parameters.get("DestinationCidrBlock")
    for route in table.routes if table and block else ():
        if route.destination_cidr_block == block and route.origin == "CreateRouteTable":
            yield f"cannot remove local route {block} in route table {table.id}"


@limit(
    "ec2:AssociateRouteTable",
    code="Resource.AlreadyAssociated",
    source=f"{VPC}subnet-route-tables.html",
)
def tables_per_subnet(call: Call) -> Iterator[str]:
    """A subnet has one route table of its own."""
    subnet = call.parameters.get("SubnetId")
    for table in region_of(call).route_tables.values():
        for association in table.associations:
            if subnet and association.get("SubnetId") == subnet:
                identity = association["RouteTableAssociationId"]
                yield (
                    "the specified association for route table "
                    f"{call.parameters['RouteTableId']} conflicts with an existing association "
                    f"{identity}"
                )


@limit(
    "ec2:CreateVpcEndpoint",
    "ec2:ModifyVpcEndpoint",
    code="RouteAlreadyExists",
    source=f"{VPC.replace('userguide', 'privatelink')}gateway-endpoints.html",
)
def endpoints_per_table(call: Call) -> Iterator[str]:
    """A route table has one gateway endpoint of a service."""
    region, changed = region_of(call), call.parameters.get("VpcEndpointId")
    service = call.parameters.get("ServiceName")
    if changed in region.vpc_end_points:
        service = region.vpc_end_points[changed].service_name
    tables = {*_some(call, "RouteTableIds"), *_some(call, "AddRouteTableIds")}
    for endpoint in region.vpc_end_points.values():
        taken = tables & set(endpoint.route_table_ids or ())
        same = endpoint.service_name == service and endpoint.id != changed
        if same and taken and endpoint.state != "deleted":
            yield (
                f"route table {min(taken)} already has a route with destination-prefix-list-id "
                f"{endpoint.destination_prefix_list_id}"
            )


@limit("ec2:CreateVpcEndpoint", code="InvalidServiceName", source=f"{API}CreateVpcEndpoint.html")
def services_of_the_region(call: Call) -> Iterator[str]:
    """An endpoint of a gateway leads to S3 or DynamoDB of its own region."""
    service = call.parameters.get("ServiceName")
    kind = call.parameters.get("VpcEndpointType") or "Gateway"
    known = {f"com.amazonaws.{call.region}.{name}" for name in ("s3", "dynamodb")}
    if kind == "Gateway" and service not in known:
        yield f"The Vpc Endpoint Service '{service}' does not exist"


@limit(
    "ec2:CreateSecurityGroup",
    code="InvalidParameterValue",
    source=f"{API}CreateSecurityGroup.html",
)
def group_texts(call: Call) -> Iterator[str]:
    """A group's name and description have at most 255 characters of a set.

    The set is a-z, A-Z, 0-9, spaces and `._-:/()#,@[]+=&;{}!$*`; the name does not start with sg-.
    """
    for name in ("GroupName", "Description"):
        text = call.parameters.get(name) or ""
        if not TEXT.fullmatch(text):
            yield (
                f"Value ({text}) for parameter {name} is invalid. Valid texts are strings less "
                "than 256 characters from the following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*"
            )
    if call.parameters["GroupName"].startswith("sg-"):
        yield (
            f"Value ({call.parameters['GroupName']}) for parameter GroupName is invalid. Group "
            "names may not be in the format sg-*"
        )


@limit(
    *AUTHORIZE,
    "ec2:ModifySecurityGroupRules",
    "ec2:UpdateSecurityGroupRuleDescriptionsIngress",
    "ec2:UpdateSecurityGroupRuleDescriptionsEgress",
    code="InvalidParameterValue",
    source=f"{API}IpRange.html",
)
def rule_descriptions(call: Call) -> Iterator[str]:
    """A rule's description has at most 255 characters of the same set."""
    texts = [
        *(source.get("Description") for _, source in _sources(call)),
        *(
            update.get("SecurityGroupRule", {}).get("Description")
            for update in _some(call, "SecurityGroupRules")
        ),
    ]
    if not all(TEXT.fullmatch(text or "") for text in texts):
        yield (
            "Invalid rule description. Valid descriptions are strings less than 256 characters "
            "from the following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*"
        )


@limit(*AUTHORIZE, code="InvalidParameterValue", source=f"{API}IpPermission.html")
def ports(call: Call) -> Iterator[str]:
    """A port is not above 65535, and a range does not end below its start."""
    for permission in _some(call, "IpPermissions"):
        first, last = permission.get("FromPort"), permission.get("ToPort")
        if permission.get("IpProtocol", "").lower() not in PORTS:
            continue
        if first is None or last is None or not 0 <= first <= last <= HIGHEST_PORT:
            yield f"Invalid TCP/UDP port range ({first}:{last})"


@limit(
    *AUTHORIZE,
    code="InvalidGroupId.Malformed",
    source="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html",
)
def source_groups(call: Call) -> Iterator[str]:
    """A rule names another group by an id of AWS's form."""
    for _, source in _sources(call):
        identity = source.get("GroupId")
        if identity is not None and not GROUP_ID.fullmatch(identity):
            yield f'Invalid id: "{identity}" (expecting "sg-...")'


@limit(*AUTHORIZE, code="RulesPerSecurityGroupLimitExceeded", source=QUOTAS)
def rules_per_group(call: Call) -> Iterator[str]:
    """A group has in each direction at most as many rules as the account's quota, 60 by default.

    A prefix list counts with its maximum number of entries.
    """
    region = region_of(call)
    group = region.get_security_group_from_id(call.parameters.get("GroupId", ""))
    if group is None:
        return
    lists = region.managed_prefix_lists
    egress = call.operation.endswith("Egress")
    standing = [
        rule.prefix_list_id for rule in (group.egress_rules if egress else group.ingress_rules)
    ]
    added = [source.get("PrefixListId") for _, source in _sources(call)]
    count = sum(
        (lists[name].max_entries or 1) if name in lists else 1 for name in [*standing, *added]
    )
    if added and count > _quota(RULES_PER_GROUP):
        yield "The maximum number of rules per security group has been reached."


@limit(
    "ec2:DeleteSecurityGroup", code="DependencyViolation", source=f"{API}DeleteSecurityGroup.html"
)
def groups_in_use(call: Call) -> Iterator[str]:
    """A group that an interface uses, or a rule of another group names, cannot be deleted."""
    identity = call.parameters.get("GroupId")
    used = {
        *(group.id for interface in _interfaces(call) for group in interface.group_set),
        *(
            rule.source_group.get("GroupId")
            for group in _groups(call)
            if group.id != identity
            for rule in (*group.ingress_rules, *group.egress_rules)
        ),
    }
    if identity in used:
        yield f"resource {identity} has a dependent object"


@limit("ec2:DeleteSecurityGroup", code="CannotDelete", source=f"{VPC}default-security-group.html")
def default_groups(call: Call) -> Iterator[str]:
    """A VPC's default group cannot be deleted."""
    identity = call.parameters.get("GroupId")
    if any(group.id == identity and group.name == "default" for group in _groups(call)):
        yield f'the specified group: "{identity}" name: "default" cannot be deleted by a user'


@limit(
    "ec2:RunInstances",
    "ec2:CreateNetworkInterface",
    "ec2:ModifyNetworkInterfaceAttribute",
    code="SecurityGroupsPerInterfaceLimitExceeded",
    source=QUOTAS,
)
def groups_per_interface(call: Call) -> Iterator[str]:
    """An interface has at most 5 groups."""
    named = [
        *(_some(call, name) for name in ("SecurityGroupIds", "SecurityGroups", "Groups")),
        *(interface.get("Groups", []) for interface in _some(call, "NetworkInterfaces")),
    ]
    if any(len(groups) > _quota(GROUPS_PER_INTERFACE) for groups in named):
        yield "The maximum number of security groups per interface has been reached."


@limit(
    "ec2:DeleteManagedPrefixList",
    "ec2:DescribeManagedPrefixLists",
    "ec2:GetManagedPrefixListEntries",
    "ec2:ModifyManagedPrefixList",
    code="InvalidPrefixListID.NotFound",
    source="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html",
)
def unknown_prefix_lists(call: Call) -> Iterator[str]:
    """A request names prefix lists that exist."""
    known = region_of(call).managed_prefix_lists
    for name in filter(None, (call.parameters.get("PrefixListId"), *_some(call, "PrefixListIds"))):
        if name not in known:
            yield f"The prefix list ID '{name}' does not exist"


@limit(
    "ec2:CreateManagedPrefixList",
    code="InvalidParameterValue",
    source=f"{API}CreateManagedPrefixList.html",
)
def prefix_list_texts(call: Call) -> Iterator[str]:
    """A prefix list's name has at most 255 characters and does not start with com.amazonaws."""
    name = call.parameters["PrefixListName"]
    if len(name) > 255 or name.startswith("com.amazonaws"):  # noqa: PLR2004 - as in the sentence
        yield f"Value ({name}) for parameter PrefixListName is invalid."


@limit(
    "ec2:CreateManagedPrefixList",
    "ec2:ModifyManagedPrefixList",
    code="InvalidParameterValue",
    source=QUOTAS,
)
def prefix_list_sizes(call: Call) -> Iterator[str]:
    """A prefix list has at most 1,000 entries, and not more than its own maximum."""
    known = region_of(call).managed_prefix_lists.get(call.parameters.get("PrefixListId", ""))
    most = call.parameters.get("MaxEntries") or (known.max_entries if known else 0)
    if most > PREFIX_LIST_SIZE:
        yield f"Value ({most}) for parameter MaxEntries is invalid. Must be between 1 and 1000."
    standing = {entry["Cidr"] for entry in _entries(known)}
    removed = {entry["Cidr"] for entry in _some(call, "RemoveEntries")}
    added = {entry["Cidr"] for name in ("Entries", "AddEntries") for entry in _some(call, name)}
    if added and most and len((standing - removed) | added) > most:
        yield "The number of entries exceeds the maximum number of entries of the prefix list."


@limit(
    "ec2:ModifyManagedPrefixList",
    code="InvalidParameterCombination",
    source=f"{VPC}work-with-cust-managed-prefix-lists.html",
)
def prefix_list_changes(call: Call) -> Iterator[str]:
    """A request changes the entries of a prefix list or its size, not both."""
    if call.parameters.get("MaxEntries") and (
        _some(call, "AddEntries") or _some(call, "RemoveEntries")
    ):
        yield (
            "You cannot modify the entries and the maximum number of entries for the prefix list "
            "in the same request."
        )


@limit(
    "ec2:ModifyManagedPrefixList",
    code="PrefixListVersionMismatch",
    source="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html",
)
def prefix_list_versions(call: Call) -> Iterator[str]:
    """A request that changes entries names the prefix list's current version."""
    known = region_of(call).managed_prefix_lists.get(call.parameters.get("PrefixListId", ""))
    version = call.parameters.get("CurrentVersion")
    if known and version is not None and version != known.version:
        yield f"The prefix list has the version {known.version}, not {version}."


@limit(
    "ec2:CreateManagedPrefixList",
    "ec2:ModifyManagedPrefixList",
    code="InvalidParameterValue",
    source=f"{API}AddPrefixListEntry.html",
)
def prefix_list_entries(call: Call) -> Iterator[str]:
    """A prefix list's entries are different blocks of its own address family."""
    known = region_of(call).managed_prefix_lists.get(call.parameters.get("PrefixListId", ""))
    family = call.parameters.get("AddressFamily") or (known.address_family if known else "")
    added = [entry["Cidr"] for name in ("Entries", "AddEntries") for entry in _some(call, name)]
    for block in added:
        if family and f"IPv{_version(block)}" != family:
            yield f"The CIDR {block} is not valid for the address family {family}."
    if len(set(added)) < len(added):
        yield "The request contains duplicate CIDR entries."


@limit(
    "ec2:CreateFlowLogs",
    code="InvalidParameter",
    source=f"{API}CreateFlowLogs.html",
)
def flow_log_intervals(call: Call) -> Iterator[str]:
    """A flow log aggregates for 60 or 600 seconds."""
    interval = call.parameters.get("MaxAggregationInterval")
    if interval not in {None, 60, 600}:
        yield f"Invalid Flow Log Max Aggregation Interval {interval}"


def _interfaces(call: Call) -> Iterator[Any]:
    """The network interfaces of the region, without those of terminated instances."""
    for interface in region_of(call).enis.values():
        if interface.instance is None or interface.instance.state != "terminated":
            yield interface


def _groups(call: Call) -> Iterator[Any]:
    for groups in region_of(call).groups.values():
        yield from groups.values()


def _vpc_id(gateway: Any) -> str:
    return gateway.vpc.id if gateway.vpc else ""


def _some(call: Call, name: str) -> list[Any]:
    return call.parameters.get(name) or []


def _sources(call: Call) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """The permissions of the call, each with each of its sources."""
    for permission in _some(call, "IpPermissions"):
        for kind in SOURCES:
            for source in permission.get(kind, []):
                yield permission, source


def _entries(known: Any) -> Iterable[Mapping[str, str]]:
    return known.entries.get(known.version) or [] if known else []


def _version(block: str) -> int:
    try:
        return ip_network(block, strict=False).version
    except ValueError:
        return 0

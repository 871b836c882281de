"""What others have attached to the stack's own things, which no update and no comparison speaks of.

An update compares what the program made with what AWS has of it. A rule that somebody adds to the
security group, a peering, or a second key of the manager is nothing that the program made, so a
preview with --refresh passes over it. This asks AWS for all that is attached to the VPC and the
identities, and names what the state does not hold. It changes nothing.

"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from infra.aws_clients import AwsClients
from sandbox.core.stack import Resource

Own = frozenset[str]
"""The ids of all that the stack made; of a route, its table and destination."""


@dataclass(frozen=True, slots=True)
class Listing:
    """How AWS lists what hangs on a VPC or a user, and by which filter or parameter."""

    what: str
    operation: str
    kind: str
    id: str
    by: str = "vpc-id"


IN_VPC: Final = (
    Listing("subnet", "describe_subnets", "Subnets", "SubnetId"),
    Listing("security group", "describe_security_groups", "SecurityGroups", "GroupId"),
    Listing("route table", "describe_route_tables", "RouteTables", "RouteTableId"),
    Listing("network ACL", "describe_network_acls", "NetworkAcls", "NetworkAclId"),
    Listing("endpoint", "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"),
    Listing("NAT gateway", "describe_nat_gateways", "NatGateways", "NatGatewayId"),
    Listing(
        "internet gateway",
        "describe_internet_gateways",
        "InternetGateways",
        "InternetGatewayId",
        by="attachment.vpc-id",
    ),
    Listing(
        "VPN gateway",
        "describe_vpn_gateways",
        "VpnGateways",
        "VpnGatewayId",
        by="attachment.vpc-id",
    ),
    Listing(
        "transit gateway attachment",
        "describe_transit_gateway_vpc_attachments",
        "TransitGatewayVpcAttachments",
        "TransitGatewayAttachmentId",
    ),
    *(
        Listing(
            "peering",
            "describe_vpc_peering_connections",
            "VpcPeeringConnections",
            "VpcPeeringConnectionId",
            by=f"{side}-vpc-info.vpc-id",
        )
        for side in ("requester", "accepter")
    ),
)
GONE: Final = frozenset(
    {"deleted", "deleting", "disassociated", "disassociating", "expired", "failed", "rejected"}
)
"""States of what AWS still lists for a while."""


def _in_vpc(aws: AwsClients, vpc_id: str, own: Own) -> Iterator[str]:
    for one in IN_VPC:
        for found in aws.describe(one.operation, one.kind, {one.by: vpc_id}):
            if found[one.id] not in own and not _of_aws(found) and _state(found) not in GONE:
                yield f"{one.what} {found[one.id]}"
    [vpc] = aws.describe("describe_vpcs", "Vpcs", {"vpc-id": vpc_id})
    for prefix in ("", "Ipv6"):
        for one in vpc.get(f"{prefix}CidrBlockAssociationSet", []):
            block = one[f"{prefix}CidrBlock"]
            state = one.get(f"{prefix}CidrBlockState", {}).get("State", "")
            if block != vpc["CidrBlock"] and state not in GONE:
                yield f"addresses {block}"


def _of_aws(found: Mapping[str, Any]) -> bool:
    """Whether it came with the VPC: the main route table, the default network ACL."""
    main = any(one.get("Main") for one in found.get("Associations", []))
    return main or found.get("IsDefault", False)


def _state(found: Mapping[str, Any]) -> str:
    state = found.get("State") or found.get("Status", {}).get("Code", "")
    return state.lower()  # endpoints have theirs in both forms


def _rules(aws: AwsClients, group_id: str, own: Own) -> Iterator[str]:
    rules = aws.describe(
        "describe_security_group_rules", "SecurityGroupRules", {"group-id": group_id}
    )
    for one in rules:
        if one["SecurityGroupRuleId"] not in own:
            way = "to" if one["IsEgress"] else "from"
            ports = "" if one["IpProtocol"] == "-1" else f" {one['FromPort']}-{one['ToPort']}"
            yield (
                f"rule {one['SecurityGroupRuleId']}: {one['IpProtocol']}{ports} {way} {_peer(one)}"
            )


def _peer(rule: Mapping[str, Any]) -> str:
    group = rule.get("ReferencedGroupInfo", {}).get("GroupId")
    return rule.get("CidrIpv4") or rule.get("CidrIpv6") or rule.get("PrefixListId") or str(group)


def _routes(aws: AwsClients, table_id: str, own: Own) -> Iterator[str]:
    [table] = aws.describe("describe_route_tables", "RouteTables", {"route-table-id": table_id})
    for one in table["Routes"]:
        keys = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")
        to = next(one[key] for key in keys if one.get(key))
        via = next((str(value) for key, value in one.items() if key in VIA), "nothing")
        if via != "local" and via not in own and _route(table_id, to) not in own:
            yield f"route {to} via {via}"
    for one in table["Associations"]:
        if (subnet := one.get("SubnetId")) and subnet not in own:
            yield f"association with {subnet}"


VIA: Final = frozenset(
    {
        "CarrierGatewayId",
        "CoreNetworkArn",
        "EgressOnlyInternetGatewayId",
        "GatewayId",
        "InstanceId",
        "LocalGatewayId",
        "NatGatewayId",
        "NetworkInterfaceId",
        "TransitGatewayId",
        "VpcPeeringConnectionId",
    }
)
"""Where a route may lead, by the field that says it."""


def _route(table_id: str, to: str) -> str:
    return f"{table_id} {to}"


CREDENTIALS: Final = (
    Listing("access key", "list_access_keys", "AccessKeyMetadata", "AccessKeyId", by="UserName"),
    Listing(
        "service's credential",
        "list_service_specific_credentials",
        "ServiceSpecificCredentials",
        "ServiceSpecificCredentialId",
        by="UserName",
    ),
    Listing("SSH key", "list_ssh_public_keys", "SSHPublicKeys", "SSHPublicKeyId", by="UserName"),
    Listing(
        "certificate", "list_signing_certificates", "Certificates", "CertificateId", by="UserName"
    ),
)
"""What a user can sign in with, except for a password."""


def _user(aws: AwsClients, name: str, own: Own) -> Iterator[str]:
    yield from _policies(aws, "user", name, own)
    for one in CREDENTIALS:
        for found in aws.list_all("iam", one.operation, one.kind, **{one.by: name}):
            if found[one.id] not in own:
                yield f"{one.what} {found[one.id]}, {found['Status'].lower()}"
    for group in aws.list_all("iam", "list_groups_for_user", "Groups", UserName=name):
        yield f"group {group['GroupName']}"
    iam = aws.iam
    try:
        iam.get_login_profile(UserName=name)
    except iam.exceptions.NoSuchEntityException:
        return
    yield "a password for the console"


def _role(aws: AwsClients, name: str, own: Own) -> Iterator[str]:
    yield from _policies(aws, "role", name, own)


def _policies(aws: AwsClients, kind: str, name: str, own: Own) -> Iterator[str]:
    who = {f"{kind.title()}Name": name}
    for one in aws.list_all("iam", f"list_attached_{kind}_policies", "AttachedPolicies", **who):
        if one["PolicyArn"] not in own:
            yield f"policy {one['PolicyArn']}"
    for policy in aws.list_all("iam", f"list_{kind}_policies", "PolicyNames", **who):
        yield f"inline policy {policy}"


Look = Callable[[AwsClients, str, Own], Iterator[str]]
LOOK: Final[Mapping[str, Look]] = {
    "aws:ec2/vpc:Vpc": _in_vpc,
    "aws:ec2/securityGroup:SecurityGroup": _rules,
    "aws:ec2/routeTable:RouteTable": _routes,
    "aws:iam/user:User": _user,
    "aws:iam/role:Role": _role,
}
"""What can have something attached, by its type, and how to see what."""
ROUTE: Final = "aws:ec2/route:Route"


def unmanaged(aws: AwsClients, resources: Iterable[Resource]) -> Iterator[str]:
    """A line for each thing that is attached to one of *resources* and is none of them."""
    created = [resource for resource in resources if resource.id]
    own = frozenset(
        {resource.id for resource in created}
        | {
            _route(resource.outputs["routeTableId"], resource.outputs["destinationCidrBlock"])
            for resource in created
            if resource.type == ROUTE
        }
    )
    for resource in created:
        if look := LOOK.get(resource.type):
            for line in dict.fromkeys(look(aws, resource.id, own)):  # a peering has two sides
                yield f"{resource.id}: {line}"

"""Every resource type that this program creates, with the facts that other parts need.

One entry serves every table that names types: the guard rails' closed list of types and their tags,
the labels of `sandbox diagram`, the searches of `sandbox recover`, and what `sandbox drift` looks
for. Add a resource type here first.

Everything here is data. `infra.aws_clients` runs a listing; nothing here imports an AWS library.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from infra import names

Properties = Mapping[str, Any]
"""A resource's inputs or outputs as the state has them, or an item as AWS lists it."""
Label = Callable[[Properties], str]
Texts = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One AWS operation and how to read its answer.

    Parameters, filters and the identifier are templates for `str.format_map`: those of the call
    are filled with what is known before it, the identifier also with the listed item.
    """

    service: str = "ec2"
    """The attribute of `AwsClients` that holds the client."""
    operation: str
    items: str
    """The items of an answer, as JMESPath (https://jmespath.org), like `aws --query`."""
    identifier: str = ""
    parameters: Mapping[str, str] = field(default_factory=Texts)
    filters: Mapping[str, str] = field(default_factory=Texts)
    """EC2's own filters, by name."""


def _any_item(_inputs: Properties, _item: Properties) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Finder(Listing):
    """How to find a resource from its inputs; the identifier is what `pulumi import` takes.

    Templates are filled with the inputs, `account_id` and `partition`.
    """

    matches: Callable[[Properties, Properties], bool] = _any_item
    """Whether an item is the resource, from the inputs and the item: for what no filter can say."""
    tags: Listing | None = None
    """How to read an item's tags, where the listing leaves them out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment(Listing):
    """What others can attach to a resource; it is theirs if the state lacks it.

    Templates are filled with the resource's `id`.
    """

    label: Label
    blocks_deletion: bool = True
    """Whether AWS refuses to delete the resource while this is attached."""
    of_sandboxes: bool = False
    """Whether it comes and goes with the sandboxes, so that drift does not report it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceType:
    """One type of resource."""

    name: str
    """The type token in Pulumi."""
    taggable: bool
    """Whether AWS keeps tags on it."""
    label: Label | None
    """Makes its line in the picture from its outputs; None if another resource's line covers it."""
    finder: Finder | None
    """None if creating it again changes nothing in AWS, so no search is needed."""
    attachments: tuple[Attachment, ...] = ()
    """What others can attach to it."""
    identities: tuple[str, ...] = ("{id}",)
    """How attachments name it: templates, filled with its outputs and `id`."""
    attaches: tuple[str, ...] = ()
    """What it may attach later, and leaves attached when it goes: templates like `identities`."""


def _attached_policies(kind: str) -> tuple[Attachment, ...]:
    """The policies of a "user" or a "role"."""
    parameters = {f"{kind.title()}Name": "{id}"}
    return (
        Attachment(
            service="iam",
            operation=f"list_attached_{kind}_policies",
            items="AttachedPolicies",
            parameters=parameters,
            identifier="{id}/{PolicyArn}",
            label="policy {PolicyArn}".format_map,
        ),
        Attachment(
            service="iam",
            operation=f"list_{kind}_policies",
            items="PolicyNames[].{PolicyName: @}",
            parameters=parameters,
            identifier="{id}:{PolicyName}",
            label="inline policy {PolicyName}".format_map,
        ),
    )


def _credential(kind: str, operation: str, items: str, key: str) -> Attachment:
    """Something that a user signs in with."""
    return Attachment(
        service="iam",
        operation=operation,
        items=items,
        parameters={"UserName": "{id}"},
        identifier=f"{{{key}}}",
        label=lambda item: f"{kind} {item[key]}, {item['Status'].lower()}",
    )


def _in_vpc(kind: str, operation: str, items: str, key: str, by: str = "vpc-id") -> Attachment:
    """Something in a VPC, which the filter *by* selects."""
    return Attachment(
        operation=operation,
        items=items,
        filters={by: "{id}"},
        identifier=f"{{{key}}}",
        label=f"{kind} {{{key}}}".format_map,
    )


def _address_block(key: str) -> Attachment:
    """A CIDR block of a VPC beside its first one; *key* is `CidrBlock` or `Ipv6CidrBlock`."""
    return Attachment(
        operation="describe_vpcs",
        items=f"Vpcs[].{key}AssociationSet[]",
        filters={"vpc-id": "{id}"},
        identifier=f"{{id}} {{{key}}}",
        label=f"addresses {{{key}}}".format_map,
        blocks_deletion=False,
    )


def _instance_label(instance: Properties) -> str:
    state = instance.get("State", {}).get("Name", "state unknown")
    label = f"instance {instance['InstanceId']} ({state})"
    tags = {tag["Key"]: tag["Value"] for tag in instance.get("Tags", [])}
    user = tags.get(names.USER_TAG)
    return f"{label} of {user}" if user else label


def _interface_label(interface: Properties) -> str:
    description = interface.get("Description") or "no description"
    return f"interface {interface['NetworkInterfaceId']} ({description})"


def _rule_label(outputs: Properties) -> str:
    source = outputs.get("cidrIpv4") or outputs.get("cidrIpv6") or "a prefix list"
    return f"in: {outputs['ipProtocol']} {int(outputs['fromPort'])} from {source}"


def _egress_label(outputs: Properties) -> str:
    protocol = "" if outputs["ipProtocol"] == "-1" else f"{outputs['ipProtocol']} "
    ports = ""
    if protocol.strip() in {"tcp", "udp"}:
        first, last = int(outputs["fromPort"]), int(outputs["toPort"])
        ports = f"{first} " if first == last else f"{first}-{last} "
    return f"out: {protocol}{ports}to {outputs.get('cidrIpv4') or outputs.get('cidrIpv6')}"


def _attached_rule_label(rule: Properties) -> str:
    group = rule.get("ReferencedGroupInfo", {}).get("GroupId")
    peer = rule.get("CidrIpv4") or rule.get("CidrIpv6") or rule.get("PrefixListId") or group
    ports = "" if rule["IpProtocol"] == "-1" else f" {rule['FromPort']}-{rule['ToPort']}"
    direction = "to" if rule["IsEgress"] else "from"
    return f"rule {rule['SecurityGroupRuleId']}: {rule['IpProtocol']}{ports} {direction} {peer}"


RULE_SOURCES: Final = {
    "cidrIpv4": "CidrIpv4",
    "cidrIpv6": "CidrIpv6",
    "prefixListId": "PrefixListId",
}
"""Where a rule's traffic comes from or goes to: Pulumi's property and EC2's field."""


RULE_PORTS: Final = {"fromPort": "FromPort", "toPort": "ToPort"}


def _same_rule(inputs: Properties, rule: Properties) -> bool:
    same_ports = all(
        rule.get(field_name) == inputs[property_name]
        for property_name, field_name in RULE_PORTS.items()
        if property_name in inputs
    )
    return (
        same_ports
        and rule["IpProtocol"] == inputs["ipProtocol"]
        and all(
            rule.get(field_name) == inputs.get(property_name)
            for property_name, field_name in RULE_SOURCES.items()
        )
    )


def _rule_finder(*, egress: bool) -> Finder:
    return Finder(
        operation="describe_security_group_rules",
        items=f"SecurityGroupRules[?IsEgress == `{str(egress).lower()}`]",
        filters={"group-id": "{securityGroupId}"},
        matches=_same_rule,
        identifier="{SecurityGroupRuleId}",
    )


def _iam_finder(kind: str) -> Finder:
    """An identity of IAM, whose name is its id; *kind* is "User", "Role" or "InstanceProfile"."""
    operation = {"User": "get_user", "Role": "get_role"}.get(kind, "get_instance_profile")
    return Finder(
        service="iam",
        operation=operation,
        items=f"[{kind}]",
        parameters={f"{kind}Name": "{name}"},
        identifier="{name}",
    )


VPC: Final = ResourceType(
    name="aws:ec2/vpc:Vpc",
    taggable=True,
    label="VPC {cidrBlock}".format_map,
    finder=Finder(
        operation="describe_vpcs",
        items="Vpcs",
        filters={"cidr": "{cidrBlock}", "tag:Name": "{tags[Name]}"},
        identifier="{VpcId}",
    ),
    identities=("{id}", "{id} {cidrBlock}"),
    attachments=(
        _in_vpc("subnet", "describe_subnets", "Subnets", "SubnetId"),
        _in_vpc("security group", "describe_security_groups", "SecurityGroups", "GroupId"),
        _in_vpc(
            "route table",
            "describe_route_tables",
            "RouteTables[?!(Associations[?Main])]",  # AWS makes the main one with the VPC
            "RouteTableId",
        ),
        _in_vpc("network ACL", "describe_network_acls", "NetworkAcls[?!IsDefault]", "NetworkAclId"),
        _in_vpc("endpoint", "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"),
        _in_vpc("NAT gateway", "describe_nat_gateways", "NatGateways", "NatGatewayId"),
        _in_vpc(
            "internet gateway",
            "describe_internet_gateways",
            "InternetGateways",
            "InternetGatewayId",
            by="attachment.vpc-id",
        ),
        Attachment(
            operation="describe_instances",
            items="Reservations[].Instances[]",
            filters={"vpc-id": "{id}"},
            identifier="{InstanceId}",
            label=_instance_label,
            of_sandboxes=True,
        ),
        Attachment(
            operation="describe_network_interfaces",
            # Those of instances and gateways come and go with them, and other listings name them.
            items="NetworkInterfaces[?!(Attachment.InstanceId) && !contains("
            "['nat_gateway', 'transit_gateway', 'vpc_endpoint'], InterfaceType)]",
            filters={"vpc-id": "{id}"},
            identifier="{NetworkInterfaceId}",
            label=_interface_label,
        ),
        _in_vpc(
            "VPN gateway",
            "describe_vpn_gateways",
            "VpnGateways",
            "VpnGatewayId",
            by="attachment.vpc-id",
        ),
        _in_vpc(
            "transit gateway attachment",
            "describe_transit_gateway_vpc_attachments",
            "TransitGatewayVpcAttachments",
            "TransitGatewayAttachmentId",
        ),
        *(
            _in_vpc(
                "peering",
                "describe_vpc_peering_connections",
                "VpcPeeringConnections",
                "VpcPeeringConnectionId",
                by=f"{side}-vpc-info.vpc-id",
            )
            for side in ("requester", "accepter")
        ),
        _address_block("CidrBlock"),
        _address_block("Ipv6CidrBlock"),
    ),
)
SUBNET: Final = ResourceType(
    name="aws:ec2/subnet:Subnet",
    taggable=True,
    label="subnet {availabilityZone} {cidrBlock}".format_map,
    finder=Finder(
        operation="describe_subnets",
        items="Subnets",
        filters={"vpc-id": "{vpcId}", "cidr-block": "{cidrBlock}"},
        identifier="{SubnetId}",
    ),
)
INTERNET_GATEWAY: Final = ResourceType(
    name="aws:ec2/internetGateway:InternetGateway",
    taggable=True,
    label="internet gateway".format_map,
    finder=Finder(
        operation="describe_internet_gateways",
        items="InternetGateways",
        filters={"tag:Name": "{tags[Name]}"},
        # the provider attaches it only after its creation
        matches=lambda inputs, gateway: all(
            attachment["VpcId"] == inputs["vpcId"] for attachment in gateway["Attachments"]
        ),
        identifier="{InternetGatewayId}",
    ),
)
ROUTE_TABLE: Final = ResourceType(
    name="aws:ec2/routeTable:RouteTable",
    taggable=True,
    label="one public route table".format_map,
    finder=Finder(
        operation="describe_route_tables",
        items="RouteTables",
        filters={"vpc-id": "{vpcId}", "tag:Name": "{tags[Name]}"},
        identifier="{RouteTableId}",
    ),
    attachments=(
        Attachment(
            operation="describe_route_tables",
            # A gateway endpoint's routes come and go with it, and the VPC's listings name it. The
            # rest is whichever field EC2 uses for a route's destination and target.
            items="RouteTables[].Routes["
            "?GatewayId != 'local' && !starts_with(GatewayId || '', 'vpce-')][].{"
            "Destination: DestinationCidrBlock || DestinationIpv6CidrBlock"
            " || DestinationPrefixListId,"
            " Target: CarrierGatewayId || CoreNetworkArn || EgressOnlyInternetGatewayId"
            " || GatewayId || InstanceId || LocalGatewayId || NatGatewayId || NetworkInterfaceId"
            " || TransitGatewayId || VpcPeeringConnectionId || 'nothing'}",
            filters={"route-table-id": "{id}"},
            identifier="{id} {Destination}",
            label="route {Destination} via {Target}".format_map,
            blocks_deletion=False,
        ),
        Attachment(
            operation="describe_route_tables",
            items="RouteTables[].Associations[?SubnetId][]",
            filters={"route-table-id": "{id}"},
            identifier="{SubnetId}",
            label="association with {SubnetId}".format_map,
        ),
    ),
)
ROUTE: Final = ResourceType(
    name="aws:ec2/route:Route",
    taggable=False,
    label=None,
    finder=Finder(
        operation="describe_route_tables",
        items="RouteTables[].Routes[]",
        filters={"route-table-id": "{routeTableId}"},
        matches=lambda inputs, route: (
            route.get("DestinationCidrBlock") == inputs["destinationCidrBlock"]
        ),
        identifier="{routeTableId}_{destinationCidrBlock}",
    ),
    identities=("{routeTableId} {destinationCidrBlock}",),
)
ROUTE_TABLE_ASSOCIATION: Final = ResourceType(
    name="aws:ec2/routeTableAssociation:RouteTableAssociation",
    taggable=False,
    label=None,
    finder=Finder(
        operation="describe_route_tables",
        items="RouteTables",
        filters={"association.subnet-id": "{subnetId}"},
        matches=lambda inputs, table: table["RouteTableId"] == inputs["routeTableId"],
        identifier="{subnetId}/{routeTableId}",
    ),
)
VPC_ENDPOINT: Final = ResourceType(
    name="aws:ec2/vpcEndpoint:VpcEndpoint",
    taggable=True,
    label="S3 gateway endpoint".format_map,
    finder=Finder(
        operation="describe_vpc_endpoints",
        items="VpcEndpoints[?State != 'deleted']",
        filters={"vpc-id": "{vpcId}", "service-name": "{serviceName}"},
        identifier="{VpcEndpointId}",
    ),
)
DEFAULT_SECURITY_GROUP: Final = ResourceType(
    name="aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
    taggable=True,
    label="default group, emptied".format_map,
    finder=None,  # AWS makes it with the VPC, and this type adopts it
)
SECURITY_GROUP: Final = ResourceType(
    name="aws:ec2/securityGroup:SecurityGroup",
    taggable=True,
    label="group {name}".format_map,
    finder=Finder(
        operation="describe_security_groups",
        items="SecurityGroups",
        filters={"vpc-id": "{vpcId}", "group-name": "{name}"},
        identifier="{GroupId}",
    ),
    attachments=(
        Attachment(
            operation="describe_security_group_rules",
            items="SecurityGroupRules",
            filters={"group-id": "{id}"},
            identifier="{SecurityGroupRuleId}",
            label=_attached_rule_label,
            blocks_deletion=False,
        ),
        *(
            Attachment(
                operation="describe_security_groups",
                items="SecurityGroups",
                filters={f"{direction}ip-permission.group-id": "{id}"},
                identifier="{GroupId}",
                label="rule of group {GroupId} that names this group".format_map,
            )
            for direction in ("", "egress.")
        ),
    ),
)
INGRESS_RULE: Final = ResourceType(
    name="aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    taggable=True,
    label=_rule_label,
    finder=_rule_finder(egress=False),
)
EGRESS_RULE: Final = ResourceType(
    name="aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
    taggable=True,
    label=_egress_label,
    finder=_rule_finder(egress=True),
)
PREFIX_LIST: Final = ResourceType(
    name="aws:ec2/managedPrefixList:ManagedPrefixList",
    taggable=True,
    label="prefix list {name}".format_map,
    finder=Finder(
        operation="describe_managed_prefix_lists",
        items="PrefixLists",
        filters={"prefix-list-name": "{name}"},
        identifier="{PrefixListId}",
    ),
)
FLOW_LOG: Final = ResourceType(
    name="aws:ec2/flowLog:FlowLog",
    taggable=True,
    label=lambda outputs: f"flow log, {outputs['trafficType'].lower()} traffic",
    finder=Finder(
        operation="describe_flow_logs",
        items="FlowLogs",
        filters={"resource-id": "{vpcId}"},
        identifier="{FlowLogId}",
    ),
)
LOG_GROUP: Final = ResourceType(
    name="aws:cloudwatch/logGroup:LogGroup",
    taggable=True,
    label=lambda outputs: f"{outputs['name']}, {int(outputs['retentionInDays'])} days",
    finder=Finder(
        service="logs",
        operation="describe_log_groups",
        items="logGroups",
        parameters={"logGroupNamePrefix": "{name}"},
        matches=lambda inputs, group: group["logGroupName"] == inputs["name"],
        identifier="{logGroupName}",
        tags=Listing(
            service="logs",
            operation="list_tags_for_resource",
            items="[tags]",
            parameters={"resourceArn": "{logGroupArn}"},
        ),
    ),
)
USER: Final = ResourceType(
    name="aws:iam/user:User",
    taggable=True,
    label="user {name}".format_map,
    finder=_iam_finder("User"),
    attachments=(
        *_attached_policies("user"),
        _credential("access key", "list_access_keys", "AccessKeyMetadata", "AccessKeyId"),
        _credential(
            "service's credential",
            "list_service_specific_credentials",
            "ServiceSpecificCredentials",
            "ServiceSpecificCredentialId",
        ),
        _credential("SSH key", "list_ssh_public_keys", "SSHPublicKeys", "SSHPublicKeyId"),
        _credential("certificate", "list_signing_certificates", "Certificates", "CertificateId"),
        Attachment(
            service="iam",
            operation="list_mfa_devices",
            items="MFADevices",
            parameters={"UserName": "{id}"},
            identifier="{SerialNumber}",
            label="MFA device {SerialNumber}".format_map,
        ),
        Attachment(
            service="iam",
            operation="list_groups_for_user",
            items="Groups",
            parameters={"UserName": "{id}"},
            identifier="{Arn}",
            label="group {GroupName}".format_map,
            blocks_deletion=False,  # the provider removes the user from its groups
        ),
        Attachment(
            service="iam",
            operation="get_login_profile",
            items="[LoginProfile]",
            parameters={"UserName": "{id}"},
            identifier="password of {UserName}",
            label="a password for the console".format_map,
        ),
    ),
)
ROLE: Final = ResourceType(
    name="aws:iam/role:Role",
    taggable=True,
    label="role {name}".format_map,
    finder=_iam_finder("Role"),
    attachments=_attached_policies("role"),
)
POLICY: Final = ResourceType(
    name="aws:iam/policy:Policy",
    taggable=True,
    label="policy {name}".format_map,
    finder=Finder(
        service="iam",
        operation="get_policy",  # by its ARN: a role that reads only our policies may ask it
        items="[Policy]",
        parameters={"PolicyArn": "arn:{partition}:iam::{account_id}:policy/{name}"},
        identifier="{Arn}",
        tags=Listing(
            service="iam",
            operation="list_policy_tags",
            items="Tags",
            parameters={"PolicyArn": "{Arn}"},
        ),
    ),
    attachments=(
        Attachment(
            service="iam",
            operation="list_entities_for_policy",
            items="[PolicyUsers[].{Kind: 'user', Name: UserName},"
            " PolicyRoles[].{Kind: 'role', Name: RoleName},"
            " PolicyGroups[].{Kind: 'group', Name: GroupName}][]",
            parameters={"PolicyArn": "{id}"},
            identifier="{Name}",
            label="attached to {Kind} {Name}".format_map,
        ),
    ),
)
ROLE_POLICY: Final = ResourceType(
    name="aws:iam/rolePolicy:RolePolicy", taggable=False, label=None, finder=None
)
ROLE_POLICY_ATTACHMENT: Final = ResourceType(
    name="aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    taggable=False,
    label=None,
    finder=None,
    identities=("{role}/{policyArn}",),
)
USER_POLICY_ATTACHMENT: Final = ResourceType(
    name="aws:iam/userPolicyAttachment:UserPolicyAttachment",
    taggable=False,
    label=None,
    finder=None,
    identities=("{user}/{policyArn}",),
)
INSTANCE_PROFILE: Final = ResourceType(
    name="aws:iam/instanceProfile:InstanceProfile",
    taggable=True,
    label="profile {name}".format_map,
    finder=_iam_finder("InstanceProfile"),
)
ACCESS_KEY: Final = ResourceType(
    name="aws:iam/accessKey:AccessKey",
    taggable=False,
    label=lambda outputs: f"access key, {str(outputs['status']).lower()}",
    finder=None,  # AWS shows its secret only once, so a lost key can only be deleted
)
COST_ALLOCATION_TAG: Final = ResourceType(
    name="aws:costexplorer/costAllocationTag:CostAllocationTag",
    taggable=False,
    label="tag {tagKey}".format_map,
    finder=None,
)
BUDGET: Final = ResourceType(
    name="aws:budgets/budget:Budget",
    taggable=True,
    label="{limitAmount} {limitUnit} a month".format_map,
    finder=Finder(
        service="budgets",
        operation="describe_budget",
        items="[Budget]",
        parameters={"AccountId": "{account_id}", "BudgetName": "{name}"},
        identifier="{account_id}:{name}",
        tags=Listing(
            service="budgets",
            operation="list_tags_for_resource",
            items="ResourceTags",
            parameters={"ResourceARN": "arn:{partition}:budgets::{account_id}:budget/{BudgetName}"},
        ),
    ),
)
BUDGET_ACTION: Final = ResourceType(
    name="aws:budgets/budgetAction:BudgetAction",
    taggable=True,
    label="action: attach the stop".format_map,
    finder=Finder(
        service="budgets",
        operation="describe_budget_actions_for_budget",
        items="Actions",
        parameters={"AccountId": "{account_id}", "BudgetName": "{budgetName}"},
        matches=lambda inputs, action: (
            action["Definition"].get("IamActionDefinition", {}).get("PolicyArn")
            == inputs["definition"]["iamActionDefinition"]["policyArn"]
        ),
        identifier="{account_id}:{ActionId}:{BudgetName}",
        tags=Listing(
            service="budgets",
            operation="list_tags_for_resource",
            items="ResourceTags",
            parameters={
                "ResourceARN": "arn:{partition}:budgets::{account_id}:budget/{BudgetName}"
                "/action/{ActionId}"
            },
        ),
    ),
    attaches=tuple(
        f"{{definition[iamActionDefinition][{kind}][0]}}/{{definition[iamActionDefinition][policyArn]}}"
        for kind in ("users", "roles")
    ),
)
STASH: Final = ResourceType(name="pulumi:index:Stash", taggable=False, label=None, finder=None)
"""The destroy guard; it exists only in the state."""

CATALOGUE: Final[Mapping[str, ResourceType]] = {
    resource_type.name: resource_type
    for resource_type in (
        VPC,
        SUBNET,
        INTERNET_GATEWAY,
        ROUTE_TABLE,
        ROUTE,
        ROUTE_TABLE_ASSOCIATION,
        VPC_ENDPOINT,
        DEFAULT_SECURITY_GROUP,
        SECURITY_GROUP,
        INGRESS_RULE,
        EGRESS_RULE,
        PREFIX_LIST,
        FLOW_LOG,
        LOG_GROUP,
        USER,
        ROLE,
        POLICY,
        ROLE_POLICY,
        ROLE_POLICY_ATTACHMENT,
        USER_POLICY_ATTACHMENT,
        INSTANCE_PROFILE,
        ACCESS_KEY,
        COST_ALLOCATION_TAG,
        BUDGET,
        BUDGET_ACTION,
        STASH,
    )
}

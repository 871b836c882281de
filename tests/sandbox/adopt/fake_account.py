"""Build in an emulated account what the old module creates, and take snapshots of the account."""

import json
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_logs import CloudWatchLogsClient

ORIGINAL = Path(__file__).with_name("original.tfstate")
Json = dict[str, Any]
Client = Callable[[str], Any]
Snapshot = dict[tuple[str, str], Any]
"""A resource as AWS describes it, by kind and id."""


def original() -> Json:
    return json.loads(ORIGINAL.read_text())


def attributes(state: Json, kind: str) -> list[Json]:
    return [
        instance["attributes"]
        for block in state["resources"]
        if block["type"] == kind
        for instance in block["instances"]
    ]


def clients(region: str, environment: Mapping[str, str]) -> Client:
    """Clients of the emulated account that *environment* reaches."""
    session = boto3.Session(
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        region_name=region,
    )
    return lambda name: session.client(name, endpoint_url=environment["AWS_ENDPOINT_URL"])  # pyrefly: ignore[no-matching-overload] - the service's name comes as text


class Builder:
    """Creates the resources of a state, and notes the ids that AWS gives them."""

    def __init__(self, state: Json, client: Client) -> None:
        self.state = state
        self.ec2, self.iam = client("ec2"), client("iam")
        self.ids: dict[str, str] = {}

    def build(self) -> Json:
        """Create every resource; return the state with the new ids."""
        for kind, create in CREATORS.items():
            for values in attributes(self.state, kind):
                create(self, values)
        text = json.dumps(self.state)
        for old, new in self.ids.items():
            text = text.replace(old, new)
        return json.loads(text)

    def new(self, old: str) -> str:
        return self.ids.get(old, old)

    def tag(self, old: str, tags: Mapping[str, str]) -> None:
        self.ec2.create_tags(Resources=[self.new(old)], Tags=listed(tags))

    def vpc(self, values: Json) -> None:
        vpc = self.ec2.create_vpc(CidrBlock=values["cidr_block"])["Vpc"]["VpcId"]
        self.ids[values["id"]] = vpc
        self.ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
        self.tag(values["id"], values["tags_all"])
        in_vpc = [{"Name": "vpc-id", "Values": [vpc]}]
        group = self.ec2.describe_security_groups(Filters=in_vpc)["SecurityGroups"][0]
        table = self.ec2.describe_route_tables(Filters=in_vpc)["RouteTables"][0]
        acl = self.ec2.describe_network_acls(Filters=in_vpc)["NetworkAcls"][0]
        self.ids[values["default_security_group_id"]] = group["GroupId"]
        self.ids[values["default_route_table_id"]] = table["RouteTableId"]
        self.ids[values["default_network_acl_id"]] = acl["NetworkAclId"]

    def default_group(self, values: Json) -> None:
        """Terraform removes its rules."""
        group = self.ec2.describe_security_groups(GroupIds=[self.new(values["id"])])[
            "SecurityGroups"
        ]
        for rules, revoke in (
            (group[0]["IpPermissions"], self.ec2.revoke_security_group_ingress),
            (group[0]["IpPermissionsEgress"], self.ec2.revoke_security_group_egress),
        ):
            if rules:
                revoke(GroupId=self.new(values["id"]), IpPermissions=rules)
        self.tag(values["id"], values["tags_all"])

    def tagged(self, values: Json) -> None:
        self.tag(values["id"], values["tags_all"])

    def gateway(self, values: Json) -> None:
        gateway = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.ids[values["id"]] = gateway
        self.ec2.attach_internet_gateway(
            InternetGatewayId=gateway, VpcId=self.new(values["vpc_id"])
        )
        self.tag(values["id"], values["tags_all"])

    def subnet(self, values: Json) -> None:
        subnet = self.ec2.create_subnet(
            VpcId=self.new(values["vpc_id"]),
            CidrBlock=values["cidr_block"],
            AvailabilityZone=values["availability_zone"],
        )["Subnet"]
        self.ids[values["id"]] = subnet["SubnetId"]
        self.tag(values["id"], values["tags_all"])

    def table(self, values: Json) -> None:
        table = self.ec2.create_route_table(VpcId=self.new(values["vpc_id"]))["RouteTable"]
        self.ids[values["id"]] = table["RouteTableId"]
        self.tag(values["id"], values["tags_all"])

    def route(self, values: Json) -> None:
        self.ec2.create_route(
            RouteTableId=self.new(values["route_table_id"]),
            DestinationCidrBlock=values["destination_cidr_block"],
            GatewayId=self.new(values["gateway_id"]),
        )

    def association(self, values: Json) -> None:
        self.ids[values["id"]] = self.ec2.associate_route_table(
            RouteTableId=self.new(values["route_table_id"]), SubnetId=self.new(values["subnet_id"])
        )["AssociationId"]

    def endpoint(self, values: Json) -> None:
        endpoint = self.ec2.create_vpc_endpoint(
            VpcId=self.new(values["vpc_id"]),
            ServiceName=values["service_name"],
            RouteTableIds=[self.new(table) for table in values["route_table_ids"]],
        )["VpcEndpoint"]
        self.ids[values["id"]] = endpoint["VpcEndpointId"]
        self.tag(values["id"], values["tags_all"])

    def old_rule(self, values: Json) -> None:
        rule = {
            "id": values["security_group_rule_id"],
            "security_group_id": values["security_group_id"],
            "ip_protocol": values["protocol"],
            "from_port": values["from_port"] or None,
            "to_port": values["to_port"] or None,
            "cidr_ipv4": values["cidr_blocks"][0],
            "description": values["description"],
            "tags_all": {},
        }
        (self.ingress if values["type"] == "ingress" else self.egress)(rule)

    def group(self, values: Json) -> None:
        group = self.ec2.create_security_group(
            GroupName=values["name"],
            Description=values["description"],
            VpcId=self.new(values["vpc_id"]),
        )["GroupId"]
        self.ids[values["id"]] = group
        everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
        self.ec2.revoke_security_group_egress(GroupId=group, IpPermissions=everything)
        self.tag(values["id"], values["tags_all"])

    def ingress(self, values: Json) -> None:
        self._rule(values, self.ec2.authorize_security_group_ingress)

    def egress(self, values: Json) -> None:
        self._rule(values, self.ec2.authorize_security_group_egress)

    def _rule(self, values: Json, authorize: Callable[..., Any]) -> None:
        permission: Json = {"IpProtocol": values["ip_protocol"]}
        if values["from_port"] is not None:
            permission |= {"FromPort": values["from_port"], "ToPort": values["to_port"]}
        if values["cidr_ipv4"]:
            permission["IpRanges"] = [
                {"CidrIp": values["cidr_ipv4"], "Description": values["description"]}
            ]
        else:
            permission["Ipv6Ranges"] = [
                {"CidrIpv6": values["cidr_ipv6"], "Description": values["description"]}
            ]
        answer = authorize(
            GroupId=self.new(values["security_group_id"]), IpPermissions=[permission]
        )
        self.ids[values["id"]] = answer["SecurityGroupRules"][0]["SecurityGroupRuleId"]
        if values["tags_all"]:
            self.tag(values["id"], values["tags_all"])

    def role(self, values: Json) -> None:
        self.iam.create_role(
            RoleName=values["name"],
            Path=values["path"],
            Description=values["description"],
            AssumeRolePolicyDocument=values["assume_role_policy"],
            Tags=listed(values["tags_all"]),
            **bounded(values),
        )

    def policy(self, values: Json) -> None:
        self.iam.create_policy(
            PolicyName=values["name"],
            Path=values["path"],
            Description=values["description"],
            PolicyDocument=values["policy"],
            Tags=listed(values["tags_all"]),
        )

    def profile(self, values: Json) -> None:
        self.iam.create_instance_profile(
            InstanceProfileName=values["name"], Path=values["path"], Tags=listed(values["tags_all"])
        )
        self.iam.add_role_to_instance_profile(
            InstanceProfileName=values["name"], RoleName=values["role"]
        )

    def user(self, values: Json) -> None:
        self.iam.create_user(
            UserName=values["name"],
            Path=values["path"],
            Tags=listed(values["tags_all"]),
            **bounded(values),
        )

    def role_attachment(self, values: Json) -> None:
        self.iam.attach_role_policy(RoleName=values["role"], PolicyArn=values["policy_arn"])

    def user_attachment(self, values: Json) -> None:
        self.iam.attach_user_policy(UserName=values["user"], PolicyArn=values["policy_arn"])

    def key(self, values: Json) -> None:
        key = self.iam.create_access_key(UserName=values["user"])["AccessKey"]
        self.ids[values["id"]] = key["AccessKeyId"]
        self.iam.update_access_key(
            UserName=values["user"], AccessKeyId=key["AccessKeyId"], Status=values["status"]
        )
        if values["secret"]:
            self.ids[values["secret"]] = key["SecretAccessKey"]


CREATORS: Mapping[str, Callable[[Builder, Json], None]] = {
    "aws_vpc": Builder.vpc,
    "aws_default_security_group": Builder.default_group,
    "aws_default_route_table": Builder.tagged,
    "aws_default_network_acl": Builder.tagged,
    "aws_internet_gateway": Builder.gateway,
    "aws_subnet": Builder.subnet,
    "aws_route_table": Builder.table,
    "aws_route": Builder.route,
    "aws_route_table_association": Builder.association,
    "aws_vpc_endpoint": Builder.endpoint,
    "aws_security_group": Builder.group,
    "aws_security_group_rule": Builder.old_rule,
    "aws_vpc_security_group_ingress_rule": Builder.ingress,
    "aws_vpc_security_group_egress_rule": Builder.egress,
    "aws_iam_policy": Builder.policy,
    "aws_iam_role": Builder.role,
    "aws_iam_instance_profile": Builder.profile,
    "aws_iam_user": Builder.user,
    "aws_iam_role_policy_attachment": Builder.role_attachment,
    "aws_iam_user_policy_attachment": Builder.user_attachment,
    "aws_iam_access_key": Builder.key,
}
"""In an order in which each resource finds those that it needs."""


def recreate(state: Json, client: Client) -> Json:
    """Create the resources of *state*; return the state with their new ids."""
    return Builder(deepcopy(state), client).build()


def bounded(values: Json) -> Json:
    arn = values.get("permissions_boundary")
    return {"PermissionsBoundary": arn} if arn else {}


def listed(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def snapshot(client: Client) -> Snapshot:
    """Every resource of the account, without the fields that a mere call changes."""
    return dict([*_network(client("ec2")), *_identities(client("iam")), *_logs(client("logs"))])


def _network(ec2: "EC2Client") -> Iterator[tuple[tuple[str, str], Any]]:
    for call, kind, key in (
        ("describe_vpcs", "Vpcs", "VpcId"),
        ("describe_subnets", "Subnets", "SubnetId"),
        ("describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
        ("describe_route_tables", "RouteTables", "RouteTableId"),
        ("describe_network_acls", "NetworkAcls", "NetworkAclId"),
        ("describe_security_groups", "SecurityGroups", "GroupId"),
        ("describe_security_group_rules", "SecurityGroupRules", "SecurityGroupRuleId"),
        ("describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"),
        ("describe_flow_logs", "FlowLogs", "FlowLogId"),
        ("describe_managed_prefix_lists", "PrefixLists", "PrefixListId"),
        ("describe_instances", "Reservations", "ReservationId"),
        ("describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId"),
    ):
        for resource in getattr(ec2, call)()[kind]:
            yield (kind, resource[key]), resource
    for vpc in ec2.describe_vpcs()["Vpcs"]:
        for name in ("enableDnsSupport", "enableDnsHostnames"):
            answer: Json = {**ec2.describe_vpc_attribute(VpcId=vpc["VpcId"], Attribute=name)}
            yield (name, vpc["VpcId"]), answer[name[0].upper() + name[1:]]["Value"]


def _identities(iam: "IAMClient") -> Iterator[tuple[tuple[str, str], Any]]:
    for user in iam.list_users()["Users"]:
        name = user["UserName"]
        yield ("User", name), _without_last_use(iam.get_user(UserName=name)["User"])
        attached = iam.list_attached_user_policies(UserName=name)["AttachedPolicies"]
        yield ("user's policies", name), attached
        for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
            yield ("AccessKey", key["AccessKeyId"]), _without_last_use(key)
    for role in iam.list_roles()["Roles"]:
        name = role["RoleName"]
        yield ("Role", name), _without_last_use(iam.get_role(RoleName=name)["Role"])
        attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
        yield ("role's policies", name), attached
    for profile in iam.list_instance_profiles()["InstanceProfiles"]:
        name = profile["InstanceProfileName"]
        details = iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
        roles = [role["RoleName"] for role in details["Roles"]]
        yield ("InstanceProfile", name), {**details, "Roles": roles}
    for policy in iam.list_policies(Scope="Local")["Policies"]:
        arn = policy["Arn"]
        yield ("Policy", arn), iam.get_policy(PolicyArn=arn)["Policy"]
        version = policy["DefaultVersionId"]
        document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]
        yield ("document", arn), document["Document"]


def _logs(logs: "CloudWatchLogsClient") -> Iterator[tuple[tuple[str, str], Any]]:
    for group in logs.describe_log_groups()["logGroups"]:
        yield ("LogGroup", group["logGroupName"]), group


def _without_last_use(resource: Mapping[str, object]) -> Mapping[str, object]:
    return {key: value for key, value in resource.items() if "LastUsed" not in key}


def changed(before: Snapshot, after: Snapshot) -> set[tuple[str, str]]:
    """The keys of resources that existed before and are different or gone."""
    return {key for key, value in before.items() if after.get(key) != value}

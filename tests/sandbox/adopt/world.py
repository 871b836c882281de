"""An emulated account that the old module has made, and everything that can be seen of it."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
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
Seen = dict[tuple[str, str], Any]


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
    return lambda name: session.client(name, endpoint_url=environment["AWS_ENDPOINT_URL"])  # pyright: ignore[reportArgumentType, reportCallIssue] - the service's name comes as text


class Builder:
    """Makes what a state describes, and learns under which ids."""

    def __init__(self, state: Json, client: Client) -> None:
        self.state = state
        self.ec2, self.iam = client("ec2"), client("iam")
        self.ids: dict[str, str] = {}

    def build(self) -> Json:
        """The state with the ids of what now stands."""
        for kind, make in MAKERS.items():
            for one in attributes(self.state, kind):
                make(self, one)
        text = json.dumps(self.state)
        for old, new in self.ids.items():
            text = text.replace(old, new)
        return json.loads(text)

    def new(self, old: str) -> str:
        return self.ids.get(old, old)

    def tag(self, old: str, tags: Mapping[str, str]) -> None:
        self.ec2.create_tags(Resources=[self.new(old)], Tags=listed(tags))

    def vpc(self, one: Json) -> None:
        vpc = self.ec2.create_vpc(CidrBlock=one["cidr_block"])["Vpc"]["VpcId"]
        self.ids[one["id"]] = vpc
        self.ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
        self.tag(one["id"], one["tags_all"])
        here = [{"Name": "vpc-id", "Values": [vpc]}]
        group = self.ec2.describe_security_groups(Filters=here)["SecurityGroups"][0]
        table = self.ec2.describe_route_tables(Filters=here)["RouteTables"][0]
        acl = self.ec2.describe_network_acls(Filters=here)["NetworkAcls"][0]
        self.ids[one["default_security_group_id"]] = group["GroupId"]
        self.ids[one["default_route_table_id"]] = table["RouteTableId"]
        self.ids[one["default_network_acl_id"]] = acl["NetworkAclId"]

    def default_group(self, one: Json) -> None:
        """Terraform empties it."""
        group = self.ec2.describe_security_groups(GroupIds=[self.new(one["id"])])["SecurityGroups"]
        for rules, revoke in (
            (group[0]["IpPermissions"], self.ec2.revoke_security_group_ingress),
            (group[0]["IpPermissionsEgress"], self.ec2.revoke_security_group_egress),
        ):
            if rules:
                revoke(GroupId=self.new(one["id"]), IpPermissions=rules)
        self.tag(one["id"], one["tags_all"])

    def tagged(self, one: Json) -> None:
        self.tag(one["id"], one["tags_all"])

    def gateway(self, one: Json) -> None:
        made = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.ids[one["id"]] = made
        self.ec2.attach_internet_gateway(InternetGatewayId=made, VpcId=self.new(one["vpc_id"]))
        self.tag(one["id"], one["tags_all"])

    def subnet(self, one: Json) -> None:
        made = self.ec2.create_subnet(
            VpcId=self.new(one["vpc_id"]),
            CidrBlock=one["cidr_block"],
            AvailabilityZone=one["availability_zone"],
        )["Subnet"]
        self.ids[one["id"]] = made["SubnetId"]
        self.tag(one["id"], one["tags_all"])

    def table(self, one: Json) -> None:
        made = self.ec2.create_route_table(VpcId=self.new(one["vpc_id"]))["RouteTable"]
        self.ids[one["id"]] = made["RouteTableId"]
        self.tag(one["id"], one["tags_all"])

    def route(self, one: Json) -> None:
        self.ec2.create_route(
            RouteTableId=self.new(one["route_table_id"]),
            DestinationCidrBlock=one["destination_cidr_block"],
            GatewayId=self.new(one["gateway_id"]),
        )

    def association(self, one: Json) -> None:
        self.ids[one["id"]] = self.ec2.associate_route_table(
            RouteTableId=self.new(one["route_table_id"]), SubnetId=self.new(one["subnet_id"])
        )["AssociationId"]

    def group(self, one: Json) -> None:
        made = self.ec2.create_security_group(
            GroupName=one["name"], Description=one["description"], VpcId=self.new(one["vpc_id"])
        )["GroupId"]
        self.ids[one["id"]] = made
        everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
        self.ec2.revoke_security_group_egress(GroupId=made, IpPermissions=everything)
        self.tag(one["id"], one["tags_all"])

    def ingress(self, one: Json) -> None:
        self._rule(one, self.ec2.authorize_security_group_ingress)

    def egress(self, one: Json) -> None:
        self._rule(one, self.ec2.authorize_security_group_egress)

    def _rule(self, one: Json, authorize: Callable[..., Any]) -> None:
        permission: Json = {"IpProtocol": one["ip_protocol"]}
        if one["from_port"] is not None:
            permission |= {"FromPort": one["from_port"], "ToPort": one["to_port"]}
        if one["cidr_ipv4"]:
            permission["IpRanges"] = [
                {"CidrIp": one["cidr_ipv4"], "Description": one["description"]}
            ]
        else:
            permission["Ipv6Ranges"] = [
                {"CidrIpv6": one["cidr_ipv6"], "Description": one["description"]}
            ]
        made = authorize(GroupId=self.new(one["security_group_id"]), IpPermissions=[permission])[
            "SecurityGroupRules"
        ][0]["SecurityGroupRuleId"]
        self.ids[one["id"]] = made
        self.tag(one["id"], one["tags_all"])

    def role(self, one: Json) -> None:
        self.iam.create_role(
            RoleName=one["name"],
            Path=one["path"],
            Description=one["description"],
            AssumeRolePolicyDocument=one["assume_role_policy"],
            Tags=listed(one["tags_all"]),
        )

    def policy(self, one: Json) -> None:
        self.iam.create_policy(
            PolicyName=one["name"],
            Path=one["path"],
            Description=one["description"],
            PolicyDocument=one["policy"],
            Tags=listed(one["tags_all"]),
        )

    def profile(self, one: Json) -> None:
        self.iam.create_instance_profile(
            InstanceProfileName=one["name"], Path=one["path"], Tags=listed(one["tags_all"])
        )
        self.iam.add_role_to_instance_profile(InstanceProfileName=one["name"], RoleName=one["role"])

    def user(self, one: Json) -> None:
        self.iam.create_user(UserName=one["name"], Path=one["path"], Tags=listed(one["tags_all"]))

    def role_attachment(self, one: Json) -> None:
        self.iam.attach_role_policy(RoleName=one["role"], PolicyArn=one["policy_arn"])

    def user_attachment(self, one: Json) -> None:
        self.iam.attach_user_policy(UserName=one["user"], PolicyArn=one["policy_arn"])

    def key(self, one: Json) -> None:
        made = self.iam.create_access_key(UserName=one["user"])["AccessKey"]
        self.ids[one["id"]] = made["AccessKeyId"]
        if one["secret"]:
            self.ids[one["secret"]] = made["SecretAccessKey"]


MAKERS: Mapping[str, Callable[[Builder, Json], None]] = {
    "aws_vpc": Builder.vpc,
    "aws_default_security_group": Builder.default_group,
    "aws_default_route_table": Builder.tagged,
    "aws_default_network_acl": Builder.tagged,
    "aws_internet_gateway": Builder.gateway,
    "aws_subnet": Builder.subnet,
    "aws_route_table": Builder.table,
    "aws_route": Builder.route,
    "aws_route_table_association": Builder.association,
    "aws_security_group": Builder.group,
    "aws_vpc_security_group_ingress_rule": Builder.ingress,
    "aws_vpc_security_group_egress_rule": Builder.egress,
    "aws_iam_role": Builder.role,
    "aws_iam_policy": Builder.policy,
    "aws_iam_instance_profile": Builder.profile,
    "aws_iam_user": Builder.user,
    "aws_iam_role_policy_attachment": Builder.role_attachment,
    "aws_iam_user_policy_attachment": Builder.user_attachment,
    "aws_iam_access_key": Builder.key,
}
"""In the order in which they need each other."""


def recreate(state: Json, client: Client) -> Json:
    """Build *state*'s resources; the same state with the ids that they got."""
    return Builder(deepcopy(state), client).build()


def listed(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def look(client: Client) -> Seen:
    """Everything of the account, by kind and id; what a mere call changes is left out."""
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
        for one in getattr(ec2, call)()[kind]:
            yield (kind, one[key]), one
    for vpc in ec2.describe_vpcs()["Vpcs"]:
        for name in ("enableDnsSupport", "enableDnsHostnames"):
            answer: Json = {**ec2.describe_vpc_attribute(VpcId=vpc["VpcId"], Attribute=name)}
            yield (name, vpc["VpcId"]), answer[name[0].upper() + name[1:]]["Value"]


def _identities(iam: "IAMClient") -> Iterator[tuple[tuple[str, str], Any]]:
    for user in iam.list_users()["Users"]:
        name = user["UserName"]
        yield ("User", name), _still(iam.get_user(UserName=name)["User"])
        attached = iam.list_attached_user_policies(UserName=name)["AttachedPolicies"]
        yield ("user's policies", name), attached
        for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
            yield ("AccessKey", key["AccessKeyId"]), _still(key)
    for role in iam.list_roles()["Roles"]:
        name = role["RoleName"]
        yield ("Role", name), _still(iam.get_role(RoleName=name)["Role"])
        attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
        yield ("role's policies", name), attached
    for profile in iam.list_instance_profiles()["InstanceProfiles"]:
        name = profile["InstanceProfileName"]
        own = iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
        roles = [role["RoleName"] for role in own["Roles"]]
        yield ("InstanceProfile", name), {**own, "Roles": roles}
    for policy in iam.list_policies(Scope="Local")["Policies"]:
        arn = policy["Arn"]
        yield ("Policy", arn), iam.get_policy(PolicyArn=arn)["Policy"]
        version = policy["DefaultVersionId"]
        document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]
        yield ("document", arn), document["Document"]


def _logs(logs: "CloudWatchLogsClient") -> Iterator[tuple[tuple[str, str], Any]]:
    for group in logs.describe_log_groups()["logGroups"]:
        yield ("LogGroup", group["logGroupName"]), group


def _still(one: Mapping[str, object]) -> Mapping[str, object]:
    return {key: value for key, value in one.items() if "LastUsed" not in key}


def changed(before: Seen, after: Seen) -> set[tuple[str, str]]:
    """What stood before and is different now, or gone."""
    return {key for key, value in before.items() if after.get(key) != value}


def texts(values: Iterable[str]) -> str:
    return ", ".join(sorted(values))

"""For each documented limit, a call within it and a call that exceeds it.

An example creates what both need, makes the call within the limit, and returns the other.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any, Final

from botocore.exceptions import ClientError

Client = Callable[[str], Any]
Example = Callable[["ExampleAccount"], Callable[[], Any]]
NUMBERS: Final[Iterator[int]] = count(1)
EXAMPLES: Final[dict[str, Example]] = {}
ACCOUNT: Final = "123456789012"
TRUST: Final = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "ec2.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)


@dataclass
class ExampleAccount:
    """The account that an example acts in."""

    client: Client
    ec2: Any = field(init=False)
    iam: Any = field(init=False)
    logs: Any = field(init=False)

    def __post_init__(self) -> None:
        self.ec2, self.iam, self.logs = map(self.client, ("ec2", "iam", "logs"))

    def vpc(self) -> str:
        return self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]

    def subnet(self, vpc: str, block: str = "10.0.0.0/24") -> str:
        return self.ec2.create_subnet(VpcId=vpc, CidrBlock=block)["Subnet"]["SubnetId"]

    def group(self, vpc: str) -> str:
        name = f"group {next(NUMBERS)}"
        return self.ec2.create_security_group(GroupName=name, Description="x", VpcId=vpc)["GroupId"]

    def gateway(self, vpc: str) -> str:
        gateway = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
        return gateway

    def table(self, vpc: str) -> str:
        return self.ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]

    def prefix_list(self, **more: Any) -> str:
        parameters = {"PrefixListName": "p", "AddressFamily": "IPv4", "MaxEntries": 2, **more}
        return self.ec2.create_managed_prefix_list(**parameters)["PrefixList"]["PrefixListId"]

    def image(self) -> str:
        name = f"image {next(NUMBERS)}"
        return self.ec2.register_image(Name=name, RootDeviceName="/dev/sda1")["ImageId"]

    def launch(self, **more: Any) -> Callable[[], Any]:
        parameters = {"ImageId": self.image(), "MinCount": 1, "MaxCount": 1, **more}
        return partial(self.ec2.run_instances, **parameters)

    def disk(self, **disk: Any) -> Callable[[], Any]:
        mapping = {"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 100, **disk}}
        return self.launch(BlockDeviceMappings=[mapping])

    def user(self, **more: Any) -> str:
        name = f"user{next(NUMBERS)}"
        self.iam.create_user(UserName=name, **more)
        return name

    def role(self) -> str:
        name = f"role{next(NUMBERS)}"
        self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)
        return name

    def policy(self, text: str | None = None) -> str:
        name = f"policy{next(NUMBERS)}"
        answer = self.iam.create_policy(PolicyName=name, PolicyDocument=text or document(500))
        return answer["Policy"]["Arn"]


def document(length: int) -> str:
    """A policy of exactly this many characters, plus white space that does not count."""
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": []}
    whole: dict[str, Any] = {"Version": "2012-10-17", "Statement": [statement]}
    empty = len(_compact(whole))
    resources = ["arn:aws:s3:::" + "b" * 60] * ((length - empty) // 80)
    statement["Resource"] = resources
    missing = length - len(_compact(whole)) - len('"arn:aws:s3:::",')
    statement["Resource"] = [*resources, "arn:aws:s3:::" + "b" * (missing + (not resources))]
    text = _compact(whole)
    assert len(text) == length, (len(text), length)
    return text.replace(",", ", \n")


def _compact(whole: Mapping[str, Any]) -> str:
    return json.dumps(whole, separators=(",", ":"))


def example(function: Example) -> Example:
    EXAMPLES[getattr(function, "__name__", "")] = function
    return function


def of(key: str) -> Callable[[Example], Example]:
    """The example of a limit that moto enforces."""

    def put(function: Example) -> Example:
        EXAMPLES[key] = function
        return function

    return put


def _permission(*blocks: str, **more: Any) -> Sequence[Mapping[str, Any]]:
    ranges = [{"CidrIp": block, **more} for block in blocks]
    return [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": ranges}]


# networks


@example
def small_subnets(a: ExampleAccount) -> Callable[[], Any]:
    vpc = a.vpc()
    a.subnet(vpc, "10.0.0.0/28")
    return partial(a.subnet, vpc, "10.0.1.0/29")


@example
def zones(a: ExampleAccount) -> Callable[[], Any]:
    make = partial(a.ec2.create_subnet, VpcId=a.vpc())
    make(CidrBlock="10.0.0.0/24", AvailabilityZone="us-east-1a")
    return partial(make, CidrBlock="10.0.1.0/24", AvailabilityZone="eu-west-1a")


@example
def subnets_in_use(a: ExampleAccount) -> Callable[[], Any]:
    vpc = a.vpc()
    a.ec2.delete_subnet(SubnetId=a.subnet(vpc))
    subnet = a.subnet(vpc)
    a.ec2.create_network_interface(SubnetId=subnet)
    return partial(a.ec2.delete_subnet, SubnetId=subnet)


@example
def vpcs_in_use(a: ExampleAccount) -> Callable[[], Any]:
    a.ec2.delete_vpc(VpcId=a.vpc())
    vpc = a.vpc()
    a.group(vpc)
    return partial(a.ec2.delete_vpc, VpcId=vpc)


@example
def gateways_per_vpc(a: ExampleAccount) -> Callable[[], Any]:
    vpc = a.vpc()
    a.gateway(vpc)
    return partial(a.gateway, vpc)


@example
def gateways_in_use(a: ExampleAccount) -> Callable[[], Any]:
    vpc = a.vpc()
    gateway = a.gateway(vpc)
    a.ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    a.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    public = {"SubnetId": a.subnet(vpc), "DeviceIndex": 0, "AssociatePublicIpAddress": True}
    a.launch(NetworkInterfaces=[public])()
    return partial(a.ec2.detach_internet_gateway, InternetGatewayId=gateway, VpcId=vpc)


@example
def tables_per_subnet(a: ExampleAccount) -> Callable[[], Any]:
    vpc = a.vpc()
    link = partial(a.ec2.associate_route_table, SubnetId=a.subnet(vpc))
    link(RouteTableId=a.table(vpc))
    return partial(link, RouteTableId=a.table(vpc))


@example
def endpoints_per_table(a: ExampleAccount) -> Callable[[], Any]:
    vpc = a.vpc()
    name = "com.amazonaws.us-east-1.s3"
    make = partial(a.ec2.create_vpc_endpoint, VpcId=vpc, ServiceName=name)
    table = a.table(vpc)
    make(RouteTableIds=[table])
    make(RouteTableIds=[a.table(vpc)])
    return partial(make, RouteTableIds=[table])


@example
def services_of_the_region(a: ExampleAccount) -> Callable[[], Any]:
    make = partial(a.ec2.create_vpc_endpoint, VpcId=a.vpc())
    make(ServiceName="com.amazonaws.us-east-1.dynamodb")
    return partial(make, ServiceName="com.amazonaws.eu-west-1.s3")


@example
def group_texts(a: ExampleAccount) -> Callable[[], Any]:
    make = partial(a.ec2.create_security_group, VpcId=a.vpc())
    make(GroupName="g" * 255, Description="._-:/()#,@[]+=&;{}!$*")
    return partial(make, GroupName="g", Description="a < b")


@example
def rule_descriptions(a: ExampleAccount) -> Callable[[], Any]:
    admit = partial(a.ec2.authorize_security_group_ingress, GroupId=a.group(a.vpc()))
    admit(IpPermissions=_permission("10.0.0.0/24", Description="d" * 255))
    return partial(admit, IpPermissions=_permission("10.0.1.0/24", Description="d" * 256))


@example
def ports(a: ExampleAccount) -> Callable[[], Any]:
    admit = partial(a.ec2.authorize_security_group_ingress, GroupId=a.group(a.vpc()))
    rule = {"IpProtocol": "tcp", "FromPort": 22, "IpRanges": [{"CidrIp": "10.0.0.0/24"}]}
    admit(IpPermissions=[{**rule, "ToPort": 65535}])
    return partial(admit, IpPermissions=[{**rule, "ToPort": 65536}])


@example
def local_routes(a: ExampleAccount) -> Callable[[], Any]:
    vpc = a.vpc()
    gateway = a.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    a.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    table = a.ec2.create_route_table(VpcId=vpc)["RouteTable"]
    everywhere = {"RouteTableId": table["RouteTableId"], "DestinationCidrBlock": "0.0.0.0/0"}
    a.ec2.create_route(**everywhere, GatewayId=gateway)
    a.ec2.delete_route(**everywhere)
    (local,) = table["Routes"]
    block = local["DestinationCidrBlock"]
    return partial(
        a.ec2.delete_route, RouteTableId=table["RouteTableId"], DestinationCidrBlock=block
    )


@example
def source_groups(a: ExampleAccount) -> Callable[[], Any]:
    vpc = a.vpc()
    admit = partial(a.ec2.authorize_security_group_ingress, GroupId=a.group(vpc))
    rule = {"IpProtocol": "-1"}
    admit(IpPermissions=[{**rule, "UserIdGroupPairs": [{"GroupId": a.group(vpc)}]}])
    return partial(admit, IpPermissions=[{**rule, "UserIdGroupPairs": [{"GroupId": "sg-bad"}]}])


@example
def rules_per_group(a: ExampleAccount) -> Callable[[], Any]:
    admit = partial(a.ec2.authorize_security_group_ingress, GroupId=a.group(a.vpc()))
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22}
    listed = {"PrefixListId": a.prefix_list(MaxEntries=1000)}
    admit(IpPermissions=[{**rule, "PrefixListIds": [listed]}])
    return partial(admit, IpPermissions=_permission("10.0.0.0/24"))


@example
def groups_in_use(a: ExampleAccount) -> Callable[[], Any]:
    vpc = a.vpc()
    a.ec2.delete_security_group(GroupId=a.group(vpc))
    named, other = a.group(vpc), a.group(vpc)
    rule = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": named}]}
    a.ec2.authorize_security_group_ingress(GroupId=other, IpPermissions=[rule])
    return partial(a.ec2.delete_security_group, GroupId=named)


@example
def default_groups(a: ExampleAccount) -> Callable[[], Any]:
    of_vpc = [{"Name": "vpc-id", "Values": [a.vpc()]}]
    [group] = a.ec2.describe_security_groups(Filters=of_vpc)["SecurityGroups"]
    return partial(a.ec2.delete_security_group, GroupId=group["GroupId"])


@example
def groups_per_interface(a: ExampleAccount) -> Callable[[], Any]:
    vpc = a.vpc()
    make = partial(a.ec2.create_network_interface, SubnetId=a.subnet(vpc))
    groups = [a.group(vpc) for _ in range(6)]
    make(Groups=groups[:5])
    return partial(make, Groups=groups)


@example
def unknown_prefix_lists(a: ExampleAccount) -> Callable[[], Any]:
    a.ec2.delete_managed_prefix_list(PrefixListId=a.prefix_list())
    return partial(a.ec2.delete_managed_prefix_list, PrefixListId="pl-0123456789abcdef0")


@example
def prefix_list_texts(a: ExampleAccount) -> Callable[[], Any]:
    a.prefix_list(PrefixListName="p" * 255)
    return partial(a.prefix_list, PrefixListName="com.amazonaws.mine")


@example
def prefix_list_sizes(a: ExampleAccount) -> Callable[[], Any]:
    blocks = [{"Cidr": f"10.{number}.0.0/16"} for number in range(3)]
    change = partial(a.ec2.modify_managed_prefix_list, PrefixListId=a.prefix_list())
    change(CurrentVersion=1, AddEntries=blocks[:2])
    return partial(change, CurrentVersion=2, AddEntries=blocks[2:])


@example
def prefix_list_changes(a: ExampleAccount) -> Callable[[], Any]:
    change = partial(a.ec2.modify_managed_prefix_list, PrefixListId=a.prefix_list())
    change(MaxEntries=3)
    return partial(change, MaxEntries=4, AddEntries=[{"Cidr": "10.0.0.0/8"}])


@example
def prefix_list_versions(a: ExampleAccount) -> Callable[[], Any]:
    change = partial(a.ec2.modify_managed_prefix_list, PrefixListId=a.prefix_list())
    change(CurrentVersion=1, AddEntries=[{"Cidr": "10.0.0.0/16"}])
    return partial(change, CurrentVersion=1, AddEntries=[{"Cidr": "10.1.0.0/16"}])


@example
def prefix_list_entries(a: ExampleAccount) -> Callable[[], Any]:
    a.prefix_list(AddressFamily="IPv6", Entries=[{"Cidr": "2001:db8::/32"}])
    return partial(a.prefix_list, Entries=[{"Cidr": "2001:db8::/32"}])


@example
def flow_log_intervals(a: ExampleAccount) -> Callable[[], Any]:
    name = f"logs{next(NUMBERS)}"
    a.logs.create_log_group(logGroupName=name)
    role = f"arn:aws:iam::{ACCOUNT}:role/{a.role()}"
    make = partial(
        a.ec2.create_flow_logs,
        ResourceType="VPC",
        TrafficType="ALL",
        LogGroupName=name,
        DeliverLogsPermissionArn=role,
    )
    make(ResourceIds=[a.vpc()], MaxAggregationInterval=60)
    return partial(make, ResourceIds=[a.vpc()], MaxAggregationInterval=120)


# machines


@example
def images(a: ExampleAccount) -> Callable[[], Any]:
    a.launch()()
    return a.launch(ImageId="ami-0123456789abcdef0")


@example
def key_pairs(a: ExampleAccount) -> Callable[[], Any]:
    name = f"key{next(NUMBERS)}"
    a.ec2.create_key_pair(KeyName=name)
    a.launch(KeyName=name)()
    return a.launch(KeyName="nobody's")


@example
def profiles(a: ExampleAccount) -> Callable[[], Any]:
    name = f"profile{next(NUMBERS)}"
    a.iam.create_instance_profile(InstanceProfileName=name)
    a.launch(IamInstanceProfile={"Name": name})()
    return a.launch(IamInstanceProfile={"Name": "nobody's"})


@example
def user_data(a: ExampleAccount) -> Callable[[], Any]:
    a.launch(UserData="x" * 16384)()
    return a.launch(UserData="x" * 16385)


@example
def client_tokens(a: ExampleAccount) -> Callable[[], Any]:
    a.launch(ClientToken="x" * 64)()
    return a.launch(ClientToken="x" * 65)


@example
def launch_counts(a: ExampleAccount) -> Callable[[], Any]:
    a.launch(MinCount=1, MaxCount=2)()
    return a.launch(MinCount=2, MaxCount=1)


@example
def hops(a: ExampleAccount) -> Callable[[], Any]:
    a.launch(MetadataOptions={"HttpPutResponseHopLimit": 64})()
    return a.launch(MetadataOptions={"HttpPutResponseHopLimit": 65})


@example
def interfaces_alone(a: ExampleAccount) -> Callable[[], Any]:
    subnet = a.subnet(a.vpc())
    interface = {"DeviceIndex": 0, "SubnetId": subnet}
    a.launch(NetworkInterfaces=[interface])()
    return a.launch(NetworkInterfaces=[interface], SubnetId=subnet)


@example
def volume_values(a: ExampleAccount) -> Callable[[], Any]:
    a.disk(VolumeType="gp3", Iops=3000, Throughput=125)()
    return a.disk(VolumeType="gp3", Iops=2999)


@example
def volume_ratios(a: ExampleAccount) -> Callable[[], Any]:
    a.disk(VolumeType="gp3", Iops=4000, Throughput=1000)()
    return a.disk(VolumeType="gp3", Iops=4000, Throughput=1001)


@example
def volumes_of_snapshots(a: ExampleAccount) -> Callable[[], Any]:
    a.disk(VolumeSize=15)()
    return a.disk(VolumeSize=14)


@example
def volumes_grow(a: ExampleAccount) -> Callable[[], Any]:
    volume = a.ec2.create_volume(AvailabilityZone="us-east-1a", Size=10)["VolumeId"]
    a.ec2.modify_volume(VolumeId=volume, Size=11)
    return partial(a.ec2.modify_volume, VolumeId=volume, Size=10)


@example
def image_names(a: ExampleAccount) -> Callable[[], Any]:
    make = partial(a.ec2.register_image, RootDeviceName="/dev/sda1")
    make(Name="(a) [b] ./-'@_")
    return partial(make, Name="a:b")


@example
def image_name_twice(a: ExampleAccount) -> Callable[[], Any]:
    make = partial(a.ec2.register_image, Name="twice", RootDeviceName="/dev/sda1")
    make()
    return make


# listings


@example
def page_sizes(a: ExampleAccount) -> Callable[[], Any]:
    a.ec2.describe_instances(MaxResults=5)
    return partial(a.ec2.describe_instances, MaxResults=4)


@example
def filter_values(a: ExampleAccount) -> Callable[[], Any]:
    def listing(number: int) -> Any:
        wanted = [{"Name": "vpc-id", "Values": [f"vpc-{item}" for item in range(number)]}]
        return a.ec2.describe_subnets(Filters=wanted)

    listing(200)
    return partial(listing, 201)


@example
def filter_names(a: ExampleAccount) -> Callable[[], Any]:
    for name in ("vpc-id", "cidr", "cidrBlock", "tag:Owner", "tag-key"):
        a.ec2.describe_subnets(Filters=[{"Name": name, "Values": ["x"]}])
    a.ec2.describe_vpcs(Filters=[{"Name": "isDefault", "Values": ["true"]}])
    return partial(a.ec2.describe_subnets, Filters=[{"Name": "colour", "Values": ["x"]}])


# tags


@example
def ec2_tags(a: ExampleAccount) -> Callable[[], Any]:
    tag = partial(a.ec2.create_tags, Resources=[a.vpc()])
    tag(Tags=[{"Key": "k" * 127, "Value": "v" * 256}])
    return partial(tag, Tags=[{"Key": "aws:k", "Value": "v"}])


@example
def iam_tags(a: ExampleAccount) -> Callable[[], Any]:
    tag = partial(a.iam.tag_user, UserName=a.user())
    tag(Tags=[{"Key": "k", "Value": "v"}])
    return partial(tag, Tags=[{"Key": "k", "Value": "v"}, {"Key": "K", "Value": "v"}])


@example
def iam_tag_count(a: ExampleAccount) -> Callable[[], Any]:
    tag = partial(a.iam.tag_role, RoleName=a.role())
    tag(Tags=[{"Key": f"k{number}", "Value": "v"} for number in range(50)])
    tag(Tags=[{"Key": "k0", "Value": "another"}])
    return partial(tag, Tags=[{"Key": "k50", "Value": "v"}])


# simulations


def simulation(a: ExampleAccount) -> Callable[..., Any]:
    policies = [document(500)]
    return partial(
        a.iam.simulate_custom_policy, PolicyInputList=policies, ActionNames=["s3:GetObject"]
    )


@example
def simulated_actions(a: ExampleAccount) -> Callable[[], Any]:
    simulation(a)()
    return partial(simulation(a), ActionNames=["s3:Get*"])


@example
def simulated_resources(a: ExampleAccount) -> Callable[[], Any]:
    simulation(a)(ResourceArns=["*", "arn:aws:s3:::bucket/key"])
    return partial(simulation(a), ResourceArns=["bucket/key"])


@example
def simulated_boundary(a: ExampleAccount) -> Callable[[], Any]:
    simulation(a)(PermissionsBoundaryPolicyInputList=[document(500)])
    return partial(simulation(a), PermissionsBoundaryPolicyInputList=[document(500)] * 2)


@example
def simulated_caller(a: ExampleAccount) -> Callable[[], Any]:
    simulation(a)(ResourcePolicy=TRUST, CallerArn=f"arn:aws:iam::{ACCOUNT}:user/u")
    return partial(simulation(a), ResourcePolicy=TRUST)


# identities


@example
def managed_policies(a: ExampleAccount) -> Callable[[], Any]:
    a.policy(document(6144))
    return partial(a.policy, document(6145))


@example
def trust_policies(a: ExampleAccount) -> Callable[[], Any]:
    update = partial(a.iam.update_assume_role_policy, RoleName=a.role())
    update(PolicyDocument=TRUST)
    statement = json.loads(TRUST)["Statement"][0]
    many = [{**statement, "Sid": f"S{number}"} for number in range(30)]
    return partial(update, PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": many}))


@example
def inline_policies(a: ExampleAccount) -> Callable[[], Any]:
    put = partial(a.iam.put_user_policy, UserName=a.user())
    put(PolicyName="a", PolicyDocument=document(1024))
    put(PolicyName="a", PolicyDocument=document(1025))
    put(PolicyName="b", PolicyDocument=document(1023))
    return partial(put, PolicyName="b", PolicyDocument=document(1024))


@example
def attached_policies(a: ExampleAccount) -> Callable[[], Any]:
    attach = partial(a.iam.attach_role_policy, RoleName=a.role())
    for _ in range(10):
        attach(PolicyArn=a.policy())
    return partial(attach, PolicyArn=a.policy())


@example
def names(a: ExampleAccount) -> Callable[[], Any]:
    return partial(a.iam.create_user, UserName=a.user().upper())


@example
def policies_in_use(a: ExampleAccount) -> Callable[[], Any]:
    a.iam.delete_policy(PolicyArn=a.policy())
    boundary = a.policy()
    a.user(PermissionsBoundary=boundary)
    return partial(a.iam.delete_policy, PolicyArn=boundary)


@example
def users_in_use(a: ExampleAccount) -> Callable[[], Any]:
    a.iam.delete_user(UserName=a.user())
    name = a.user()
    a.iam.create_access_key(UserName=name)
    return partial(a.iam.delete_user, UserName=name)


@example
def iam_groups_in_use(a: ExampleAccount) -> Callable[[], Any]:
    group = f"users{next(NUMBERS)}"
    a.iam.create_group(GroupName=group)
    a.iam.delete_group(GroupName=group)
    a.iam.create_group(GroupName=group)
    a.iam.add_user_to_group(GroupName=group, UserName=a.user())
    return partial(a.iam.delete_group, GroupName=group)


@example
def boundaries(a: ExampleAccount) -> Callable[[], Any]:
    a.user(PermissionsBoundary=a.policy())
    return partial(a.user, PermissionsBoundary=f"arn:aws:iam::{ACCOUNT}:policy/nobodys")


@example
def session_durations(a: ExampleAccount) -> Callable[[], Any]:
    role = f"arn:aws:iam::{ACCOUNT}:role/{a.role()}"
    assume = partial(a.client("sts").assume_role, RoleArn=role, RoleSessionName="session")
    assume(DurationSeconds=3600)
    return partial(assume, DurationSeconds=3601)


@example
def assumed_roles(a: ExampleAccount) -> Callable[[], Any]:
    assume = partial(a.client("sts").assume_role, RoleSessionName="session")
    assume(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{a.role()}")
    return partial(assume, RoleArn="arn:aws:iam::999999999999:role/admin")


# others


@example
def retention(a: ExampleAccount) -> Callable[[], Any]:
    name = f"logs{next(NUMBERS)}"
    a.logs.create_log_group(logGroupName=name)
    keep = partial(a.logs.put_retention_policy, logGroupName=name)
    keep(retentionInDays=365)
    return partial(keep, retentionInDays=366)


@example
def log_group_names(a: ExampleAccount) -> Callable[[], Any]:
    a.logs.create_log_group(logGroupName=f"/aws/{next(NUMBERS)}")
    return partial(a.logs.create_log_group, logGroupName="aws/mine")


@example
def log_group_tags(a: ExampleAccount) -> Callable[[], Any]:
    name = f"logs{next(NUMBERS)}"
    a.logs.create_log_group(logGroupName=name, tags={"key": "v"})
    return partial(a.logs.create_log_group, logGroupName=f"{name}b", tags={"aws:key": "v"})


# enforced by moto itself


@of("ec2:CreateVpc InvalidVpc.Range")
def _(a: ExampleAccount) -> Callable[[], Any]:
    return partial(a.ec2.create_vpc, CidrBlock="10.0.0.0/15")


@of("ec2:CreateSubnet InvalidSubnet.Range")
def _(a: ExampleAccount) -> Callable[[], Any]:
    return partial(a.subnet, a.vpc(), "10.1.0.0/24")


@of("ec2:CreateSubnet InvalidSubnet.Conflict")
def _(a: ExampleAccount) -> Callable[[], Any]:
    vpc = a.vpc()
    a.subnet(vpc, "10.0.0.0/24")
    a.subnet(vpc, "10.0.1.0/24")
    return partial(a.subnet, vpc, "10.0.1.128/25")


@of("ec2:CreateSecurityGroup InvalidGroup.Duplicate")
def _(a: ExampleAccount) -> Callable[[], Any]:
    make = partial(
        a.ec2.create_security_group, VpcId=a.vpc(), GroupName="twice", Description="twice"
    )
    make()
    return make


@of("ec2:AuthorizeSecurityGroupIngress InvalidPermission.Duplicate")
def _(a: ExampleAccount) -> Callable[[], Any]:
    admit = partial(
        a.ec2.authorize_security_group_ingress,
        GroupId=a.group(a.vpc()),
        IpPermissions=_permission("10.0.0.0/24"),
    )
    admit()
    return admit


@of("ec2:CreateRoute RouteAlreadyExists")
def _(a: ExampleAccount) -> Callable[[], Any]:
    vpc = a.vpc()
    route = partial(a.ec2.create_route, RouteTableId=a.table(vpc), GatewayId=a.gateway(vpc))
    route(DestinationCidrBlock="0.0.0.0/0")
    return partial(route, DestinationCidrBlock="0.0.0.0/0")


@of("ec2:DeleteRouteTable DependencyViolation")
def _(a: ExampleAccount) -> Callable[[], Any]:
    vpc = a.vpc()
    table = a.table(vpc)
    a.ec2.associate_route_table(RouteTableId=table, SubnetId=a.subnet(vpc))
    return partial(a.ec2.delete_route_table, RouteTableId=table)


@of("ec2:DeleteInternetGateway DependencyViolation")
def _(a: ExampleAccount) -> Callable[[], Any]:
    return partial(a.ec2.delete_internet_gateway, InternetGatewayId=a.gateway(a.vpc()))


@of("ec2:CreateTags TagLimitExceeded")
def _(a: ExampleAccount) -> Callable[[], Any]:
    tag = partial(a.ec2.create_tags, Resources=[a.vpc()])
    tag(Tags=[{"Key": f"k{number}", "Value": "v"} for number in range(50)])
    return partial(tag, Tags=[{"Key": "k50", "Value": "v"}])


@of("ec2:CreateFlowLogs FlowLogAlreadyExists")
def _(a: ExampleAccount) -> Callable[[], Any]:
    name = f"logs{next(NUMBERS)}"
    a.logs.create_log_group(logGroupName=name)
    make = partial(
        a.ec2.create_flow_logs,
        ResourceType="VPC",
        ResourceIds=[a.vpc()],
        TrafficType="ALL",
        LogGroupName=name,
        DeliverLogsPermissionArn=f"arn:aws:iam::{ACCOUNT}:role/{a.role()}",
    )
    make()

    def again() -> None:
        """EC2 answers a refused flow log with 200."""
        [problem] = make()["Unsuccessful"]
        answer: Any = {"Error": problem["Error"], "ResponseMetadata": {"HTTPStatusCode": 400}}
        raise ClientError(answer, "CreateFlowLogs")

    return again


@of("ec2:ImportKeyPair InvalidKeyPair.Duplicate")
def _(a: ExampleAccount) -> Callable[[], Any]:
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJXfdvSPuyShc1fm9VQ4LSyM4IlbCGp2qIYpbIDRmXlB"
    make = partial(a.ec2.import_key_pair, KeyName="twice", PublicKeyMaterial=key.encode())
    make()
    return make


@of("iam:CreatePolicyVersion LimitExceeded")
def _(a: ExampleAccount) -> Callable[[], Any]:
    make = partial(a.iam.create_policy_version, PolicyArn=a.policy(), PolicyDocument=document(400))
    for _ in range(4):
        make()
    return make


@of("iam:DeletePolicyVersion DeleteConflict")
def _(a: ExampleAccount) -> Callable[[], Any]:
    return partial(a.iam.delete_policy_version, PolicyArn=a.policy(), VersionId="v1")


@of("iam:CreateAccessKey LimitExceeded")
def _(a: ExampleAccount) -> Callable[[], Any]:
    make = partial(a.iam.create_access_key, UserName=a.user())
    make()
    make()
    return make


@of("iam:AddRoleToInstanceProfile LimitExceeded")
def _(a: ExampleAccount) -> Callable[[], Any]:
    name = f"profile{next(NUMBERS)}"
    a.iam.create_instance_profile(InstanceProfileName=name)
    add = partial(a.iam.add_role_to_instance_profile, InstanceProfileName=name)
    add(RoleName=a.role())
    return partial(add, RoleName=a.role())


@of("iam:DeleteRole DeleteConflict")
def _(a: ExampleAccount) -> Callable[[], Any]:
    role = a.role()
    a.iam.attach_role_policy(RoleName=role, PolicyArn=a.policy())
    return partial(a.iam.delete_role, RoleName=role)


@of("iam:DeleteInstanceProfile DeleteConflict")
def _(a: ExampleAccount) -> Callable[[], Any]:
    name = f"profile{next(NUMBERS)}"
    a.iam.create_instance_profile(InstanceProfileName=name)
    a.iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=a.role())
    return partial(a.iam.delete_instance_profile, InstanceProfileName=name)


@of("logs:CreateLogGroup ResourceAlreadyExistsException")
def _(a: ExampleAccount) -> Callable[[], Any]:
    make = partial(a.logs.create_log_group, logGroupName=f"logs{next(NUMBERS)}")
    make()
    return make


@of("budgets:CreateBudget DuplicateRecordException")
def _(a: ExampleAccount) -> Callable[[], Any]:
    limit = {"Amount": "100", "Unit": "USD"}
    budget = {"BudgetName": "b", "BudgetLimit": limit, "TimeUnit": "MONTHLY", "BudgetType": "COST"}
    make = partial(a.client("budgets").create_budget, AccountId=ACCOUNT, Budget=budget)
    make()
    return make

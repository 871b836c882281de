"""What somebody attaches to the stack's things by hand is named, each kind, and nothing else."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from moto import mock_aws

from infra.aws_clients import Aws
from local.moto_patches import service_credentials
from sandbox.drift.unmanaged import LOOK, strangers

REGION = "us-east-1"
STATEMENT = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
DOCUMENT = json.dumps({"Version": "2012-10-17", "Statement": [STATEMENT]})
SSH = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
RDP = {"IpProtocol": "tcp", "FromPort": 3389, "ToPort": 3389, "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}
ALL = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}

CERTIFICATE = """-----BEGIN CERTIFICATE-----
MIIBMjCB5aADAgECAhRjQ6/GOHh4URsjykHSQhiWvceDUDAFBgMrZXAwDzENMAsG
A1UEAwwEdGVzdDAeFw0yNjExMjUyMTA3MzJaFw0zNjExMjIyMTA3MzJaMA8xDTAL
BgNVBAMMBHRlc3QwKjAFBgMrZXADIQAp3dRTEuQKkzkD40z5S60YeYgBiOqccbVQ
GbGanMazUqNTMFEwHQYDVR0OBBYEFC+zQkWEV1D0oqiviWQScbyiedZAMB8GA1Ud
IwQYMBaAFC+zQkWEV1D0oqiviWQScbyiedZAMA8GA1UdEwEB/wQFMAMBAf8wBQYD
K2VwA0EA6DnNzfZiomi9E7vE6EplZCqH7NsoZxhK5kcOIKa25uKLJmfW2SOmARr9
hxIIgS2ITfhQD6NjNAFRLu08xFeCDQ==
-----END CERTIFICATE-----
"""  # without its key, which nobody kept


@dataclass
class Town:
    """An account with what a stack made, the state that says so, and hands for others."""

    state: list[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])
    ids: dict[str, str] = field(default_factory=dict[str, str])
    at_rest: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self.aws = Aws(REGION)
        self.ec2, self.iam = self.aws("ec2"), self.aws("iam")
        vpc = self.make("aws:ec2/vpc:Vpc", self.vpc("10.100.0.0/16"))
        default = self.ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])[
            "SecurityGroups"
        ]
        self.make("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", default[0]["GroupId"])
        subnet = self.make("aws:ec2/subnet:Subnet", self.subnet("10.100.0.0/24"))
        group = self.make("aws:ec2/securityGroup:SecurityGroup", self.group("sandbox"))
        self.ec2.revoke_security_group_egress(
            GroupId=group,
            IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
        )
        rule = self.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[SSH])
        [rule] = rule["SecurityGroupRules"]
        self.make("aws:vpc/securityGroupIngressRule:Rule", rule["SecurityGroupRuleId"])
        gateway = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
        self.make("aws:ec2/internetGateway:InternetGateway", gateway)
        table = self.make("aws:ec2/routeTable:RouteTable", self.table())
        self.ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
        self.ec2.create_route(
            RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway
        )
        to = {"routeTableId": table, "destinationCidrBlock": "0.0.0.0/0"}
        self.make("aws:ec2/route:Route", "r-rtb1080289494", **to)
        endpoint = self.ec2.create_vpc_endpoint(
            VpcId=vpc, ServiceName=f"com.amazonaws.{REGION}.s3", RouteTableIds=[table]
        )
        self.make("aws:ec2/vpcEndpoint:VpcEndpoint", endpoint["VpcEndpoint"]["VpcEndpointId"])
        self.iam.create_user(UserName="manager")
        self.make("aws:iam/user:User", "manager")
        key = self.iam.create_access_key(UserName="manager")["AccessKey"]["AccessKeyId"]
        self.make("aws:iam/accessKey:AccessKey", key)
        self.iam.create_role(RoleName="instances", AssumeRolePolicyDocument=DOCUMENT)
        self.make("aws:iam/role:Role", "instances")
        policy = self.make("aws:iam/policy:Policy", self.policy("own"))
        self.iam.attach_user_policy(UserName="manager", PolicyArn=policy)
        self.iam.attach_role_policy(RoleName="instances", PolicyArn=policy)
        self.state.append({"type": "sandbox:network:Network", "outputs": {}})

    def make(self, kind: str, identifier: str, **outputs: str) -> str:
        self.state.append({"type": kind, "id": identifier, "outputs": outputs})
        return self.ids.setdefault(kind.rpartition(":")[2], identifier)

    def vpc(self, block: str) -> str:
        return self.ec2.create_vpc(CidrBlock=block)["Vpc"]["VpcId"]

    def subnet(self, block: str) -> str:
        made = self.ec2.create_subnet(VpcId=self.ids["Vpc"], CidrBlock=block)
        return made["Subnet"]["SubnetId"]

    def group(self, name: str) -> str:
        made = self.ec2.create_security_group(
            GroupName=name, Description=name, VpcId=self.ids["Vpc"]
        )
        return made["GroupId"]

    def table(self) -> str:
        return self.ec2.create_route_table(VpcId=self.ids["Vpc"])["RouteTable"]["RouteTableId"]

    def peering(self) -> str:
        made = self.ec2.create_vpc_peering_connection(
            VpcId=self.ids["Vpc"], PeerVpcId=self.vpc("10.0.0.0/16")
        )
        return made["VpcPeeringConnection"]["VpcPeeringConnectionId"]

    def policy(self, name: str) -> str:
        return self.iam.create_policy(PolicyName=name, PolicyDocument=DOCUMENT)["Policy"]["Arn"]

    def strangers(self) -> list[str]:
        return list(strangers(self.aws, self.state))


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    """One for all tests: each looks at what comes with its own hand."""
    with pytest.MonkeyPatch.context() as patch:
        for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(key, "testing")
        service_credentials.install()
        with mock_aws():
            made = Town()
            made.at_rest = made.strangers()
            yield made


def test_what_the_stack_made_is_no_stranger(town: Town) -> None:
    assert town.at_rest == []


def test_everything_that_is_looked_at_is_in_this_account(town: Town) -> None:
    assert LOOK.keys() <= {one["type"] for one in town.state}


Hand = Callable[[Town], object]
HANDS: Mapping[str, Hand] = {
    r"vpc-\w+: subnet subnet-\w+": lambda it: it.subnet("10.100.9.0/24"),
    r"vpc-\w+: security group sg-\w+": lambda it: it.group("open"),
    r"vpc-\w+: route table rtb-\w+": lambda it: it.table(),
    r"vpc-\w+: network ACL acl-\w+": lambda it: it.ec2.create_network_acl(VpcId=it.ids["Vpc"]),
    r"vpc-\w+: endpoint vpce-\w+": lambda it: it.ec2.create_vpc_endpoint(
        VpcId=it.ids["Vpc"], ServiceName=f"com.amazonaws.{REGION}.dynamodb"
    ),
    r"vpc-\w+: NAT gateway nat-\w+": lambda it: it.ec2.create_nat_gateway(
        SubnetId=it.ids["Subnet"], ConnectivityType="private"
    ),
    r"vpc-\w+: VPN gateway vgw-\w+": lambda it: it.ec2.attach_vpn_gateway(
        VpcId=it.ids["Vpc"],
        VpnGatewayId=it.ec2.create_vpn_gateway(Type="ipsec.1")["VpnGateway"]["VpnGatewayId"],
    ),
    r"vpc-\w+: transit gateway attachment tgw-attach-\w+": lambda it: (
        it.ec2.create_transit_gateway_vpc_attachment(
            VpcId=it.ids["Vpc"],
            SubnetIds=[it.ids["Subnet"]],
            TransitGatewayId=it.ec2.create_transit_gateway()["TransitGateway"]["TransitGatewayId"],
        )
    ),
    r"vpc-\w+: peering pcx-\w+": lambda it: it.peering(),
    r"vpc-\w+: addresses 10\.101\.0\.0/16": lambda it: it.ec2.associate_vpc_cidr_block(
        VpcId=it.ids["Vpc"], CidrBlock="10.101.0.0/16"
    ),
    r"sg-\w+: rule sgr-\w+: tcp 3389-3389 from ::/0": lambda it: (
        it.ec2.authorize_security_group_ingress(
            GroupId=it.ids["SecurityGroup"], IpPermissions=[RDP]
        )
    ),
    r"sg-\w+: rule sgr-\w+: -1 to 10\.0\.0\.0/8": lambda it: it.ec2.authorize_security_group_egress(
        GroupId=it.ids["SecurityGroup"], IpPermissions=[ALL]
    ),
    r"manager: access key \w+, active": lambda it: it.iam.create_access_key(UserName="manager"),
    r"manager: service's credential \w+, active": lambda it: (
        it.iam.create_service_specific_credential(
            UserName="manager", ServiceName="bedrock.amazonaws.com"
        )
    ),
    r"manager: SSH key \w+, active": lambda it: it.iam.upload_ssh_public_key(
        UserName="manager", SSHPublicKeyBody="ssh-ed25519 AAAA"
    ),
    r"manager: certificate \w+, active": lambda it: it.iam.upload_signing_certificate(
        UserName="manager", CertificateBody=CERTIFICATE
    ),
    r"manager: group wheel": lambda it: (
        it.iam.create_group(GroupName="wheel"),
        it.iam.add_user_to_group(GroupName="wheel", UserName="manager"),
    ),
    r"manager: a password for the console": lambda it: it.iam.create_login_profile(
        UserName="manager", Password="made up for this"
    ),
    r"manager: policy arn:aws:iam::\d+:policy/more": lambda it: it.iam.attach_user_policy(
        UserName="manager", PolicyArn=it.policy("more")
    ),
    r"manager: inline policy more": lambda it: it.iam.put_user_policy(
        UserName="manager", PolicyName="more", PolicyDocument=DOCUMENT
    ),
    r"instances: policy arn:aws:iam::\d+:policy/most": lambda it: it.iam.attach_role_policy(
        RoleName="instances", PolicyArn=it.policy("most")
    ),
    r"instances: inline policy more": lambda it: it.iam.put_role_policy(
        RoleName="instances", PolicyName="more", PolicyDocument=DOCUMENT
    ),
}


@pytest.mark.parametrize("line", HANDS)
def test_what_is_attached_by_hand_is_named(town: Town, line: str) -> None:
    before = town.strangers()
    HANDS[line](town)
    [found] = [one for one in town.strangers() if one not in before]
    assert re.fullmatch(line, found)


def test_a_route_into_a_peering_is_named_beside_the_peering(town: Town) -> None:
    peering = town.peering()
    town.ec2.create_route(
        RouteTableId=town.ids["RouteTable"],
        DestinationCidrBlock="10.0.0.0/16",
        VpcPeeringConnectionId=peering,
    )
    table = town.ids["RouteTable"]
    assert f"{table}: route 10.0.0.0/16 via {peering}" in town.strangers()


def test_a_peering_that_was_refused_is_none(town: Town) -> None:
    before = town.strangers()
    peering = town.peering()
    town.ec2.reject_vpc_peering_connection(VpcPeeringConnectionId=peering)
    assert town.strangers() == before

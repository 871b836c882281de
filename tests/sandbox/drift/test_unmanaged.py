"""Each kind of attachment of others to the stack's resources is reported, and nothing else."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from moto import mock_aws

from infra.attachments import blocking, unmanaged
from infra.aws_clients import AwsClients
from infra.catalogue import CATALOGUE
from local.moto_patches import service_credentials
from sandbox.core.stack import Resource

REGION = "us-east-1"
STATEMENT = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
DOCUMENT = json.dumps({"Version": "2012-10-17", "Statement": [STATEMENT]})
SSH = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
RDP = {"IpProtocol": "tcp", "FromPort": 3389, "ToPort": 3389, "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}
HTTPS = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": SSH["IpRanges"]}
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
"""  # its private key was deleted


class AccountOfStack:
    """An account with the resources of a stack, and the state of that stack."""

    def __init__(self) -> None:
        self.aws = AwsClients(REGION)
        self.ec2: Any = self.aws.ec2
        self.iam: Any = self.aws.iam
        self.state: list[Resource] = []
        self.ids: dict[str, str] = {}
        self._create_network()
        self._create_identities()
        self.unmanaged_at_first = self.unmanaged()

    def _create_network(self) -> None:
        vpc = self.keep("aws:ec2/vpc:Vpc", self.vpc("10.100.0.0/16"), cidrBlock="10.100.0.0/16")
        [default_group] = self.ec2.describe_security_groups(
            Filters=[{"Name": "vpc-id", "Values": [vpc]}]
        )["SecurityGroups"]
        self.keep("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", default_group["GroupId"])
        subnet = self.keep("aws:ec2/subnet:Subnet", self.subnet("10.100.0.0/24"))
        group = self.keep("aws:ec2/securityGroup:SecurityGroup", self.group("sandbox"))
        self.ec2.revoke_security_group_egress(
            GroupId=group,
            IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
        )
        [rule] = self.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[SSH])[
            "SecurityGroupRules"
        ]
        self.keep(
            "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
            rule["SecurityGroupRuleId"],
        )
        gateway = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
        self.keep("aws:ec2/internetGateway:InternetGateway", gateway)
        table = self.keep("aws:ec2/routeTable:RouteTable", self.table())
        self.ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
        self.ec2.create_route(
            RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway
        )
        route = {"routeTableId": table, "destinationCidrBlock": "0.0.0.0/0"}
        self.keep("aws:ec2/route:Route", "r-rtb1080289494", **route)
        endpoint = self.ec2.create_vpc_endpoint(
            VpcId=vpc, ServiceName=f"com.amazonaws.{REGION}.s3", RouteTableIds=[table]
        )
        self.keep("aws:ec2/vpcEndpoint:VpcEndpoint", endpoint["VpcEndpoint"]["VpcEndpointId"])

    def _create_identities(self) -> None:
        self.iam.create_user(UserName="manager")
        self.keep("aws:iam/user:User", "manager")
        key = self.iam.create_access_key(UserName="manager")["AccessKey"]["AccessKeyId"]
        self.keep("aws:iam/accessKey:AccessKey", key)
        self.iam.create_role(RoleName="instances", AssumeRolePolicyDocument=DOCUMENT)
        self.keep("aws:iam/role:Role", "instances")
        policy = self.keep("aws:iam/policy:Policy", self.policy("own"))
        self.iam.attach_user_policy(UserName="manager", PolicyArn=policy)
        self.iam.attach_role_policy(RoleName="instances", PolicyArn=policy)
        self.keep(
            "aws:iam/userPolicyAttachment:UserPolicyAttachment",
            "by-user",
            user="manager",
            policyArn=policy,
        )
        self.keep(
            "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
            "by-role",
            role="instances",
            policyArn=policy,
        )
        self.stop = self.keep("aws:iam/policy:Policy", self.policy("stop"))
        stopped = {"policyArn": self.stop, "users": ["manager"]}
        self.keep(
            "aws:budgets/budgetAction:BudgetAction",
            "action",
            definition={"iamActionDefinition": stopped},
        )
        self.iam.put_role_policy(RoleName="instances", PolicyName="budget", PolicyDocument=DOCUMENT)
        self.keep("aws:iam/rolePolicy:RolePolicy", "instances:budget")
        self.keep("sandbox:network:Network", "")

    def keep(self, resource_type: str, identifier: str, **outputs: Any) -> str:
        """Add a resource to the state, and return its id."""
        self.state.append(
            Resource(
                urn=f"urn:pulumi:test::sandbox::{resource_type}::{len(self.state)}",
                type=resource_type,
                id=identifier,
                parent="",
                inputs={},
                outputs=outputs,
                modified="",
            )
        )
        self.ids.setdefault(resource_type.rpartition(":")[2], identifier)
        return identifier

    def vpc(self, block: str) -> str:
        return self.ec2.create_vpc(CidrBlock=block)["Vpc"]["VpcId"]

    def subnet(self, block: str) -> str:
        return self.ec2.create_subnet(VpcId=self.ids["Vpc"], CidrBlock=block)["Subnet"]["SubnetId"]

    def group(self, name: str) -> str:
        return self.ec2.create_security_group(
            GroupName=name, Description=name, VpcId=self.ids["Vpc"]
        )["GroupId"]

    def table(self) -> str:
        return self.ec2.create_route_table(VpcId=self.ids["Vpc"])["RouteTable"]["RouteTableId"]

    def peering(self) -> str:
        return self.ec2.create_vpc_peering_connection(
            VpcId=self.ids["Vpc"], PeerVpcId=self.vpc("10.0.0.0/16")
        )["VpcPeeringConnection"]["VpcPeeringConnectionId"]

    def policy(self, name: str) -> str:
        return self.iam.create_policy(PolicyName=name, PolicyDocument=DOCUMENT)["Policy"]["Arn"]

    def unmanaged(self) -> list[str]:
        return list(unmanaged(self.aws, self.state))


@pytest.fixture(scope="module")
def account() -> Iterator[AccountOfStack]:
    """One account for all tests; each test checks only its own attachment."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        service_credentials.install()
        with mock_aws():
            yield AccountOfStack()


def test_what_the_stack_created_is_not_unmanaged(account: AccountOfStack) -> None:
    assert account.unmanaged_at_first == []


def test_the_account_has_every_type_that_something_can_be_attached_to(
    account: AccountOfStack,
) -> None:
    types = {
        resource_type.name for resource_type in CATALOGUE.values() if resource_type.attachments
    }
    assert types <= {resource.type for resource in account.state}


ATTACHMENTS: Mapping[str, Callable[[AccountOfStack], object]] = {
    r"vpc-\w+: subnet subnet-\w+": lambda account: account.subnet("10.100.9.0/24"),
    r"vpc-\w+: security group sg-\w+": lambda account: account.group("open"),
    r"vpc-\w+: route table rtb-\w+": lambda account: account.table(),
    r"vpc-\w+: network ACL acl-\w+": lambda account: account.ec2.create_network_acl(
        VpcId=account.ids["Vpc"]
    ),
    r"vpc-\w+: endpoint vpce-\w+": lambda account: account.ec2.create_vpc_endpoint(
        VpcId=account.ids["Vpc"], ServiceName=f"com.amazonaws.{REGION}.dynamodb"
    ),
    r"vpc-\w+: NAT gateway nat-\w+": lambda account: account.ec2.create_nat_gateway(
        SubnetId=account.ids["Subnet"], ConnectivityType="private"
    ),
    r"vpc-\w+: VPN gateway vgw-\w+": lambda account: account.ec2.attach_vpn_gateway(
        VpcId=account.ids["Vpc"],
        VpnGatewayId=account.ec2.create_vpn_gateway(Type="ipsec.1")["VpnGateway"]["VpnGatewayId"],
    ),
    r"vpc-\w+: transit gateway attachment tgw-attach-\w+": lambda account: (
        account.ec2.create_transit_gateway_vpc_attachment(
            VpcId=account.ids["Vpc"],
            SubnetIds=[account.ids["Subnet"]],
            TransitGatewayId=account.ec2.create_transit_gateway()["TransitGateway"][
                "TransitGatewayId"
            ],
        )
    ),
    r"vpc-\w+: peering pcx-\w+": lambda account: account.peering(),
    r"vpc-\w+: addresses 10\.101\.0\.0/16": lambda account: account.ec2.associate_vpc_cidr_block(
        VpcId=account.ids["Vpc"], CidrBlock="10.101.0.0/16"
    ),
    r"sg-\w+: rule sgr-\w+: tcp 3389-3389 from ::/0": lambda account: (
        account.ec2.authorize_security_group_ingress(
            GroupId=account.ids["SecurityGroup"], IpPermissions=[RDP]
        )
    ),
    r"sg-\w+: rule sgr-\w+: -1 to 10\.0\.0\.0/8": lambda account: (
        account.ec2.authorize_security_group_egress(
            GroupId=account.ids["SecurityGroup"], IpPermissions=[ALL]
        )
    ),
    r"sg-\w+: rule of group sg-\w+ that names this group": lambda account: (
        account.ec2.authorize_security_group_ingress(
            GroupId=account.ec2.create_security_group(
                GroupName="elsewhere", Description="peer", VpcId=account.vpc("10.9.0.0/16")
            )["GroupId"],
            IpPermissions=[
                {
                    "IpProtocol": "tcp",
                    "FromPort": 80,
                    "ToPort": 80,
                    "UserIdGroupPairs": [{"GroupId": account.ids["SecurityGroup"]}],
                }
            ],
        )
    ),
    r"arn:aws:iam::\d+:policy/own: attached to role other": lambda account: (
        account.iam.create_role(RoleName="other", AssumeRolePolicyDocument=DOCUMENT),
        account.iam.attach_role_policy(RoleName="other", PolicyArn=account.ids["Policy"]),
    ),
    r"manager: access key \w+, active": lambda account: account.iam.create_access_key(
        UserName="manager"
    ),
    r"manager: service's credential \w+, active": lambda account: (
        account.iam.create_service_specific_credential(
            UserName="manager", ServiceName="bedrock.amazonaws.com"
        )
    ),
    r"manager: SSH key \w+, active": lambda account: account.iam.upload_ssh_public_key(
        UserName="manager", SSHPublicKeyBody="ssh-ed25519 AAAA"
    ),
    r"manager: certificate \w+, active": lambda account: account.iam.upload_signing_certificate(
        UserName="manager", CertificateBody=CERTIFICATE
    ),
    r"manager: MFA device arn:aws:iam::\d+:mfa/phone": lambda account: (
        account.iam.enable_mfa_device(
            UserName="manager",
            SerialNumber="arn:aws:iam::123456789012:mfa/phone",
            AuthenticationCode1="123456",
            AuthenticationCode2="234567",
        )
    ),
    r"manager: group wheel": lambda account: (
        account.iam.create_group(GroupName="wheel"),
        account.iam.add_user_to_group(GroupName="wheel", UserName="manager"),
    ),
    r"manager: a password for the console": lambda account: account.iam.create_login_profile(
        UserName="manager", Password="made up for this"
    ),
    r"manager: policy arn:aws:iam::\d+:policy/more": lambda account: account.iam.attach_user_policy(
        UserName="manager", PolicyArn=account.policy("more")
    ),
    r"manager: inline policy more": lambda account: account.iam.put_user_policy(
        UserName="manager", PolicyName="more", PolicyDocument=DOCUMENT
    ),
    r"instances: policy arn:aws:iam::\d+:policy/most": lambda account: (
        account.iam.attach_role_policy(RoleName="instances", PolicyArn=account.policy("most"))
    ),
    r"instances: policy arn:aws:iam::\d+:policy/stop": lambda account: (
        account.iam.attach_role_policy(RoleName="instances", PolicyArn=account.stop)
    ),
    r"instances: inline policy more": lambda account: account.iam.put_role_policy(
        RoleName="instances", PolicyName="more", PolicyDocument=DOCUMENT
    ),
}


@pytest.mark.parametrize("line", ATTACHMENTS)
def test_what_somebody_attaches_is_named(account: AccountOfStack, line: str) -> None:
    before = account.unmanaged()
    ATTACHMENTS[line](account)
    added = [attached for attached in account.unmanaged() if attached not in before]
    [added] = [attached for attached in added if ": interface " not in attached]
    assert re.fullmatch(line, added)


def test_a_route_into_a_peering_is_named_beside_the_peering(account: AccountOfStack) -> None:
    peering = account.peering()
    account.ec2.create_route(
        RouteTableId=account.ids["RouteTable"],
        DestinationCidrBlock="10.0.0.0/16",
        VpcPeeringConnectionId=peering,
    )
    table = account.ids["RouteTable"]
    assert f"{table}: route 10.0.0.0/16 via {peering}" in account.unmanaged()


def test_a_subnet_of_others_in_the_route_table_is_named(account: AccountOfStack) -> None:
    subnet, table = account.subnet("10.100.77.0/24"), account.ids["RouteTable"]
    account.ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    assert f"{table}: association with {subnet}" in account.unmanaged()


def test_the_stop_of_a_spent_budget_is_no_drift_and_blocks_the_deletion(
    account: AccountOfStack,
) -> None:
    before = account.unmanaged(), list(blocking(account.aws, account.state))
    account.iam.attach_user_policy(UserName="manager", PolicyArn=account.stop)
    after = list(blocking(account.aws, account.state))
    assert account.unmanaged() == before[0]
    assert [line for line in after if line not in before[1]] == [f"manager: policy {account.stop}"]


def test_a_refused_peering_is_not_named(account: AccountOfStack) -> None:
    before = account.unmanaged()
    account.ec2.reject_vpc_peering_connection(VpcPeeringConnectionId=account.peering())
    assert account.unmanaged() == before


def test_what_somebody_deleted_has_nothing_attached_and_the_rest_is_still_named(
    account: AccountOfStack,
) -> None:
    deleted = {"aws:iam/user:User": "nobody", "aws:iam/role:Role": "nothing"}
    state = [
        replace(resource, id=deleted.get(resource.type, resource.id)) for resource in account.state
    ]
    account.ec2.authorize_security_group_ingress(
        GroupId=account.ids["SecurityGroup"], IpPermissions=[HTTPS]
    )
    lines = list(unmanaged(account.aws, state))
    assert not [line for line in lines if line.startswith(tuple(deleted.values()))]
    assert [line for line in lines if line.endswith("tcp 443-443 from 0.0.0.0/0")]

"""Calls to the emulated AWS, one for each recorded operation.

They run in this order; the emulated AWS must also refuse what AWS refuses in a recording.
"""

import json
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from botocore.exceptions import ClientError

Client = Callable[[str], Any]
TRUST: Final = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "ec2.amazonaws.com", "AWS": "arn:aws:iam::123456789012:root"},
            "Action": "sts:AssumeRole",
        }
    ],
}
ALLOW: Final = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}],
    }
)
TAGS: Final = [{"Key": "Owner", "Value": "somebody"}]


def tagged(kind: str) -> Any:
    return [{"ResourceType": kind, "Tags": TAGS}]


def refused(call: Callable[..., Any], **parameters: Any) -> None:
    """Make a call that AWS refuses."""
    with suppress(ClientError):
        call(**parameters)


def play(client: Client) -> None:
    network(client("ec2"))
    machines(client("ec2"), client("iam"))
    identities(client("iam"))
    others(client)
    refusals(client("ec2"), client("iam"), client("logs"))


def network(ec2: Any) -> None:
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tagged("vpc"))["Vpc"]["VpcId"]
    peer = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    ec2.describe_vpc_attribute(VpcId=vpc, Attribute="enableDnsHostnames")
    ec2.describe_vpcs()
    subnet = ec2.create_subnet(
        VpcId=vpc, CidrBlock="10.0.0.0/24", TagSpecifications=tagged("subnet")
    )["Subnet"]["SubnetId"]
    ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})
    ec2.describe_subnets()
    gateway = ec2.create_internet_gateway(TagSpecifications=tagged("internet-gateway"))
    gateway = gateway["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    ec2.describe_internet_gateways()
    refused(ec2.delete_internet_gateway, InternetGatewayId=gateway)
    table = ec2.create_route_table(VpcId=vpc, TagSpecifications=tagged("route-table"))
    table = table["RouteTable"]["RouteTableId"]
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    endpoint = ec2.create_vpc_endpoint(
        VpcId=vpc,
        ServiceName="com.amazonaws.us-east-1.s3",
        RouteTableIds=[table],
        TagSpecifications=tagged("vpc-endpoint"),
    )["VpcEndpoint"]["VpcEndpointId"]
    ec2.describe_vpc_endpoints()
    ec2.describe_vpc_endpoint_services()
    ec2.describe_prefix_lists()
    ec2.describe_managed_prefix_lists()
    ec2.describe_route_tables()
    ec2.describe_network_acls()
    ec2.describe_dhcp_options()
    ec2.describe_regions()
    group = ec2.create_security_group(
        GroupName="group",
        Description="A group",
        VpcId=vpc,
        TagSpecifications=tagged("security-group"),
    )["GroupId"]
    ssh = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22}
    rules = [
        {**ssh, "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "SSH"}]},
        {**ssh, "Ipv6Ranges": [{"CidrIpv6": "2001:db8::/32"}]},
        {**ssh, "UserIdGroupPairs": [{"GroupId": group}]},
    ]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=rules)
    refused(ec2.authorize_security_group_ingress, GroupId=group, IpPermissions=rules[:1])
    out = [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": rules[0]["IpRanges"]}]
    ec2.authorize_security_group_egress(GroupId=group, IpPermissions=out)
    ec2.describe_security_groups()
    ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=rules[:1])
    ec2.revoke_security_group_egress(GroupId=group, IpPermissions=out)
    interface = ec2.create_network_interface(
        SubnetId=subnet, Groups=[group], TagSpecifications=tagged("network-interface")
    )["NetworkInterface"]["NetworkInterfaceId"]
    ec2.modify_network_interface_attribute(NetworkInterfaceId=interface, Groups=[group])
    ec2.describe_network_interfaces()
    refused(ec2.delete_subnet, SubnetId=subnet)
    ec2.delete_network_interface(NetworkInterfaceId=interface)
    peering = ec2.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=peer)
    peering = peering["VpcPeeringConnection"]["VpcPeeringConnectionId"]
    ec2.describe_vpc_peering_connections()
    ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=peering)
    ec2.allocate_address(Domain="vpc")
    ec2.describe_addresses()
    nat = ec2.create_nat_gateway(
        SubnetId=subnet, AllocationId=ec2.allocate_address(Domain="vpc")["AllocationId"]
    )["NatGateway"]["NatGatewayId"]
    ec2.describe_nat_gateways()
    ec2.delete_nat_gateway(NatGatewayId=nat)
    ec2.describe_transit_gateways()
    ec2.describe_tags()
    ec2.create_tags(Resources=[vpc], Tags=TAGS)
    ec2.delete_tags(Resources=[vpc], Tags=TAGS)
    ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint])
    ec2.delete_security_group(GroupId=group)
    ec2.delete_vpc(VpcId=peer)
    spare = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.9.0/24")["Subnet"]["SubnetId"]
    ec2.delete_subnet(SubnetId=spare)


def machines(ec2: Any, iam: Any) -> None:
    [subnet, *_] = [
        item for item in ec2.describe_subnets()["Subnets"] if item["CidrBlock"] == "10.0.0.0/24"
    ]
    for name in ("one", "two"):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
        iam.create_instance_profile(InstanceProfileName=name)
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    ec2.create_key_pair(KeyName="key", KeyType="ed25519", TagSpecifications=tagged("key-pair"))
    ec2.describe_key_pairs()
    image = ec2.register_image(Name="image", RootDeviceName="/dev/sda1")["ImageId"]
    machine = ec2.run_instances(
        ImageId=image,
        MinCount=1,
        MaxCount=1,
        InstanceType="g5.xlarge",
        KeyName="key",
        SubnetId=subnet["SubnetId"],
        IamInstanceProfile={"Name": "one"},
        UserData=b64encode(b"#!/bin/sh").decode(),
        MetadataOptions={"HttpTokens": "required"},
        BlockDeviceMappings=[
            {"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 20, "VolumeType": "gp3"}}
        ],
        TagSpecifications=tagged("instance"),
    )["Instances"][0]["InstanceId"]
    ec2.describe_instances()
    for attribute in ("disableApiTermination", "instanceType", "userData", "groupSet"):
        ec2.describe_instance_attribute(InstanceId=machine, Attribute=attribute)
    ec2.modify_instance_metadata_options(InstanceId=machine, HttpTokens="required")
    [association] = ec2.describe_iam_instance_profile_associations()[
        "IamInstanceProfileAssociations"
    ]
    ec2.replace_iam_instance_profile_association(
        AssociationId=association["AssociationId"], IamInstanceProfile={"Name": "two"}
    )
    [association] = ec2.describe_iam_instance_profile_associations()[
        "IamInstanceProfileAssociations"
    ]
    ec2.disassociate_iam_instance_profile(AssociationId=association["AssociationId"])
    ec2.associate_iam_instance_profile(InstanceId=machine, IamInstanceProfile={"Name": "one"})
    zone = ec2.describe_instances()["Reservations"][0]["Instances"][0]["Placement"]
    volume = ec2.create_volume(
        AvailabilityZone=zone["AvailabilityZone"], Size=10, TagSpecifications=tagged("volume")
    )["VolumeId"]
    ec2.attach_volume(VolumeId=volume, InstanceId=machine, Device="/dev/sdf")
    ec2.describe_volumes()
    ec2.modify_volume(VolumeId=volume, Size=12)
    ec2.describe_volumes_modifications()
    snapshot = ec2.create_snapshot(VolumeId=volume, TagSpecifications=tagged("snapshot"))
    snapshot = snapshot["SnapshotId"]
    ec2.create_snapshots(InstanceSpecification={"InstanceId": machine})
    ec2.describe_snapshots(OwnerIds=["self"])
    ec2.modify_snapshot_attribute(
        SnapshotId=snapshot,
        Attribute="createVolumePermission",
        OperationType="add",
        UserIds=["111122223333"],
    )
    ec2.describe_snapshot_attribute(SnapshotId=snapshot, Attribute="createVolumePermission")
    ec2.detach_volume(VolumeId=volume, InstanceId=machine)
    ec2.delete_volume(VolumeId=volume)
    ec2.delete_snapshot(SnapshotId=snapshot)
    ec2.stop_instances(InstanceIds=[machine])
    ec2.start_instances(InstanceIds=[machine])
    taken = ec2.create_image(InstanceId=machine, Name="taken", TagSpecifications=tagged("image"))
    taken = taken["ImageId"]
    ec2.describe_images(Owners=["self"])
    ec2.modify_image_attribute(
        ImageId=taken, LaunchPermission={"Add": [{"UserId": "111122223333"}]}
    )
    ec2.describe_image_attribute(ImageId=taken, Attribute="launchPermission")
    ec2.deregister_image(ImageId=taken)
    ec2.modify_instance_attribute(InstanceId=machine, DisableApiTermination={"Value": True})
    refused(ec2.terminate_instances, InstanceIds=[machine])
    ec2.modify_instance_attribute(InstanceId=machine, DisableApiTermination={"Value": False})
    ec2.terminate_instances(InstanceIds=[machine])
    ec2.delete_key_pair(KeyName="key")
    ec2.describe_hosts()
    ec2.describe_spot_instance_requests()
    ec2.describe_spot_fleet_requests()
    template = {"ImageId": image, "InstanceType": "g5.xlarge"}
    created = ec2.create_launch_template(LaunchTemplateName="name", LaunchTemplateData=template)
    identity = created["LaunchTemplate"]["LaunchTemplateId"]
    ec2.describe_launch_templates()
    ec2.describe_launch_template_versions(LaunchTemplateId=identity)


def identities(iam: Any) -> None:
    policy = iam.create_policy(PolicyName="policy", PolicyDocument=ALLOW)["Policy"]["Arn"]
    iam.create_policy_version(PolicyArn=policy, PolicyDocument=ALLOW)
    iam.get_policy(PolicyArn=policy)
    iam.get_policy_version(PolicyArn=policy, VersionId="v1")
    iam.list_policy_versions(PolicyArn=policy)
    iam.delete_policy_version(PolicyArn=policy, VersionId="v2")
    iam.list_policies(Scope="Local")
    role = {"RoleName": "role"}
    iam.create_role(
        **role, AssumeRolePolicyDocument=json.dumps(TRUST), Description="A role", Tags=TAGS
    )
    iam.put_role_permissions_boundary(**role, PermissionsBoundary=policy)
    iam.attach_role_policy(**role, PolicyArn=policy)
    iam.put_role_policy(**role, PolicyName="inline", PolicyDocument=ALLOW)
    iam.tag_role(**role, Tags=TAGS)
    iam.get_role(**role)
    iam.list_roles()
    iam.list_role_policies(**role)
    iam.list_attached_role_policies(**role)
    iam.list_instance_profiles()
    iam.list_instance_profiles_for_role(RoleName="one")
    iam.untag_role(**role, TagKeys=["Owner"])
    iam.delete_role_permissions_boundary(**role)
    iam.detach_role_policy(**role, PolicyArn=policy)
    iam.delete_role_policy(**role, PolicyName="inline")
    iam.delete_role(**role)
    refused(iam.get_role, **role)
    user, group = {"UserName": "user"}, {"GroupName": "group"}
    iam.create_user(**user, Tags=TAGS)
    iam.create_group(**group)
    iam.add_user_to_group(**user, **group)
    iam.put_user_permissions_boundary(**user, PermissionsBoundary=policy)
    iam.attach_user_policy(**user, PolicyArn=policy)
    iam.attach_group_policy(**group, PolicyArn=policy)
    iam.put_user_policy(**user, PolicyName="inline", PolicyDocument=ALLOW)
    iam.put_group_policy(**group, PolicyName="inline", PolicyDocument=ALLOW)
    key = iam.create_access_key(**user)["AccessKey"]["AccessKeyId"]
    iam.update_access_key(**user, AccessKeyId=key, Status="Inactive")
    iam.create_login_profile(**user, Password="made up for this")
    iam.get_login_profile(**user)
    iam.create_service_specific_credential(**user, ServiceName="bedrock.amazonaws.com")
    iam.list_service_specific_credentials(**user)
    iam.tag_user(**user, Tags=TAGS)
    iam.get_user(**user)
    iam.list_users()
    iam.list_user_policies(**user)
    iam.list_attached_user_policies(**user)
    iam.list_access_keys(**user)
    iam.list_groups_for_user(**user)
    iam.list_groups()
    iam.get_group(**group)
    iam.list_group_policies(**group)
    iam.list_attached_group_policies(**group)
    arn = iam.get_user(**user)["User"]["Arn"]
    iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=["s3:GetObject"])
    iam.simulate_custom_policy(PolicyInputList=[ALLOW], ActionNames=["s3:GetObject"])
    refused(iam.delete_group, **group)
    iam.untag_user(**user, TagKeys=["Owner"])
    iam.delete_user_permissions_boundary(**user)
    iam.detach_user_policy(**user, PolicyArn=policy)
    iam.detach_group_policy(**group, PolicyArn=policy)
    iam.delete_user_policy(**user, PolicyName="inline")
    iam.delete_group_policy(**group, PolicyName="inline")
    iam.remove_user_from_group(**user, **group)
    iam.delete_access_key(**user, AccessKeyId=key)
    iam.delete_login_profile(**user)
    refused(iam.get_login_profile, **user)
    refused(iam.delete_login_profile, **user)
    iam.delete_user(**user)
    iam.delete_group(**group)
    refused(iam.get_group, **group)
    iam.delete_policy(PolicyArn=policy)
    refused(iam.get_policy, PolicyArn=policy)
    refused(iam.get_account_password_policy)
    iam.update_account_password_policy(MinimumPasswordLength=14)
    iam.get_account_password_policy()
    iam.get_account_summary()
    iam.create_account_alias(AccountAlias="an-alias")
    iam.list_account_aliases()
    provider = iam.create_open_id_connect_provider(
        Url="https://oidc.example.com", ClientIDList=["client"], ThumbprintList=["a" * 40]
    )["OpenIDConnectProviderArn"]
    iam.list_open_id_connect_providers()
    iam.get_open_id_connect_provider(OpenIDConnectProviderArn=provider)
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=provider)
    refused(iam.get_open_id_connect_provider, OpenIDConnectProviderArn=provider)
    iam.remove_role_from_instance_profile(InstanceProfileName="two", RoleName="two")
    iam.delete_instance_profile(InstanceProfileName="two")


def others(client: Client) -> None:
    logs, sts, ec2 = client("logs"), client("sts"), client("ec2")
    logs.create_log_group(logGroupName="/group", tags={"Owner": "somebody"})
    logs.put_retention_policy(logGroupName="/group", retentionInDays=7)
    [group] = logs.describe_log_groups()["logGroups"]
    logs.create_log_stream(logGroupName="/group", logStreamName="stream")
    logs.describe_log_streams(logGroupName="/group")
    logs.list_tags_for_resource(resourceArn=group["arn"].removesuffix(":*"))
    refused(logs.create_log_group, logGroupName="/group")
    role = client("iam").get_role(RoleName="one")["Role"]["Arn"]
    vpc = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    created = ec2.create_flow_logs(
        ResourceIds=[vpc],
        ResourceType="VPC",
        TrafficType="ALL",
        LogGroupName="/group",
        DeliverLogsPermissionArn=role,
        TagSpecifications=tagged("vpc-flow-log"),
    )
    ec2.describe_flow_logs()
    ec2.delete_flow_logs(FlowLogIds=created["FlowLogIds"])
    logs.delete_log_group(logGroupName="/group")
    sts.get_caller_identity()
    sts.assume_role(RoleArn=role, RoleSessionName="session")
    budgets = client("budgets")
    amount = {"Amount": "100", "Unit": "USD"}
    budget = {"BudgetName": "b", "BudgetLimit": amount, "TimeUnit": "MONTHLY", "BudgetType": "COST"}
    budgets.create_budget(AccountId="123456789012", Budget=budget)
    budgets.describe_budgets(AccountId="123456789012")


def refusals(ec2: Any, iam: Any, logs: Any) -> None:
    """Calls that name missing resources."""
    refused(ec2.create_tags, Resources=[], Tags=TAGS)
    for call, name, identity in (
        (ec2.delete_network_interface, "NetworkInterfaceId", "eni-0123456789abcdef0"),
        (ec2.delete_security_group, "GroupId", "sg-0123456789abcdef0"),
        (ec2.delete_subnet, "SubnetId", "subnet-0123456789abcdef0"),
        (ec2.describe_addresses, "AllocationIds", ["eipalloc-0123456789abcdef0"]),
        (ec2.describe_internet_gateways, "InternetGatewayIds", ["igw-0123456789abcdef0"]),
        (ec2.describe_launch_template_versions, "LaunchTemplateId", "lt-0123456789abcdef0"),
        (ec2.describe_network_interfaces, "NetworkInterfaceIds", ["eni-0123456789abcdef0"]),
        (ec2.describe_security_groups, "GroupIds", ["sg-0123456789abcdef0"]),
        (ec2.describe_snapshots, "SnapshotIds", ["snap-0123456789abcdef0"]),
        (ec2.describe_subnets, "SubnetIds", ["subnet-0123456789abcdef0"]),
        (ec2.describe_volumes, "VolumeIds", ["vol-0123456789abcdef0"]),
        (ec2.describe_vpc_endpoint_services, "ServiceNames", ["com.amazonaws.us-east-1.x"]),
        (iam.delete_instance_profile, "InstanceProfileName", "nobodys"),
        (iam.list_instance_profiles_for_role, "RoleName", "nobodys"),
        (logs.delete_log_group, "logGroupName", "nobodys"),
    ):
        refused(call, **{name: identity})
    refused(
        iam.detach_role_policy,
        RoleName="one",
        PolicyArn="arn:aws:iam::aws:policy/AdministratorAccessDoesNotExist",
    )
    refused(iam.remove_role_from_instance_profile, InstanceProfileName="one", RoleName="nobodys")
    refused(
        iam.simulate_principal_policy,
        PolicySourceArn="arn:aws:iam::123456789012:role/nobodys",
        ActionNames=["s3:GetObject"],
    )

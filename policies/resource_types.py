"""Resource types that rules name, and the closed list of those that this pack has looked at."""

from collections.abc import Mapping
from typing import Final

VPC: Final = "aws:ec2/vpc:Vpc"
SUBNET: Final = "aws:ec2/subnet:Subnet"
GATEWAY: Final = "aws:ec2/internetGateway:InternetGateway"
ROUTE_TABLE: Final = "aws:ec2/routeTable:RouteTable"
DEFAULT_ROUTE_TABLE: Final = "aws:ec2/defaultRouteTable:DefaultRouteTable"
ROUTE: Final = "aws:ec2/route:Route"
ROUTE_TABLE_ASSOCIATION: Final = "aws:ec2/routeTableAssociation:RouteTableAssociation"
GROUP: Final = "aws:ec2/securityGroup:SecurityGroup"
DEFAULT_GROUP: Final = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
INGRESS: Final = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS: Final = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
OLD_GROUP_RULE: Final = "aws:ec2/securityGroupRule:SecurityGroupRule"
PREFIX_LIST: Final = "aws:ec2/managedPrefixList:ManagedPrefixList"
ENDPOINT: Final = "aws:ec2/vpcEndpoint:VpcEndpoint"
FLOW_LOG: Final = "aws:ec2/flowLog:FlowLog"
LOG_GROUP: Final = "aws:cloudwatch/logGroup:LogGroup"

ROLE: Final = "aws:iam/role:Role"
USER: Final = "aws:iam/user:User"
POLICY: Final = "aws:iam/policy:Policy"
ROLE_POLICY: Final = "aws:iam/rolePolicy:RolePolicy"
USER_POLICY: Final = "aws:iam/userPolicy:UserPolicy"
GROUP_POLICY: Final = "aws:iam/groupPolicy:GroupPolicy"
ROLE_ATTACHMENT: Final = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
USER_ATTACHMENT: Final = "aws:iam/userPolicyAttachment:UserPolicyAttachment"
GROUP_ATTACHMENT: Final = "aws:iam/groupPolicyAttachment:GroupPolicyAttachment"
ANY_ATTACHMENT: Final = "aws:iam/policyAttachment:PolicyAttachment"
ACCESS_KEY: Final = "aws:iam/accessKey:AccessKey"
PROFILE: Final = "aws:iam/instanceProfile:InstanceProfile"
LOGIN: Final = "aws:iam/userLoginProfile:UserLoginProfile"

INSTANCE: Final = "aws:ec2/instance:Instance"
LAUNCH_TEMPLATE: Final = "aws:ec2/launchTemplate:LaunchTemplate"
METADATA_DEFAULTS: Final = "aws:ec2/instanceMetadataDefaults:InstanceMetadataDefaults"
VOLUME: Final = "aws:ebs/volume:Volume"
IMAGE: Final = "aws:ec2/ami:Ami"
IMAGE_COPY: Final = "aws:ec2/amiCopy:AmiCopy"
IMAGE_PERMISSION: Final = "aws:ec2/amiLaunchPermission:AmiLaunchPermission"
IMAGE_BLOCK: Final = "aws:ec2/imageBlockPublicAccess:ImageBlockPublicAccess"
SNAPSHOT_COPY: Final = "aws:ebs/snapshotCopy:SnapshotCopy"
SNAPSHOT_PERMISSION: Final = "aws:ec2/snapshotCreateVolumePermission:SnapshotCreateVolumePermission"
SNAPSHOT_BLOCK: Final = "aws:ebs/snapshotBlockPublicAccess:SnapshotBlockPublicAccess"
ENCRYPTION_DEFAULT: Final = "aws:ebs/encryptionByDefault:EncryptionByDefault"

STACK: Final = "pulumi:pulumi:Stack"

TAGGABLE: Final[Mapping[str, bool]] = {
    VPC: True,
    SUBNET: True,
    GATEWAY: True,
    ROUTE_TABLE: True,
    DEFAULT_ROUTE_TABLE: True,
    ROUTE: False,
    ROUTE_TABLE_ASSOCIATION: False,
    GROUP: True,
    DEFAULT_GROUP: True,
    INGRESS: True,
    EGRESS: True,
    OLD_GROUP_RULE: False,
    PREFIX_LIST: True,
    ENDPOINT: True,
    FLOW_LOG: True,
    LOG_GROUP: True,
    ROLE: True,
    USER: True,
    POLICY: True,
    ROLE_POLICY: False,
    USER_POLICY: False,
    GROUP_POLICY: False,
    ROLE_ATTACHMENT: False,
    USER_ATTACHMENT: False,
    ACCESS_KEY: False,
    PROFILE: True,
    INSTANCE: True,
    LAUNCH_TEMPLATE: True,
    METADATA_DEFAULTS: False,
    VOLUME: True,
    IMAGE: True,
    IMAGE_COPY: True,
    IMAGE_PERMISSION: False,
    IMAGE_BLOCK: False,
    SNAPSHOT_COPY: True,
    SNAPSHOT_PERMISSION: False,
    SNAPSHOT_BLOCK: False,
    ENCRYPTION_DEFAULT: False,
    "aws:budgets/budget:Budget": True,
    "aws:budgets/budgetAction:BudgetAction": True,
    "aws:costexplorer/costAllocationTag:CostAllocationTag": False,
}
"""Every type that this pack has rules for (or that needs none), and whether it carries tags."""


def is_aws(resource_type: str) -> bool:
    return resource_type.startswith("aws:")


def is_provider(resource_type: str) -> bool:
    return resource_type.startswith("pulumi:providers:")

"""The kinds of resources that EC2 and IAM show late, and AWS's error for an unknown one.

Flow logs are visible at once: Terraform's AWS provider, which is tested against AWS, reads a flow
log immediately after its creation, and fails if it is missing.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class LateResourceKind:
    """One kind of resource. Paths are those of elements in AWS's answers."""

    title: str
    creators: frozenset[str]
    """The operations that create one."""
    created: tuple[str, ...]
    """The paths of its ids, names and ARNs in the answer to such an operation."""
    listed: str
    """The path of the entries in a list."""
    name: str
    """The element of an entry that holds the id or the name."""
    parameters: frozenset[str] = frozenset()
    """The parameters of IAM that name one. In EC2 an id is unique, so any parameter may hold it."""
    code: str = "NoSuchEntity"


def _ec2(title: str, code: str, creators: str, created: str, listed: str) -> LateResourceKind:
    return LateResourceKind(
        title=title,
        code=code,
        creators=frozenset(creators.split()),
        created=(created,),
        listed=listed,
        name=created.rsplit("/", maxsplit=1)[-1],
    )


def _iam(title: str, *created: str, listed: str, parameters: str) -> LateResourceKind:
    return LateResourceKind(
        title=title,
        creators=frozenset({f"Create{created[0].split('/')[0]}"}),
        created=created,
        listed=listed,
        name=created[0].split("/")[1],
        parameters=frozenset(parameters.split()),
    )


KINDS: Final = {
    "ec2": (
        _ec2("vpc", "InvalidVpcID.NotFound", "CreateVpc", "vpc/vpcId", "vpcSet/item"),
        _ec2(
            "subnet",
            "InvalidSubnetID.NotFound",
            "CreateSubnet",
            "subnet/subnetId",
            "subnetSet/item",
        ),
        _ec2(
            "internet gateway",
            "InvalidInternetGatewayID.NotFound",
            "CreateInternetGateway",
            "internetGateway/internetGatewayId",
            "internetGatewaySet/item",
        ),
        _ec2(
            "route table",
            "InvalidRouteTableID.NotFound",
            "CreateRouteTable",
            "routeTable/routeTableId",
            "routeTableSet/item",
        ),
        _ec2(
            "security group",
            "InvalidGroup.NotFound",
            "CreateSecurityGroup",
            "groupId",
            "securityGroupInfo/item",
        ),
        _ec2(
            "security group rule",
            "InvalidSecurityGroupRuleId.NotFound",
            "AuthorizeSecurityGroupIngress AuthorizeSecurityGroupEgress",
            "securityGroupRuleSet/item/securityGroupRuleId",
            "securityGroupRuleSet/item",
        ),
        _ec2(
            "prefix list",
            "InvalidPrefixListID.NotFound",
            "CreateManagedPrefixList",
            "prefixList/prefixListId",
            "prefixListSet/item",
        ),
        _ec2(
            "vpc endpoint",
            "InvalidVpcEndpointId.NotFound",
            "CreateVpcEndpoint",
            "vpcEndpoint/vpcEndpointId",
            "vpcEndpointSet/item",
        ),
        _ec2(
            "instance",
            "InvalidInstanceID.NotFound",
            "RunInstances",
            "instancesSet/item/instanceId",
            "instancesSet/item",
        ),
        _ec2("image", "InvalidAMIID.NotFound", "CreateImage", "imageId", "imagesSet/item"),
        _ec2(
            "key pair",
            "InvalidKeyPair.NotFound",
            "CreateKeyPair ImportKeyPair",
            "keyPairId",
            "keySet/item",
        ),
    ),
    "iam": (
        _iam("user", "User/UserName", listed="Users/member", parameters="UserName"),
        _iam("role", "Role/RoleName", "Role/Arn", listed="Roles/member", parameters="RoleName"),
        _iam(
            "policy",
            "Policy/Arn",
            listed="Policies/member",
            parameters="PolicyArn PermissionsBoundary",
        ),
        _iam(
            "instance profile",
            "InstanceProfile/InstanceProfileName",
            "InstanceProfile/Arn",
            listed="InstanceProfiles/member",
            parameters="InstanceProfileName",
        ),
        _iam(
            "access key",
            "AccessKey/AccessKeyId",
            listed="AccessKeyMetadata/member",
            parameters="AccessKeyId",
        ),
    ),
}
"""The kinds by service. Other services show new resources at once."""

"""The kinds of things that EC2 and IAM show late, and how AWS says that it does not know one.

A flow log is none of them: Terraform's AWS provider, which is tested against AWS, reads it at once
after it has made it, and fails if it is not there.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of things. Paths are those of elements in AWS's answers."""

    title: str
    makers: frozenset[str]
    """The operations that make such things."""
    made: tuple[str, ...]
    """Where the answer to a maker has their ids, names and ARNs."""
    listed: str
    """The entries of a list."""
    name: str
    """The id or the name in such an entry."""
    parameters: frozenset[str] = frozenset()
    """The parameters of IAM that name such things. In EC2 an id is one wherever it stands."""
    code: str = "NoSuchEntity"


def _ec2(title: str, code: str, makers: str, made: str, listed: str) -> Kind:
    return Kind(
        title=title,
        code=code,
        makers=frozenset(makers.split()),
        made=(made,),
        listed=listed,
        name=made.rsplit("/", maxsplit=1)[-1],
    )


def _iam(title: str, *made: str, listed: str, parameters: str) -> Kind:
    return Kind(
        title=title,
        makers=frozenset({f"Create{made[0].split('/')[0]}"}),
        made=made,
        listed=listed,
        name=made[0].split("/")[1],
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
"""By service. Other services show at once what they made."""

"""The closed list of resource types, and why other types are refused.

The closed list is `infra.catalogue`, the table of the types that the program creates. The rules are
written for these types only, so the rule `reviewed-types` refuses every other type of AWS.
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from infra import catalogue
from policies.rule import CheckedResource

STACK: Final = "pulumi:pulumi:Stack"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedKind:
    """A kind of resource that does not belong in the sandbox."""

    kind: str
    why: str
    """One sentence, which ends the message of the rule `reviewed-types`."""
    types: tuple[str, ...]
    """Shell-style patterns of Pulumi's type names."""


REFUSED_KINDS: Final = (
    RefusedKind(
        kind="peering, transit gateways, VPN, shared networks",
        why="A sandbox runs untrusted code, so nothing may connect it to another network.",
        types=(
            "aws:directconnect/*",
            "aws:ec2/*Peering*",
            "aws:ec2/carrierGateway:*",
            "aws:ec2/customerGateway:*",
            "aws:ec2/localGateway*",
            "aws:ec2/vpcEndpointService*",
            "aws:ec2/vpn*",
            "aws:ec2clientvpn/*",
            "aws:ec2transitgateway/*",
            "aws:networkmanager/*",
            "aws:ram/*",
            "aws:route53/resolver*",
            "aws:route53/zoneAssociation:*",
            "aws:vpc/*Peering*",
            "aws:vpc/endpoint*",
            "aws:vpclattice/*",
        ),
    ),
    RefusedKind(
        kind="NAT and egress-only gateways",
        why="The internet gateway is the only way out of the sandbox.",
        types=("aws:ec2/egressOnlyInternetGateway:*", "aws:ec2/natGateway:*"),
    ),
    RefusedKind(
        kind="more address ranges, default networks",
        why="The sandbox is one VPC with one address range and one route table.",
        types=(
            "aws:ec2/defaultRouteTable:*",
            "aws:ec2/defaultSubnet:*",
            "aws:ec2/defaultVpc:*",
            "aws:ec2/vpcIpv?CidrBlockAssociation:*",
        ),
    ),
    RefusedKind(
        kind="old security group rules",
        why="They conflict with aws.vpc.SecurityGroupIngressRule and EgressRule; use those.",
        types=("aws:ec2/securityGroupRule:*",),
    ),
    RefusedKind(
        kind="instances and launch templates",
        why="The service launches instances, under a policy that requires IMDSv2 and encryption.",
        types=(
            "aws:ec2/instance:*",
            "aws:ec2/instanceMetadataDefaults:*",
            "aws:ec2/launchTemplate:*",
            "aws:ec2/spot*",
        ),
    ),
    RefusedKind(
        kind="volumes, snapshots, images",
        why="The image build owns images; a mistake here makes data public or unencrypted.",
        types=(
            "aws:ebs/*",
            "aws:ec2/ami*",
            "aws:ec2/imageBlockPublicAccess:*",
            "aws:ec2/snapshotCreateVolumePermission:*",
        ),
    ),
    RefusedKind(
        kind="inline user policies, shared attachments",
        why="Attach a policy of infra/permissions, which is reviewed and listed in the account.",
        types=("aws:iam/policyAttachment:*", "aws:iam/userPolicy:*"),
    ),
    RefusedKind(
        kind="passwords for the console",
        why="The manager is a program; a password is a second way in.",
        types=("aws:iam/userLoginProfile:*",),
    ),
    RefusedKind(
        kind="people and their logins",
        why="Manage people in the stack that manages the account.",
        types=(
            "aws:iam/accountAlias*",
            "aws:iam/accountPasswordPolicy*",
            "aws:iam/group*",
            "aws:iam/openIdConnect*",
            "aws:iam/saml*",
            "aws:iam/serviceSpecificCredential*",
            "aws:iam/signingCertificate*",
            "aws:iam/sshKey*",
            "aws:iam/userGroupMembership*",
            "aws:iam/virtualMfaDevice*",
            "aws:identitystore/*",
            "aws:organizations/*",
            "aws:ssoadmin/*",
        ),
    ),
)
"""Kinds that somebody may want to add. Types that match no pattern are refused, too."""
UNREVIEWED: Final = "No rule covers it."


def why_refused(resource_type: str) -> str:
    """The reason why a type outside the closed list is refused."""
    for refused in REFUSED_KINDS:
        if any(fnmatchcase(resource_type, pattern) for pattern in refused.types):
            return refused.why
    return UNREVIEWED


def is_component(resource: CheckedResource) -> bool:
    """Whether it is the stack or a component, which no provider creates."""
    return resource.provider is None and not is_aws(resource.resource_type)


def is_taggable(resource_type: str) -> bool:
    """Whether AWS keeps tags on the type; assumed for types outside the catalogue."""
    known = catalogue.CATALOGUE.get(resource_type)
    return known is None or known.taggable


def is_aws(resource_type: str) -> bool:
    return resource_type.startswith("aws:")


def is_provider(resource_type: str) -> bool:
    return resource_type.startswith("pulumi:providers:")

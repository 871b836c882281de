"""The closed list of types: other types are refused, with a reason."""

from typing import Any, cast

import pytest

from infra.catalogue import CATALOGUE
from policies import properties
from policies.additions import Addition
from policies.config import Parameters
from policies.resource_types import REFUSED_KINDS, UNREVIEWED, why_refused
from tests.policies import passing_stack
from tests.policies.pack_server import TAGS, FakeResource, PackServer

RULE = "reviewed-types"
REFUSED_TYPES = (
    # networks
    "aws:directconnect/gateway:Gateway",
    "aws:ec2/customerGateway:CustomerGateway",
    "aws:ec2/defaultRouteTable:DefaultRouteTable",
    "aws:ec2/defaultVpc:DefaultVpc",
    "aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway",
    "aws:ec2/natGateway:NatGateway",
    "aws:ec2/peeringConnectionOptions:PeeringConnectionOptions",
    "aws:ec2/securityGroupRule:SecurityGroupRule",
    "aws:ec2/vpcEndpointService:VpcEndpointService",
    "aws:ec2/vpcIpv4CidrBlockAssociation:VpcIpv4CidrBlockAssociation",
    "aws:ec2/vpcPeeringConnection:VpcPeeringConnection",
    "aws:ec2/vpcPeeringConnectionAccepter:VpcPeeringConnectionAccepter",
    "aws:ec2/vpnConnection:VpnConnection",
    "aws:ec2/vpnGateway:VpnGateway",
    "aws:ec2clientvpn/endpoint:Endpoint",
    "aws:ec2transitgateway/transitGateway:TransitGateway",
    "aws:ec2transitgateway/vpcAttachment:VpcAttachment",
    "aws:ram/resourceShare:ResourceShare",
    "aws:vpclattice/serviceNetworkVpcAssociation:ServiceNetworkVpcAssociation",
    # instances, volumes, images
    "aws:ebs/encryptionByDefault:EncryptionByDefault",
    "aws:ebs/snapshotBlockPublicAccess:SnapshotBlockPublicAccess",
    "aws:ebs/snapshotCopy:SnapshotCopy",
    "aws:ebs/volume:Volume",
    "aws:ec2/ami:Ami",
    "aws:ec2/amiCopy:AmiCopy",
    "aws:ec2/amiLaunchPermission:AmiLaunchPermission",
    "aws:ec2/imageBlockPublicAccess:ImageBlockPublicAccess",
    "aws:ec2/instance:Instance",
    "aws:ec2/instanceMetadataDefaults:InstanceMetadataDefaults",
    "aws:ec2/launchTemplate:LaunchTemplate",
    "aws:ec2/snapshotCreateVolumePermission:SnapshotCreateVolumePermission",
    # identities
    "aws:iam/group:Group",
    "aws:iam/groupPolicy:GroupPolicy",
    "aws:iam/groupPolicyAttachment:GroupPolicyAttachment",
    "aws:iam/policyAttachment:PolicyAttachment",
    "aws:iam/samlProvider:SamlProvider",
    "aws:iam/userLoginProfile:UserLoginProfile",
    "aws:iam/userPolicy:UserPolicy",
)
"""Types that somebody could add to the program; the pack has no other rules for them."""


@pytest.fixture(scope="module")
def server() -> PackServer:
    return PackServer(only=RULE)


@pytest.mark.parametrize("refused_type", REFUSED_TYPES)
def test_a_type_that_the_program_does_not_create_is_refused_with_its_reason(
    server: PackServer, refused_type: str
) -> None:
    (violation,) = server.check_resource(FakeResource(type=refused_type))
    assert violation.mandatory
    assert not violation.undecided
    assert refused_type in violation.message
    assert why_refused(refused_type) != UNREVIEWED
    assert why_refused(refused_type) in violation.message


def test_an_unlisted_type_is_refused_too(server: PackServer) -> None:
    (violation,) = server.check_resource(FakeResource(type="aws:rds/instance:Instance"))
    assert UNREVIEWED in violation.message


def test_every_type_of_the_catalogue_is_accepted_and_no_refused_kind_matches_it(
    server: PackServer,
) -> None:
    for name in CATALOGUE:
        assert server.check_resource(FakeResource(type=name)) == []
        assert why_refused(name) == UNREVIEWED


def test_every_refused_kind_has_a_sentence_and_a_tested_type() -> None:
    for refused in REFUSED_KINDS:
        assert refused.why.endswith(".")
        assert any(why_refused(tested) == refused.why for tested in REFUSED_TYPES), refused.kind


def test_a_type_of_the_catalogue_without_declared_properties_may_set_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So adding a type to the catalogue alone opens nothing."""
    monkeypatch.delitem(cast("Any", properties.PROPERTIES), passing_stack.FLOW_LOG.type)
    findings = PackServer(only="properties-as-declared").check_resource(passing_stack.FLOW_LOG)
    assert len(findings) == len(passing_stack.FLOW_LOG.props)
    assert all(finding.mandatory and properties.FILE in finding.message for finding in findings)


@pytest.mark.parametrize("name", CATALOGUE)
def test_tags_are_required_where_the_catalogue_says_that_aws_keeps_them(name: str) -> None:
    untagged = FakeResource(type=name, provider={"region": "us-east-1"})
    findings = PackServer(only="required-tags").check_resource(untagged)
    expected = len(TAGS) if name.startswith("aws:") and CATALOGUE[name].taggable else 0
    assert len(findings) == expected


def test_tags_are_required_of_an_addition() -> None:
    database = FakeResource(type="aws:rds/instance:Instance", provider={"region": "us-east-1"})
    additions = (Addition(resource=f"{database.type}::*", reason="the owner's"),)
    server = PackServer(Parameters(additions=additions), only="required-tags")
    assert len(server.check_resource(database)) == len(TAGS)

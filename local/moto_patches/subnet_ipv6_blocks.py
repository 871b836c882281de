"""The IPv6 block of a subnet has a state, and filters find it. moto 5.2.5 nests the state too deep.

The provider waits until the state is "associated", and finds the subnet by the association's id.
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_SubnetIpv6CidrBlockAssociation.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSubnets.html
"""

from typing import Any

from moto.ec2.models.subnets import Subnet

FILTER = "ipv6-cidr-block-association."


def install() -> None:
    moto: Any = Subnet
    original = moto.get_filter_value

    def blocks(self: Any) -> list[dict[str, Any]]:
        return [
            {
                "AssociationId": block["associationId"],
                "Ipv6CidrBlock": block["ipv6CidrBlock"],
                "Ipv6CidrBlockState": block["ipv6CidrBlockState"],
            }
            for block in self.ipv6_cidr_block_associations.values()
            if block["ipv6CidrBlockState"]["State"] == "associated"
        ]

    def get_filter_value(self: Any, name: str, method_name: str | None = None) -> Any:
        match name.removeprefix(FILTER):
            case "association-id":
                return [block["AssociationId"] for block in blocks(self)]
            case "ipv6-cidr-block":
                return [block["Ipv6CidrBlock"] for block in blocks(self)]
            case "state" if name.startswith(FILTER):
                return [block["Ipv6CidrBlockState"]["State"] for block in blocks(self)]
            case _:
                return original(self, name, method_name)

    moto.ipv6_cidr_block_association_set = property(blocks)
    moto.get_filter_value = get_filter_value

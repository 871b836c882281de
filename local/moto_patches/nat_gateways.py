"""A deleted NAT gateway gives its addresses and its interface back. moto 5.2.5 keeps both.

Its subnet and the internet gateway of its VPC could not be deleted.
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteNatGateway.html
"""

from typing import Any

from moto.ec2.models import EC2Backend


def install() -> None:
    moto: Any = EC2Backend
    original = moto.delete_nat_gateway

    def delete_nat_gateway(self: Any, nat_gateway_id: str) -> Any:
        gateway = original(self, nat_gateway_id)
        for address in self.addresses:
            if address.eni is not None and address.eni.id == gateway._eni.id:
                self.disassociate_address(association_id=address.association_id)
        self.enis.pop(gateway._eni.id, None)
        return gateway

    moto.delete_nat_gateway = delete_nat_gateway

"""The interface of a NAT gateway is AWS's own, and goes with it; its address becomes free.

moto 5.2.5 keeps both, so that its subnet and the internet gateway of its VPC could not be deleted.
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteNatGateway.html
"""

from typing import Any

from moto.ec2.models import EC2Backend


def install() -> None:
    moto: Any = EC2Backend
    create, delete = moto.create_nat_gateway, moto.delete_nat_gateway

    def create_nat_gateway(self: Any, *args: Any, **kwargs: Any) -> Any:
        gateway = create(self, *args, **kwargs)
        gateway._eni.description = f"Interface for NAT Gateway {gateway.id}"
        gateway._eni.interface_type = "nat_gateway"
        gateway._eni.requester_managed = True
        return gateway

    def delete_nat_gateway(self: Any, nat_gateway_id: str) -> Any:
        gateway = delete(self, nat_gateway_id)
        for address in self.addresses:
            if address.eni is not None and address.eni.id == gateway._eni.id:
                self.disassociate_address(association_id=address.association_id)
        self.enis.pop(gateway._eni.id, None)
        return gateway

    moto.create_nat_gateway, moto.delete_nat_gateway = create_nat_gateway, delete_nat_gateway

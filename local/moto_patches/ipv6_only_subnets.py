"""A subnet without IPv4 has no free IPv4 addresses. moto 5.2.5 counts its IPv6 addresses instead.

Their number does not fit into the answer's integer.
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Subnet.html
"""

from typing import Any

from moto.ec2.models.subnets import Subnet


def install() -> None:
    moto: Any = Subnet
    original = moto.available_ip_address_count.fget

    def available_ip_address_count(self: Any) -> int:
        return original(self) if self.cidr_block else 0

    moto.available_ip_address_count = property(available_ip_address_count)

"""An endpoint without a type is a gateway endpoint. moto 5.2.5 sets no type, and cannot delete it.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpcEndpoint.html
"""

from typing import Any

from moto.ec2.models.vpcs import VPCEndPoint


def install() -> None:
    original = VPCEndPoint.__init__

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - replaces the class's own
        original(self, *args, **kwargs)
        self.vpc_endpoint_type = self.vpc_endpoint_type or "Gateway"

    VPCEndPoint.__init__ = __init__

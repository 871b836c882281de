"""VPC Block Public Access, which is off in a new account. moto 5.2.5 lacks it.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcBlockPublicAccessOptions.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyVpcBlockPublicAccessOptions.html
"""

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.responses import EC2Response


def install() -> None:
    moto: Any = EC2Response

    def describe(self: Any) -> ActionResult:
        mode = getattr(self.ec2_backend, "internet_gateway_block_mode", None)
        options = {
            "AwsAccountId": self.current_account,
            "AwsRegion": self.region,
            "State": "default-state" if mode is None else "update-complete",
            "InternetGatewayBlockMode": mode or "off",
            "ExclusionsAllowed": "allowed",
        }
        return ActionResult({"VpcBlockPublicAccessOptions": options})

    def modify(self: Any) -> ActionResult:
        self.ec2_backend.internet_gateway_block_mode = self._get_param("InternetGatewayBlockMode")
        return describe(self)

    moto.describe_vpc_block_public_access_options = describe
    moto.modify_vpc_block_public_access_options = modify

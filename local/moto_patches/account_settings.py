"""Two settings of an account in a region, which moto 5.2.5 does not know or names otherwise.

VPC Block Public Access is off in a new account:
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcBlockPublicAccessOptions.html

The key of EBS is the alias of AWS's own key until somebody changes it:
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetEbsDefaultKmsKeyId.html
"""

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.responses import EC2Response


def install() -> None:
    response: Any = EC2Response
    response.describe_vpc_block_public_access_options = _describe_public_access
    response.modify_vpc_block_public_access_options = _modify_public_access
    response.get_ebs_default_kms_key_id = _key
    response.modify_ebs_default_kms_key_id = _modify_key
    response.reset_ebs_default_kms_key_id = _reset_key


def _kept(response: Any) -> dict[str, str]:
    return response.ec2_backend.__dict__.setdefault("account_settings", {})


def _describe_public_access(self: Any) -> ActionResult:
    options = {
        "AwsAccountId": self.current_account,
        "AwsRegion": self.region,
        "State": "default-state" if "mode" not in _kept(self) else "update-complete",
        "InternetGatewayBlockMode": _kept(self).get("mode", "off"),
        "ExclusionsAllowed": "allowed",
    }
    return ActionResult({"VpcBlockPublicAccessOptions": options})


def _modify_public_access(self: Any) -> ActionResult:
    _kept(self)["mode"] = self._get_param("InternetGatewayBlockMode")
    return _describe_public_access(self)


def _key(self: Any) -> ActionResult:
    default = f"arn:aws:kms:{self.region}:{self.current_account}:alias/aws/ebs"
    return ActionResult({"KmsKeyId": _kept(self).get("key", default)})


def _modify_key(self: Any) -> ActionResult:
    _kept(self)["key"] = self._get_param("KmsKeyId")
    return _key(self)


def _reset_key(self: Any) -> ActionResult:
    _kept(self).pop("key", None)
    return _key(self)

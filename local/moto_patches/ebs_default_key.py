"""The default KMS key of EBS. moto 5.2.5 lacks it.

A new account has AWS's own key; ModifyEbsDefaultKmsKeyId sets another.
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetEbsDefaultKmsKeyId.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ResetEbsDefaultKmsKeyId.html
"""

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.responses import EC2Response

AWS_KEY = "alias/aws/ebs"


def install() -> None:
    moto: Any = EC2Response

    def get(self: Any) -> ActionResult:
        return ActionResult({"KmsKeyId": getattr(self.ec2_backend, "ebs_key", AWS_KEY)})

    def modify(self: Any) -> ActionResult:
        self.ec2_backend.ebs_key = self._get_param("KmsKeyId")
        return get(self)

    def reset(self: Any) -> ActionResult:
        self.ec2_backend.ebs_key = AWS_KEY
        return get(self)

    moto.get_ebs_default_kms_key_id = get
    moto.modify_ebs_default_kms_key_id = modify
    moto.reset_ebs_default_kms_key_id = reset

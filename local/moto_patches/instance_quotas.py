"""Service quotas of on-demand instances. moto 5.2.5 has only the quotas of VPC.

https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html
"""

import json
from typing import Any

from moto.servicequotas.models import ServiceQuotasBackend
from moto.servicequotas.responses import ServiceQuotasResponse

from local.emulated_account import VCPUS

DEFAULT_VCPUS = {"L-DB2E81BA": 0.0, "L-417A185B": 0.0, "L-1216C47A": 5.0}
"""The quotas of a new account, in vCPUs; GetAWSDefaultServiceQuota answers with them."""


def install() -> None:
    moto: Any = ServiceQuotasResponse

    def get_aws_default_service_quota(self: Any) -> str:
        code = json.loads(self.body)["QuotaCode"]
        quota = {"ServiceCode": "ec2", "QuotaCode": code, "Value": DEFAULT_VCPUS[code]}
        return json.dumps({"Quota": quota})

    moto.get_aws_default_service_quota = get_aws_default_service_quota
    original = ServiceQuotasBackend.get_service_quota

    def get_service_quota(
        self: ServiceQuotasBackend, service_code: str, quota_code: str
    ) -> dict[str, Any]:
        if service_code == "ec2" and quota_code in VCPUS:
            return {
                "ServiceCode": "ec2",
                "QuotaCode": quota_code,
                "Value": VCPUS[quota_code],
                "Unit": "None",
                "Adjustable": True,
            }
        return original(self, service_code, quota_code)

    ServiceQuotasBackend.get_service_quota = get_service_quota

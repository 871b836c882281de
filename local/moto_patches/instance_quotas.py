"""Service quotas of on-demand instances. moto 5.2.5 knows only those of VPC.

The values are those of an account whose quota for G instances was raised.
https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html
"""

from typing import Any

from moto.servicequotas.models import ServiceQuotasBackend

VCPUS = {"L-DB2E81BA": 192.0, "L-417A185B": 0.0, "L-1216C47A": 640.0}


def install() -> None:
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

"""The quota of rules per security group can be raised. moto 5.2.5 always refuses the 61st rule.

`local/request_checks` applies the quota. AWS grants up to 1,000 rules, divided by the security
groups per interface.
https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html
"""

from moto.ec2.models import EC2Backend
from moto.servicequotas.resources.default_quotas.vpc import VPC_DEFAULT_QUOTAS

from local import emulated_account


def install() -> None:
    EC2Backend._verify_group_will_respect_rule_count_limit = _accept
    for quota in VPC_DEFAULT_QUOTAS:
        if quota["QuotaCode"] == "L-0EA8095F":
            quota["Value"] = emulated_account.RULES_PER_GROUP


def _accept(*_: object, **__: object) -> None:
    """Accept any number of rules; `local/request_checks` has applied the quota."""

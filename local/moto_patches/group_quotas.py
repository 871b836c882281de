"""A raised quota of rules per security group. moto 5.2.5 answers the default of 60.

With the default no list of more than 60 SSH ranges could be tried. moto also refuses the 61st rule,
whatever it answers; `local/request_checks` refuses by the quota. AWS grants up to 1,000, divided
by the groups per interface; here the account has one group per interface.
https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html
"""

from moto.ec2.models import EC2Backend
from moto.servicequotas.resources.default_quotas.vpc import VPC_DEFAULT_QUOTAS

GRANTED = 1000.0


def install() -> None:
    EC2Backend._verify_group_will_respect_rule_count_limit = _accept
    for quota in VPC_DEFAULT_QUOTAS:
        if quota["QuotaCode"] == "L-0EA8095F":
            quota["Value"] = GRANTED


def _accept(*_: object, **__: object) -> None:
    """Leave the number of rules to the check of the request."""

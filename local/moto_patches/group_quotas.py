"""A raised quota of rules per security group. moto 5.2.5 answers the default of 60.

With the default no list of more than 60 SSH ranges could be tried. AWS grants up to 1,000, divided
by the groups per interface; here the account has one group per interface.
https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html
"""

from moto.servicequotas.resources.default_quotas.vpc import VPC_DEFAULT_QUOTAS

GRANTED = 1000.0


def install() -> None:
    for quota in VPC_DEFAULT_QUOTAS:
        if quota["QuotaCode"] == "L-0EA8095F":
            quota["Value"] = GRANTED

"""The quota of rules per security group, as of an account that was granted more, for moto 5.2.5.

moto answers the default of 60, with which no list of SSH ranges above 60 could be tried. AWS grants
up to 1,000 divided by the groups per interface.
https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html
"""

from moto.servicequotas.resources.default_quotas.vpc import VPC_DEFAULT_QUOTAS

GRANTED = 200.0


def install() -> None:
    for quota in VPC_DEFAULT_QUOTAS:
        if quota["QuotaCode"] == "L-0EA8095F":
            quota["Value"] = GRANTED

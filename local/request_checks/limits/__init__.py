"""The limits that AWS's models do not hold, and its documentation does: one function for each.

A function yields what is wrong with a call, in AWS's words; its docstring is the limit in one
sentence. It looks into the account where AWS does.
"""

from local.request_checks.limits import (
    cloudwatch_logs,
    ec2_instances,
    ec2_listings,
    ec2_network,
    enforced_by_moto,
    iam,
    tags,
)
from local.request_checks.limits.limit import LIMITS, Limit, refusal

__all__ = ["LIMITS", "Limit", "refusal"]

del ec2_listings, ec2_instances, ec2_network, iam, enforced_by_moto, cloudwatch_logs, tags

"""The limits that AWS documents and its models lack: one function for each.

A function yields AWS's error message for each problem of a call; its docstring states the limit in
one sentence. It reads the emulated account where AWS reads the account.
"""

from local.request_checks.limits import (
    cloudwatch_logs,
    ec2_instances,
    ec2_listings,
    ec2_network,
    enforced_by_moto,
    iam,
    simulations,
    tags,
)
from local.request_checks.limits.limit import LIMITS, Limit, refusal

__all__ = ["LIMITS", "Limit", "refusal"]

del (  # pyrefly: ignore[unsupported-delete] - several names
    ec2_listings,
    ec2_instances,
    ec2_network,
    iam,
    enforced_by_moto,
    cloudwatch_logs,
    simulations,
    tags,
)

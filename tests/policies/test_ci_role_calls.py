"""The pipeline's role against the calls that an update, a comparison and a destroy really make."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pytest

from tests.policies.needs import ACCOUNT

pytestmark = [pytest.mark.engine, pytest.mark.proof]

BUCKET: Final = "pipeline-state"
SETTINGS: Final[Sequence[Mapping[str, Any]]] = (
    {},
    {
        "environment": "staging",
        "allowed_ssh_cidrs": ["203.0.113.0/24", "2001:db8:1::/48"],
        "flow_log_retention_days": 731,
        "s3_read_buckets": ["league-*"],
        "manager_keys": {"a": "retiring", "b": "current"},
        "cost_allocation_tags": "on",
    },
    {
        "allowed_ssh_cidrs": [f"198.51.{one}.0/24" for one in range(70)],
        "flow_logs": False,
        "manager_identity": "pod-identity",
        "service_account": "default/sandbox",
        "cost_allocation_tags": "auto",
    },
    {
        "allowed_ssh_cidrs": [f"198.51.{one}.0/24" for one in range(71)],
        "manager_identity": "irsa",
        "service_account": "default/sandbox",
        "oidc_provider_arn": f"arn:aws:iam::{ACCOUNT}:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/ABCDEF0123456789ABCDEF0123456789",
    },
)


def main(folder):
    pass

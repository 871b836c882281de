"""The exact names of the resources that the program creates.

They are fixed, because others depend on them: docs/architecture.md, "Names are fixed".
"""

from typing import Final

PROJECT: Final = "alignment-league"
PURPOSE: Final = "researcher-sandbox"

VPC: Final = "sandbox-vpc"
SUBNET: Final = "sandbox-public"
SECURITY_GROUP: Final = "sandbox-instances"
SSH_RULE: Final = "sandbox-ssh-inbound"
EGRESS_RULE: Final = "sandbox-all-outbound"
NARROW_EGRESS_RULE: Final = "sandbox-outbound"
SSH_PREFIX_LIST: Final = "sandbox-ssh"
FLOW_LOG_GROUP: Final = "/sandbox/flow-logs"
FLOW_LOGS: Final = "sandbox-flow-logs"
FLOW_LOGS_BOUNDARY: Final = "sandbox-flow-logs-boundary"

MANAGER: Final = "sandbox-manager"
MANAGER_PATH: Final = "/service/"
MANAGER_POLICY: Final = "sandbox-manager-policy"
MANAGER_BOUNDARY: Final = "sandbox-manager-boundary"

INSTANCE_ROLE: Final = "sandbox-instance-role"
INSTANCE_POLICY: Final = "sandbox-instance-policy"
INSTANCE_BOUNDARY: Final = "sandbox-instance-boundary"
INSTANCE_PROFILE: Final = "sandbox-instance-profile"
INSTANCE_LOGS: Final = "sandbox-instances-logs"

IMAGE_PURPOSE: Final = "researcher-sandbox-ami"
"""The Purpose tag of a finished machine image; the manager may launch only such images."""
BUILD_PURPOSE: Final = "ami-build"
"""The Purpose tag of the temporary resources of an image build."""
IMAGE_TAG: Final = "sandbox_ami_id"
"""The tag of the manager that names the image in the setting `sandbox_ami_id` to its boundary."""
PROJECT_TAG: Final = "Project"
"""The tag of every resource of the program; the budget counts by it."""
USER_TAG: Final = "user_id"
"""The tag that names the researcher of an instance; Cost Explorer groups by it."""

BUDGET: Final = "sandbox-budget"
BUDGET_BOUNDARY: Final = "sandbox-budget-boundary"
SPENDING_STOP: Final = "sandbox-spending-stop"


def instance_log_group(prefix: str) -> str:
    """The log group of the instances, below *prefix*."""
    return f"{prefix}instances"

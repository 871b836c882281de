"""The exact names of what the program makes.

They are fixed: an account that the replaced Terraform module made is adopted by them, the service
looks them up, and the profile's ARN is what marks an instance as a sandbox.
"""

from typing import Final

PROJECT: Final = "alignment-league"
PURPOSE: Final = "researcher-sandbox"

VPC: Final = "sandbox-vpc"
SUBNET: Final = "sandbox-public"
SECURITY_GROUP: Final = "sandbox-instances"
SSH_RULE: Final = "sandbox-ssh-inbound"
EGRESS_RULE: Final = "sandbox-all-outbound"
SSH_PREFIX_LIST: Final = "sandbox-ssh"
FLOW_LOG_GROUP: Final = "/sandbox/flow-logs"
FLOW_LOGS: Final = "sandbox-flow-logs"

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
"""The Purpose tag of a finished machine image; the manager may launch only those."""
BUILD_PURPOSE: Final = "ami-build"
"""The Purpose tag of what an image build makes and removes again."""
USER_TAG: Final = "user_id"
"""The tag that says whose instance it is; Cost Explorer groups by it."""

BUDGET: Final = "sandbox-budget"
SPENDING_STOP: Final = "sandbox-spending-stop"


def instance_log_group(prefix: str) -> str:
    """The log group that is made for the instances below their *prefix*."""
    return f"{prefix}instances"

"""What the emulated account is like where AWS's accounts differ: quotas, images, costs.

The patches of moto hold what AWS does in every account, and take these values from here.
"""

from typing import Final

RULES_PER_GROUP: Final = 1000.0
"""The quota of rules per security group, raised to what AWS grants for one group per interface.

With the default of 60 no longer list of SSH ranges could be tried."""
VCPUS: Final = {"L-DB2E81BA": 192.0, "L-417A185B": 0.0, "L-1216C47A": 640.0}
"""The quotas of on-demand instances, by their codes; that of G instances was raised."""
PUBLIC_IMAGES: Final = {
    "/aws/service/canonical/ubuntu/server/22.04/stable/current/amd64/hvm/ebs-gp2/ami-id": (
        "ami-0ubuntu22040000001",
        "099720109477",
        "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-20261101",
    ),
    "/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-ubuntu-22.04/latest/ami-id": (
        "ami-0dlami22040000001",
        "898082745236",
        "Deep Learning Base OSS Nvidia Driver GPU AMI (Ubuntu 22.04) 20261101",
    ),
}
"""The id, owner and name of the image that each public parameter names."""
LINKED: Final = "210987654321"
"""An account that somebody else pays for."""
NEW: Final = "109876543210"
"""An account that never opened Cost Explorer."""
COST_OF_AN_INSTANCE: Final = 10
"""US dollars, however long it runs."""

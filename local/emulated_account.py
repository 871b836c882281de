"""What is special about the emulated account: its quotas, images and costs.

The patches of moto, which hold what AWS does in every account, take these values from here.
"""

from typing import Final

RULES_PER_GROUP: Final = 1000.0
"""The quota of rules per security group, raised to what AWS grants for one group per interface.

The default of 60 would allow no test with more SSH ranges."""
VCPUS: Final = {"L-DB2E81BA": 192.0, "L-417A185B": 0.0, "L-1216C47A": 640.0}
"""The quotas of on-demand vCPUs by their codes; the one for G instances was raised."""
AMAZON: Final = "137112412989"
"""The account whose images are found as those of "amazon"."""
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
    "/aws/service/ami-amazon-linux-latest/al2023-ami-minimal-kernel-default-x86_64": (
        "ami-0al2023minimal0001",
        AMAZON,
        "al2023-ami-minimal-2023.9.20261101.0-kernel-6.1-x86_64",
    ),
    "/aws/service/ami-amazon-linux-latest/amzn2-ami-minimal-hvm-x86_64-ebs": (
        "ami-0amzn2minimal00001",
        AMAZON,
        "amzn2-ami-minimal-hvm-2.0.20261101.0-x86_64-ebs",
    ),
}
"""The id, owner and name of the image that each public parameter names."""
LINKED: Final = "210987654321"
"""An account whose bill another account pays."""
NEW: Final = "109876543210"
"""An account that never opened Cost Explorer."""
COST_OF_AN_INSTANCE: Final = 10
"""US dollars, whatever its running time."""

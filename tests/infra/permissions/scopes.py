"""Made-up stacks for the tests of permissions."""

from dataclasses import replace

from infra.permissions.context import PolicyContext

ACCOUNT = "123456789012"

SCOPE = PolicyContext(
    partition="aws",
    region="us-east-1",
    account_id=ACCOUNT,
    environment="production",
    vpc_id="vpc-0a1b2c3d4e5f60718",
    ami_id="ami-0c0ffee0000000001",
    instance_types=("g5.*", "g6.*", "g5.12xlarge"),
    s3_read_buckets=("softmax-*",),
    s3_output_bucket="softmax-sandbox-outputs",
    instances_read_outputs=False,
    log_prefix="/aws/ec2/sandbox/",
)
READS_OUTPUTS = replace(SCOPE, instances_read_outputs=True, ami_id="")

"""Made-up values for the table's placeholders, matching a scope."""

from infra import names
from infra.permissions.context import PolicyContext
from sandbox.permissions.table import World

ACCOUNT = "123456789012"
STRANGER = "999999999999"
VPC_ID = "vpc-0a1b2c3d4e5f60718"
OIDC_ISSUER = "oidc.eks.us-east-1.amazonaws.com/id/0123456789ABCDEF"
OTHER_ISSUER = OIDC_ISSUER.replace("0123", "3210")
SERVICE_ACCOUNT = "default/sandbox-manager"


def provider(partition: str, issuer: str = OIDC_ISSUER) -> str:
    return f"arn:{partition}:iam::{ACCOUNT}:oidc-provider/{issuer}"


def world(scope: PolicyContext) -> World:
    own = f"arn:{scope.partition}:iam::{scope.account_id}"
    return {
        "partition": scope.partition,
        "region": scope.region,
        "other_region": "eu-west-1",
        "account": scope.account_id,
        "stranger": STRANGER,
        "environment": scope.environment,
        "vpc": scope.vpc_arn,
        "vpc_id": scope.vpc_id,
        "other_vpc": scope.ec2("vpc/vpc-0ffffffffffffffff"),
        "subnet": scope.ec2("subnet/subnet-0aaaaaaaaaaaaaaaa"),
        "profile": scope.instance_profile_arn,
        "instance_type": "g5.12xlarge",
        "output_bucket": scope.s3_output_bucket,
        "log_prefix": scope.log_prefix,
        "oidc_issuer": OIDC_ISSUER,
        "oidc_provider": provider(scope.partition),
        "other_oidc_issuer": OTHER_ISSUER,
        "other_oidc_provider": provider(scope.partition, OTHER_ISSUER),
        "principal:manager": f"{own}:user/service/sandbox-manager",
        "principal:instance": f"{own}:role/sandbox-instance-role",
        "stop": f"{own}:policy/{names.SPENDING_STOP}",
        "principal:manager out of budget": f"{own}:user/service/sandbox-manager",
        "principal:budget": f"{own}:role/{names.SPENDING_STOP}",
        "principal:flow logs": f"{own}:role/sandbox-flow-logs",
    }

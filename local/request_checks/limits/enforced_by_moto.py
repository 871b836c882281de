"""Limits that moto 5.2.5 itself enforces with AWS's code; the tests break each of them too."""

from typing import Final

from local.request_checks.limits.limit import Limit, add

EC2: Final = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_"
VPC: Final = "https://docs.aws.amazon.com/vpc/latest/userguide/"
IAM: Final = "https://docs.aws.amazon.com/IAM/latest/APIReference/API_"
QUOTAS: Final = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"
BUDGETS: Final = "https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_"
LOGS: Final = "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_"

for operation, sentence, code, status, source in (
    (
        "ec2:CreateVpc",
        "A VPC's IPv4 block is from /16 to /28.",
        "InvalidVpc.Range",
        400,
        f"{VPC}vpc-cidr-blocks.html",
    ),
    (
        "ec2:CreateSubnet",
        "A subnet lies in a block of its VPC.",
        "InvalidSubnet.Range",
        400,
        f"{VPC}subnet-sizing.html",
    ),
    (
        "ec2:CreateSubnet",
        "Subnets of a VPC do not overlap.",
        "InvalidSubnet.Conflict",
        400,
        f"{VPC}subnet-sizing.html",
    ),
    (
        "ec2:CreateSecurityGroup",
        "A VPC has one group of a name.",
        "InvalidGroup.Duplicate",
        400,
        f"{EC2}CreateSecurityGroup.html",
    ),
    (
        "ec2:AuthorizeSecurityGroupIngress",
        "A group has a rule once.",
        "InvalidPermission.Duplicate",
        400,
        f"{EC2}AuthorizeSecurityGroupIngress.html",
    ),
    (
        "ec2:CreateRoute",
        "A route table has one route to a block.",
        "RouteAlreadyExists",
        400,
        f"{EC2}CreateRoute.html",
    ),
    (
        "ec2:DeleteRouteTable",
        "A route table that a subnet uses cannot be deleted.",
        "DependencyViolation",
        400,
        f"{EC2}DeleteRouteTable.html",
    ),
    (
        "ec2:DeleteInternetGateway",
        "An internet gateway that is attached cannot be deleted.",
        "DependencyViolation",
        400,
        f"{EC2}DeleteInternetGateway.html",
    ),
    (
        "ec2:CreateTags",
        "A resource has at most 50 tags.",
        "TagLimitExceeded",
        400,
        "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html",
    ),
    (
        "ec2:CreateFlowLogs",
        "A resource has one flow log to a destination.",
        "FlowLogAlreadyExists",
        400,
        f"{EC2}CreateFlowLogs.html",
    ),
    (
        "ec2:ImportKeyPair",
        "An account has one key pair of a name in a region.",
        "InvalidKeyPair.Duplicate",
        400,
        f"{EC2}ImportKeyPair.html",
    ),
    (
        "iam:CreatePolicyVersion",
        "A managed policy has at most 5 versions.",
        "LimitExceeded",
        409,
        QUOTAS,
    ),
    (
        "iam:DeletePolicyVersion",
        "A policy's default version cannot be deleted.",
        "DeleteConflict",
        409,
        f"{IAM}DeletePolicyVersion.html",
    ),
    ("iam:CreateAccessKey", "A user has at most 2 access keys.", "LimitExceeded", 409, QUOTAS),
    (
        "iam:AddRoleToInstanceProfile",
        "An instance profile has one role.",
        "LimitExceeded",
        409,
        QUOTAS,
    ),
    (
        "iam:DeleteRole",
        "A role with a policy or an instance profile cannot be deleted.",
        "DeleteConflict",
        409,
        f"{IAM}DeleteRole.html",
    ),
    (
        "iam:DeleteInstanceProfile",
        "An instance profile with a role cannot be deleted.",
        "DeleteConflict",
        409,
        f"{IAM}DeleteInstanceProfile.html",
    ),
    (
        "logs:CreateLogGroup",
        "An account has one log group of a name in a region.",
        "ResourceAlreadyExistsException",
        400,
        f"{LOGS}CreateLogGroup.html",
    ),
    (
        "budgets:CreateBudget",
        "An account has one budget of a name.",
        "DuplicateRecordException",
        400,
        f"{BUDGETS}CreateBudget.html",
    ),
):
    add(Limit((operation,), sentence, code, status, source, None))

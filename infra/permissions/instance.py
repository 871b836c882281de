"""The sandboxes themselves: what a researcher's code may do with its instance's role."""

from collections.abc import Iterable, Iterator
from typing import Final

from infra.permissions.context import PolicyContext
from infra.permissions.statements import Statement, allow, deny, statement

LIST_BUCKET: Final = ("s3:ListBucket", "s3:GetBucketLocation")
WRITE_RESULTS: Final = ("s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts")
PULL: Final = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
)
WRITE_LOGS: Final = (
    "logs:CreateLogStream",
    "logs:DescribeLogStreams",
    "logs:PutLogEvents",
)
OBJECT_KEYS: Final = ("kms:Decrypt", "kms:GenerateDataKey")
"""What S3 asks of an encrypted object's key in the caller's name; a key's own policy grants it."""
CEILING: Final = (
    *LIST_BUCKET,
    "s3:GetObject",
    *WRITE_RESULTS,
    "ecr:GetAuthorizationToken",
    *PULL,
    *WRITE_LOGS,
    *OBJECT_KEYS,
)


def policy(scope: PolicyContext) -> tuple[Statement, ...]:
    """What a sandbox may do."""
    return tuple(_policy(scope))


def boundary(_: PolicyContext) -> tuple[Statement, ...]:
    """What a sandbox can never do, whatever is attached to its role later; equal for all stacks."""
    return (
        at_most_the_sandboxs_work(),
        nothing_else_ever(),
        no_credentials_from_metadata_v1(),
        no_key_except_through_s3(),
    )


def _policy(scope: PolicyContext) -> Iterator[Statement]:
    yield list_the_projects_buckets(scope)
    yield read_the_projects_buckets(scope)
    yield write_results(scope)
    if not scope.instances_read_outputs:
        yield keep_results_from_other_sandboxes(scope)
    yield log_in_to_the_registry()
    yield pull_images(scope)
    yield write_logs(scope)


@statement
def list_the_projects_buckets(scope: PolicyContext) -> Statement:
    """List the buckets of this account that the settings name (`softmax-*`)."""
    # Bucket names are global: without the account, a stranger's softmax-anything would do.
    return allow(*LIST_BUCKET, on=map(scope.bucket, _readable(scope)), when=_own(scope))


@statement
def read_the_projects_buckets(scope: PolicyContext) -> Statement:
    """Read the objects of those buckets."""
    return allow("s3:GetObject", on=map(scope.objects, _readable(scope)), when=_own(scope))


@statement
def write_results(scope: PolicyContext) -> Statement:
    """Write results into `softmax-sandbox-outputs`, also in several parts, but delete none."""
    return allow(*WRITE_RESULTS, on=scope.objects(scope.s3_output_bucket), when=_own(scope))


@statement
def keep_results_from_other_sandboxes(scope: PolicyContext) -> Statement:
    """Never list or read the results bucket, unless `instances_read_outputs` is set.

    It holds the results of every researcher.
    """
    bucket = scope.s3_output_bucket
    return deny("s3:GetObject*", "s3:ListBucket*", on=[scope.bucket(bucket), scope.objects(bucket)])


@statement
def log_in_to_the_registry() -> Statement:
    """Log in to the account's container registry."""
    return allow("ecr:GetAuthorizationToken", on="*")


@statement
def pull_images(scope: PolicyContext) -> Statement:
    """Pull container images from this account's repositories."""
    return allow(*PULL, on=scope.repositories_arn)


@statement
def write_logs(scope: PolicyContext) -> Statement:
    """Write CloudWatch logs in log groups under a prefix of their own (`/aws/ec2/sandbox/`)."""
    return allow(*WRITE_LOGS, on=scope.log_groups_arn)


@statement
def at_most_the_sandboxs_work() -> Statement:
    """Use the keys of encrypted objects through S3, where a key's own policy allows it.

    This is all that the boundary leaves room for beside the policy itself.
    """
    return allow(*CEILING, on="*")


@statement
def nothing_else_ever() -> Statement:
    """Never launch instances, change IAM, take another role, use RDS, EKS or another service."""
    return Statement(effect="Deny", all_actions_but=CEILING, resources=("*",))


@statement
def no_credentials_from_metadata_v1() -> Statement:
    """Never act with credentials that the metadata service gave without a token."""
    return deny("*", on="*", when={"NumericLessThan": {"ec2:RoleDelivery": "2.0"}})


@statement
def no_key_except_through_s3() -> Statement:
    """Never use an encryption key other than through S3, for an object."""
    return deny("kms:*", on="*", when={"StringNotLike": {"kms:ViaService": "s3.*.amazonaws.com"}})


def _readable(scope: PolicyContext) -> Iterable[str]:
    """The patterns to read; the results bucket, which need not match one, only if asked for."""
    results = [scope.s3_output_bucket] if scope.instances_read_outputs else []
    return dict.fromkeys([*scope.s3_read_buckets, *results])


def _own(scope: PolicyContext) -> dict[str, dict[str, str]]:
    return {"StringEquals": {"s3:ResourceAccount": scope.account_id}}

"""The role of the sandboxes: what a researcher's code may do on an instance."""

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
"""Actions of S3 on the key of an encrypted object, in the caller's name; the key's policy grants
them."""
CEILING: Final = (
    *LIST_BUCKET,
    "s3:GetObject",
    *WRITE_RESULTS,
    "ecr:GetAuthorizationToken",
    *PULL,
    *WRITE_LOGS,
    *OBJECT_KEYS,
)


def policy(context: PolicyContext) -> tuple[Statement, ...]:
    """What a sandbox may do."""
    return tuple(_policy(context))


def boundary(_: PolicyContext) -> tuple[Statement, ...]:
    """What a sandbox can never do, whatever policies its role gets later; equal for all stacks."""
    return (
        at_most_the_sandboxs_work(),
        nothing_else_ever(),
        no_credentials_from_metadata_v1(),
        no_key_except_through_s3(),
    )


def _policy(context: PolicyContext) -> Iterator[Statement]:
    yield list_the_projects_buckets(context)
    yield read_the_projects_buckets(context)
    yield write_results(context)
    if not context.instances_read_outputs:
        yield keep_results_from_other_sandboxes(context)
    yield log_in_to_the_registry()
    yield pull_images(context)
    yield write_logs(context)


@statement
def list_the_projects_buckets(context: PolicyContext) -> Statement:
    """List the buckets of this account in `s3_read_buckets` (`softmax-*`)."""
    # Bucket names are global: without the account, softmax-* would match other accounts' buckets.
    return allow(
        *LIST_BUCKET, on=map(context.bucket, _readable(context)), when=_in_this_account(context)
    )


@statement
def read_the_projects_buckets(context: PolicyContext) -> Statement:
    """Read the objects in these buckets."""
    return allow(
        "s3:GetObject", on=map(context.objects, _readable(context)), when=_in_this_account(context)
    )


@statement
def write_results(context: PolicyContext) -> Statement:
    """Write results into the bucket `softmax-sandbox-outputs`, also as multipart uploads."""
    return allow(
        *WRITE_RESULTS, on=context.objects(context.s3_output_bucket), when=_in_this_account(context)
    )


@statement
def keep_results_from_other_sandboxes(context: PolicyContext) -> Statement:
    """Deny listing and reading the results bucket, which holds the results of every researcher.

    The setting `instances_read_outputs` removes this denial.
    """
    bucket = context.s3_output_bucket
    return deny(
        "s3:GetObject*", "s3:ListBucket*", on=[context.bucket(bucket), context.objects(bucket)]
    )


@statement
def log_in_to_the_registry() -> Statement:
    """Log in to the account's container registry."""
    return allow("ecr:GetAuthorizationToken", on="*")


@statement
def pull_images(context: PolicyContext) -> Statement:
    """Pull container images from this account's repositories."""
    return allow(*PULL, on=context.repositories_arn)


@statement
def write_logs(context: PolicyContext) -> Statement:
    """Write to the CloudWatch log groups below `log_prefix` (`/aws/ec2/sandbox/`)."""
    return allow(*WRITE_LOGS, on=context.log_groups_arn)


@statement
def at_most_the_sandboxs_work() -> Statement:
    """Use the KMS keys of encrypted objects through S3, where the policy of the key allows it.

    This is the only permission that the boundary adds to the policy.
    """
    return allow(*CEILING, on="*")


@statement
def nothing_else_ever() -> Statement:
    """Deny all other actions and services.

    Among them are launches, changes of IAM, assuming a role, RDS and EKS.
    """
    return Statement(effect="Deny", all_actions_but=CEILING, resources=("*",))


@statement
def no_credentials_from_metadata_v1() -> Statement:
    """Deny all actions with credentials that the metadata service gave without a token (IMDSv1)."""
    return deny("*", on="*", when={"NumericLessThan": {"ec2:RoleDelivery": "2.0"}})


@statement
def no_key_except_through_s3() -> Statement:
    """Deny every use of KMS keys except through S3, for an object."""
    return deny("kms:*", on="*", when={"StringNotLike": {"kms:ViaService": "s3.*.amazonaws.com"}})


def _readable(context: PolicyContext) -> Iterable[str]:
    """The patterns of buckets to read. The results bucket need not match one of them."""
    results = [context.s3_output_bucket] if context.instances_read_outputs else []
    return dict.fromkeys([*context.s3_read_buckets, *results])


def _in_this_account(context: PolicyContext) -> dict[str, dict[str, str]]:
    return {"StringEquals": {"s3:ResourceAccount": context.account_id}}

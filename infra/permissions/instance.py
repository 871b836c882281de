"""The role of the sandboxes: what a researcher's code may do on an instance."""

from collections.abc import Iterable, Iterator
from typing import Final

from infra.permissions.context import PolicyContext
from infra.permissions.statements import Statement, allow, deny, fits, statement

LIST_BUCKET: Final = ("s3:ListBucket", "s3:GetBucketLocation")
WRITE_RESULTS: Final = ("s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts")
PULL: Final = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
)
KEEP_STREAMS: Final = ("logs:CreateLogStream", "logs:DescribeLogStreams")
WRITE_LINES: Final = "logs:PutLogEvents"
WRITE_LOGS: Final = (*KEEP_STREAMS, WRITE_LINES)
OWN_PREFIX: Final = "${aws:userid}"
"""The id of the role's session on one instance: `AROA…:i-…` (IAM User Guide, policy variables)."""
OWN_STREAMS: Final = "${aws:Ec2InstanceSourcePrivateIPv4}/*"
"""The streams of one instance, named by the address to which EC2 gave the credentials (IAM User
Guide, AWS global condition context keys). The id in aws:userid comes behind a colon, which the name
of a stream cannot have."""
OBJECT_KEYS: Final = ("kms:Decrypt", "kms:GenerateDataKey")
"""Actions of S3 on the key of an encrypted object, in the caller's name; the key's policy grants
them."""
STATE: Final = ("*.tfstate*", "*/.pulumi/*")
"""Objects with the state of Terraform and Pulumi, in any bucket; state holds secrets."""
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
    allowed = (*_reads(context), *_work(context), *_denied_by_settings(context))
    return context.held(allowed, boundary(context))


def boundary(context: PolicyContext) -> tuple[Statement, ...]:
    """What a sandbox can never do, whatever policies its role gets later.

    It allows what the policy allows and no more, so an attached policy adds nothing. Only a list of
    buckets that is too long for one document is left to the policy, which may have several.
    """
    exact = (*_reads(context), *_bounds(context))
    return exact if fits(exact) else (read_the_accounts_buckets(context), *_bounds(context))


def _reads(context: PolicyContext) -> tuple[Statement, ...]:
    return (list_the_projects_buckets(context), read_the_projects_buckets(context))


def _work(context: PolicyContext) -> Iterator[Statement]:
    yield write_results(context)
    if context.results_per_instance:
        yield list_its_own_results(context)
        yield read_its_own_results(context)
    yield log_in_to_the_registry()
    yield pull_images(context)
    yield write_logs(context)
    if context.logs_per_instance:
        yield write_lines_to_its_own_streams(context)


def _denied_by_settings(context: PolicyContext) -> Iterator[Statement]:
    if not _may_read_results(context):
        yield keep_results_from_other_sandboxes(context)
    if context.instances_only_from_vpc:
        yield no_s3_from_elsewhere(context)


def _bounds(context: PolicyContext) -> tuple[Statement, ...]:
    return (
        *_work(context),
        at_most_the_sandboxs_work(),
        nothing_else_ever(),
        *_denied_by_settings(context),
        no_state_of_infrastructure(context),
        no_results_under_a_customers_key(),
        no_results_under_a_strangers_key(context),
        no_credentials_from_metadata_v1(),
        no_key_except_through_s3(),
    )


def _may_read_results(context: PolicyContext) -> bool:
    return context.instances_read_outputs or context.results_per_instance


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
def read_the_accounts_buckets(context: PolicyContext) -> Statement:
    """Read every bucket of this account, where `s3_read_buckets` is too long for the boundary.

    Then only the policy names the buckets.
    """
    every_bucket = f"arn:{context.partition}:s3:::*"
    return allow(*LIST_BUCKET, "s3:GetObject", on=every_bucket, when=_in_this_account(context))


@statement
def write_results(context: PolicyContext) -> Statement:
    """Write results into the bucket `softmax-sandbox-outputs`, also as multipart uploads.

    With `results_per_instance` only below the prefix of the sandbox.
    """
    return allow(*WRITE_RESULTS, on=_own_results(context), when=_in_this_account(context))


@statement
def list_its_own_results(context: PolicyContext) -> Statement:
    """List its own results if `results_per_instance` is set."""
    return allow(
        "s3:ListBucket",
        on=context.bucket(context.s3_output_bucket),
        when={**_in_this_account(context), "StringLike": {"s3:prefix": f"{OWN_PREFIX}/*"}},
    )


@statement
def read_its_own_results(context: PolicyContext) -> Statement:
    """Read its own results if `results_per_instance` is set."""
    return allow("s3:GetObject", on=_own_results(context), when=_in_this_account(context))


@statement
def keep_results_from_other_sandboxes(context: PolicyContext) -> Statement:
    """Deny listing and reading the results bucket, which holds the results of every researcher.

    The settings `instances_read_outputs` and `results_per_instance` remove this denial.
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
    """Pull container images from this account's repositories in `ecr_repositories` (`*`)."""
    return allow(*PULL, on=map(context.repository, context.ecr_repositories))


@statement
def write_logs(context: PolicyContext) -> Statement:
    """Write to the CloudWatch log groups below `log_prefix` (`/aws/ec2/sandbox/`).

    With `logs_per_instance` the lines only to its own streams.
    """
    actions = KEEP_STREAMS if context.logs_per_instance else WRITE_LOGS
    return allow(*actions, on=context.log_groups_arn)


@statement
def write_lines_to_its_own_streams(context: PolicyContext) -> Statement:
    """Write lines to the streams of its own address if `logs_per_instance` is set.

    Their names begin with its private IPv4 address and a slash, as in
    `10.100.0.15/i-0123456789abcdef0`.
    """
    return allow(
        WRITE_LINES,
        on=f"{context.log_groups_arn}:log-stream:{OWN_STREAMS}",
        when={"StringEquals": {"aws:Ec2InstanceSourceVpc": context.vpc_id}},
    )


@statement
def at_most_the_sandboxs_work() -> Statement:
    """Use the KMS keys of encrypted objects through S3, where the policy of the key allows it.

    This is the only permission that the boundary adds to the policy.
    """
    return allow(*OBJECT_KEYS, on="*")


@statement
def nothing_else_ever() -> Statement:
    """Deny all other actions and services.

    Among them are launches, changes of IAM, assuming a role, RDS and EKS.
    """
    return Statement(effect="Deny", all_actions_but=CEILING, resources=("*",))


@statement
def no_state_of_infrastructure(context: PolicyContext) -> Statement:
    """Deny reading the state of Terraform and Pulumi in every bucket, because it holds secrets."""
    return deny("s3:GetObject*", on=[f"arn:{context.partition}:s3:::{path}" for path in STATE])


@statement
def no_s3_from_elsewhere(context: PolicyContext) -> Statement:
    """Deny calls of S3 from outside the sandbox VPC if `instances_only_from_vpc` is set.

    So credentials that leave the sandbox are of no use there. The VPC's endpoint reaches buckets of
    its own region only.
    """
    return deny("s3:*", on="*", when={"StringNotEquals": {"aws:SourceVpc": context.vpc_id}})


@statement
def no_results_under_a_customers_key() -> Statement:
    """Deny writing objects with a key that only the writer has (SSE-C), so that others can read."""
    return deny(
        "s3:PutObject",
        on="*",
        when={"Null": {"s3:x-amz-server-side-encryption-customer-algorithm": "false"}},
    )


@statement
def no_results_under_a_strangers_key(context: PolicyContext) -> Statement:
    """Deny writing objects with a KMS key of another account."""
    key = "s3:x-amz-server-side-encryption-aws-kms-key-id"
    keys_of_this_account = f"arn:{context.partition}:kms:*:{context.account_id}:*"
    return deny(
        "s3:PutObject",
        on="*",
        when={"Null": {key: "false"}, "ArnNotLike": {key: keys_of_this_account}},
    )


@statement
def no_credentials_from_metadata_v1() -> Statement:
    """Deny all actions with credentials that came by IMDSv1."""
    return deny("*", on="*", when={"NumericLessThan": {"ec2:RoleDelivery": "2.0"}})


@statement
def no_key_except_through_s3() -> Statement:
    """Deny using KMS keys directly, or through another service than S3."""
    return deny("kms:*", on="*", when={"StringNotLike": {"kms:ViaService": "s3.*.amazonaws.com"}})


def _readable(context: PolicyContext) -> Iterable[str]:
    """The patterns of buckets to read. The results bucket need not match one of them."""
    results = [context.s3_output_bucket] if context.instances_read_outputs else []
    return dict.fromkeys([*context.s3_read_buckets, *results])


def _own_results(context: PolicyContext) -> str:
    """The objects that a sandbox may write."""
    bucket = context.s3_output_bucket
    return context.objects(f"{bucket}/{OWN_PREFIX}" if context.results_per_instance else bucket)


def _in_this_account(context: PolicyContext) -> dict[str, dict[str, str]]:
    return {"StringEquals": {"s3:ResourceAccount": context.account_id}}

"""The permissions that a call of S3 needs.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
"""

from collections.abc import Iterator
from typing import Any, Final

from moto.s3.models import s3_backends

from local.authorization.callers import Caller, parsed
from local.authorization.calls import Call
from local.authorization.question import ANY, Question, question
from local.iam.evaluator import Document, Values

ACTIONS: Final = {
    "CompleteMultipartUpload": "PutObject",
    "CopyObject": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "DeleteBucketCors": "PutBucketCORS",
    "DeleteBucketEncryption": "PutEncryptionConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "DeleteBucketReplication": "PutReplicationConfiguration",
    "DeleteBucketTagging": "PutBucketTagging",
    "DeleteObjects": "DeleteObject",
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetBucketAccelerateConfiguration": "GetAccelerateConfiguration",
    "GetBucketCors": "GetBucketCORS",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "GetBucketReplication": "GetReplicationConfiguration",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "HeadBucket": "ListBucket",
    "HeadObject": "GetObject",
    "ListBuckets": "ListAllMyBuckets",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListObjectVersions": "ListBucketVersions",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListParts": "ListMultipartUploadParts",
    "PutBucketAccelerateConfiguration": "PutAccelerateConfiguration",
    "PutBucketCors": "PutBucketCORS",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "PutBucketReplication": "PutReplicationConfiguration",
    "PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "UploadPart": "PutObject",
    "UploadPartCopy": "PutObject",
}
"""Actions by operation, where the names differ."""
CONDITIONS: Final = {
    "ACL": "x-amz-acl",
    "Delimiter": "delimiter",
    "MaxKeys": "max-keys",
    "Prefix": "prefix",
    "SSECustomerAlgorithm": "x-amz-server-side-encryption-customer-algorithm",
    "SSEKMSKeyId": "x-amz-server-side-encryption-aws-kms-key-id",
    "ServerSideEncryption": "x-amz-server-side-encryption",
    "StorageClass": "x-amz-storage-class",
    "VersionId": "VersionId",
}
"""Parameters that are condition keys too."""


def questions(caller: Caller, call: Call) -> Iterator[Question]:
    parameters = call.parameters
    action = f"s3:{ACTIONS.get(call.operation, call.operation)}"
    if action in {"s3:GetObject", "s3:DeleteObject"} and parameters.get("VersionId"):
        action += "Version"
    bucket = parameters.get("Bucket")
    if not bucket:
        yield question(action, ANY)
        return
    keys = {
        f"s3:{key}": str(parameters[name])
        for name, key in CONDITIONS.items()
        if parameters.get(name) is not None
    }
    if "Delete" in parameters:
        for entry in parameters["Delete"]["Objects"]:
            yield _about(caller, call, action, f"{bucket}/{entry['Key']}", keys)
        return
    name = f"{bucket}/{parameters['Key']}" if parameters.get("Key") is not None else bucket
    yield _about(caller, call, action, name, keys)
    source = parameters.get("CopySource")
    if isinstance(source, str):
        yield _about(caller, call, "s3:GetObject", source.lstrip("/").partition("?")[0], {})


def _about(caller: Caller, call: Call, action: str, name: str, keys: dict[str, str]) -> Question:
    owner, policy = _bucket(name.partition("/")[0], call.partition)
    account: dict[str, Values] = {"s3:ResourceAccount": owner or caller.account}
    arn = f"arn:{call.partition}:s3:::{name}"
    return question(action, arn, {**account, **keys}, owner=owner or caller.account, policy=policy)


def _bucket(name: str, partition: str) -> tuple[str, Document | None]:
    """The owner of the bucket, "" if there is no bucket, and the policy of the bucket."""
    for account in list(s3_backends):
        backend: Any = s3_backends[account][partition]
        if name in backend.buckets:
            text = backend.buckets[name].policy
            return account, parsed(
                text.decode() if isinstance(text, bytes) else text
            ) if text else None
    return "", None

"""Limits of tags.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Tag.html
"""

from collections.abc import Iterator
from typing import Any, Final

from local.authorization.calls import Call
from local.authorization.question import tag_map
from local.request_checks.limits.iam import entity_of
from local.request_checks.limits.limit import iam_of, limit

EC2: Final = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Tag.html"
IAM: Final = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html"
RESERVED: Final = "aws:"
LONGEST_KEY: Final = 127
LONGEST_VALUE: Final = 256
MOST_TAGS: Final = 50


@limit("ec2:*", code="InvalidParameterValue", source=EC2)
def ec2_tags(call: Call) -> Iterator[str]:
    """A tag of EC2 has a key of at most 127 characters and a value of at most 256.

    The key does not start with aws:, and a request gives it once.
    """
    if call.operation == "DeleteTags":
        return
    for tags in _given(call):
        for tag in tags:
            if tag.get("Key", "").startswith(RESERVED):
                yield "Tag keys starting with 'aws:' are reserved for internal use"
            if len(tag.get("Key", "")) > LONGEST_KEY:
                yield "Tag key exceeds the maximum length of 127 characters"
            if len(tag.get("Value", "")) > LONGEST_VALUE:
                yield "Tag value exceeds the maximum length of 256 characters"
        keys = [tag.get("Key", "") for tag in tags]
        for key in keys:
            if keys.count(key) > 1:
                yield f"Duplicate tag key '{key}' specified."


@limit("iam:*", code="InvalidInput", source=IAM)
def iam_tags(call: Call) -> Iterator[str]:
    """A tag of IAM has a key without the prefix aws:, once in a request, whatever its case."""
    keys = [tag["Key"].lower() for tag in call.parameters.get("Tags") or []]
    if any(key.startswith(RESERVED) for key in keys):
        yield "Caller should not use reserved prefix aws: in tag keys."
    if len(set(keys)) < len(keys):
        yield "Duplicate tag keys found. Please note that Tag keys are case insensitive."


@limit("iam:TagRole", "iam:TagUser", code="LimitExceeded", status=409, source=IAM)
def iam_tag_count(call: Call) -> Iterator[str]:
    """A user and a role have at most 50 tags."""
    entity = entity_of(call)
    if entity is None:
        return
    of_user = call.operation == "TagUser"
    standing: Any = iam_of(call).list_user_tags(entity.name) if of_user else entity.tags
    pairs = list(standing.values()) if isinstance(standing, dict) else standing
    if len({**tag_map(pairs), **tag_map(call.parameters["Tags"])}) > MOST_TAGS:
        yield "The number of tags has reached the maximum limit."


def _given(call: Call) -> Iterator[list[dict[str, str]]]:
    yield call.parameters.get("Tags") or []
    for specification in call.parameters.get("TagSpecifications") or []:
        yield specification.get("Tags") or []

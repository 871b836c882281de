"""The permissions that a call of CloudWatch Logs needs.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html
"""

from collections.abc import Iterator
from typing import Final

from local.authorization import other_services
from local.authorization.callers import Caller
from local.authorization.calls import Call
from local.authorization.question import ANY, Question, question, request_tags, tag_map
from local.iam import reference

BARE: Final = ("ListTagsForResource", "TagResource", "UntagResource")
"""Operations that use the ARN of the log group itself; all others use an ARN that continues."""


def questions(caller: Caller, call: Call) -> Iterator[Question]:
    parameters = call.parameters
    action = f"logs:{call.operation}"
    known = reference.action(action)
    tags = tag_map(parameters.get("tags"))
    keys = request_tags(tags)
    identifier = parameters.get("logGroupIdentifier") or parameters.get("resourceArn") or ""
    name = parameters.get("logGroupName") or identifier.partition(":log-group:")[2].removesuffix(
        ":*"
    )
    if known is None or not name:
        yield from other_services.questions(caller, call)
        return
    if not known.resources:
        yield question(action, ANY, keys)
        return
    group = f"arn:{call.partition}:logs:{call.region}:{caller.account}:log-group:{name}"
    stream = f"{group}:log-stream:{parameters.get('logStreamName') or ''}"
    yield question(action, group if call.operation in BARE else stream, keys)
    if tags and call.operation == "CreateLogGroup":
        yield question("logs:TagResource", group, keys)

"""The permissions that a call needs by its name and parameters, for services without own rules.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from local.authorization.callers import Caller
from local.authorization.calls import Call
from local.authorization.question import (
    ANY,
    CannotJudgeError,
    Question,
    fill,
    question,
    request_tags,
    tag_map,
)
from local.iam import reference
from local.iam.evaluator import glob

PREFIXES: Final = {"monitoring": "cloudwatch", "tagging": "tag"}
"""The action prefix by the service's name in signatures, where the two differ."""
ACTIONS: Final = {
    "budgets:CreateBudget": "budgets:ModifyBudget",
    "budgets:CreateNotification": "budgets:ModifyBudget",
    "budgets:CreateSubscriber": "budgets:ModifyBudget",
    "budgets:DeleteBudget": "budgets:ModifyBudget",
    "budgets:DescribeBudget": "budgets:ViewBudget",
    "budgets:DescribeBudgets": "budgets:ViewBudget",
    "budgets:DescribeNotificationsForBudget": "budgets:ViewBudget",
    "budgets:DescribeSubscribersForNotification": "budgets:ViewBudget",
    "budgets:UpdateBudget": "budgets:ModifyBudget",
    "lambda:Invoke": "lambda:InvokeFunction",
}
"""Actions by operation, where the names differ."""
PARAMETERS: Final = {
    "KeyId": ("keyId",),
    "SecretId": ("secretId", "name"),
    "ParameterNameWithoutLeadingSlash": ("name",),
    "BudgetName": ("budgetName",),
    "FunctionName": ("functionName",),
    "GroupFriendlyName": ("autoScalingGroupName",),
    "QueueName": ("queueName",),
}
"""The parameters that fill a part of an ARN, by the name of the part, where the names differ."""


def action_of(call: Call) -> str:
    name = f"{PREFIXES.get(call.service, call.service)}:{call.operation}"
    return ACTIONS.get(name, name)


def questions(caller: Caller, call: Call) -> Iterator[Question]:
    """One question for each resource that the action requires or the request names."""
    action = action_of(call)
    known = reference.action(action)
    if known is None:
        raise CannotJudgeError(
            f"the permission that {call.service}:{call.operation} needs is not known"
        )
    tags = request_tags(tag_map(call.parameters.get("Tags") or call.parameters.get("tags")))
    resources = [
        arn
        for kind in known.resources
        if (arn := _named(kind.pattern, caller, call))
        and (kind.name in known.required or not arn.endswith(ANY))
    ]
    for resource in resources or [ANY]:
        yield question(action, resource, tags)


def _named(pattern: str, caller: Caller, call: Call) -> str:
    parameters = {name.lower(): value for name, value in call.parameters.items()}
    everywhere = {"Partition": call.partition, "Region": call.region, "Account": caller.account}
    anything = glob(fill(pattern, {}))
    for value in parameters.values():
        if isinstance(value, str) and value.startswith("arn:") and anything(value):
            return value
    return fill(pattern, {**everywhere, **dict(_parts(pattern, parameters))})


def _parts(pattern: str, parameters: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for part in reference.parts(pattern):
        for name in (part, *PARAMETERS.get(part, ())):
            value = parameters.get(name.lower())
            if isinstance(value, str) and not value.startswith("arn:"):
                yield part, value.lstrip("/") if "WithoutLeadingSlash" in part else value
                break

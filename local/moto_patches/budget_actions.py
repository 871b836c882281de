"""Actions and tags of budgets, and their change, for moto 5.2.5, which only makes and deletes them.

A new action waits in STANDBY until its threshold is reached. Nothing is ever spent here, so none
leaves it.
https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_CreateBudgetAction.html
"""

import json
from collections.abc import Callable
from typing import Any, Final
from uuid import uuid4

from moto.budgets.exceptions import NotFoundException
from moto.budgets.models import Budget, BudgetsBackend
from moto.budgets.responses import BudgetsResponse
from moto.iam.models import iam_backends

Json = dict[str, Any]
ACTION: Final = (
    *("NotificationType", "ActionType", "ActionThreshold", "Definition"),
    *("ExecutionRoleArn", "ApprovalModel", "Subscribers"),
)


def install() -> None:
    for operation in (
        *(_create_budget_action, _describe_budget_action, _update_budget_action),
        _describe_budget_actions_for_budget,
        *(_delete_budget_action, _update_budget),
        *(_list_tags_for_resource, _tag_resource, _untag_resource),
    ):
        setattr(BudgetsResponse, operation.__name__.removeprefix("_"), _answered(operation))
    _keep_tags()
    _answer_amounts_as_aws()


def _answered(operation: Callable[[Any, Json], Json]) -> Callable[[Any], str]:
    return lambda response: json.dumps(operation(response, json.loads(response.body)))


def _create_budget_action(response: Any, asked: Json) -> Json:
    response.backend.describe_budget(asked["AccountId"], asked["BudgetName"])  # refuses a stranger
    iam = iam_backends[response.current_account][response.partition]
    iam.get_role_by_arn(asked["ExecutionRoleArn"])
    identifier = str(uuid4())
    action = {
        "ActionId": identifier,
        "BudgetName": asked["BudgetName"],
        "Status": "STANDBY",
        **{key: asked[key] for key in ACTION},
    }
    _actions(response.backend)[(*_key(asked), identifier)] = action
    _tags(response.backend)[_arn(asked, identifier)] = asked.get("ResourceTags") or []
    return {**_place(asked), "ActionId": identifier}


def _describe_budget_action(response: Any, asked: Json) -> Json:
    return {**_place(asked), "Action": _found(response.backend, asked)}


def _describe_budget_actions_for_budget(response: Any, asked: Json) -> Json:
    actions = _actions(response.backend).items()
    return {"Actions": [action for key, action in actions if key[:2] == _key(asked)]}


def _update_budget_action(response: Any, asked: Json) -> Json:
    action = _found(response.backend, asked)
    old = dict(action)
    action.update({key: asked[key] for key in ACTION if asked.get(key) is not None})
    return {**_place(asked), "OldAction": old, "NewAction": action}


def _delete_budget_action(response: Any, asked: Json) -> Json:
    action = _found(response.backend, asked)
    del _actions(response.backend)[(*_key(asked), asked["ActionId"])]
    return {**_place(asked), "Action": action}


def _update_budget(response: Any, asked: Json) -> Json:
    new = asked["NewBudget"]
    response.backend.describe_budget(asked["AccountId"], new["BudgetName"])  # refuses a stranger
    response.backend.budgets[asked["AccountId"]][new["BudgetName"]].budget.update(new)
    return {}


def _list_tags_for_resource(response: Any, asked: Json) -> Json:
    return {"ResourceTags": _tags(response.backend).get(asked["ResourceARN"], [])}


def _tag_resource(response: Any, asked: Json) -> Json:
    new = {one["Key"] for one in asked["ResourceTags"]}
    return _retag(response, asked, new, asked["ResourceTags"])


def _untag_resource(response: Any, asked: Json) -> Json:
    return _retag(response, asked, set(asked["ResourceTagKeys"]), [])


def _retag(response: Any, asked: Json, gone: set[str], new: list[Json]) -> Json:
    tags = _tags(response.backend)
    kept = [one for one in tags.get(asked["ResourceARN"], []) if one["Key"] not in gone]
    tags[asked["ResourceARN"]] = [*kept, *new]
    return {}


def _keep_tags() -> None:
    original = BudgetsResponse.create_budget

    def create_budget(self: Any) -> str:
        answer = original(self)
        asked = json.loads(self.body)
        named = {"AccountId": asked["AccountId"], **asked["Budget"]}
        _tags(self.backend)[_arn(named)] = asked.get("ResourceTags") or []
        return answer

    BudgetsResponse.create_budget = create_budget


def _answer_amounts_as_aws() -> None:
    """AWS is told 100 and tells 100.0."""
    original = Budget.to_dict

    def to_dict(self: Budget) -> Json:
        answer = original(self)
        limit = answer["BudgetLimit"]
        return {**answer, "BudgetLimit": {**limit, "Amount": str(float(limit["Amount"]))}}

    Budget.to_dict = to_dict


def _actions(backend: BudgetsBackend) -> dict[tuple[str, ...], Json]:
    return vars(backend).setdefault("actions", {})


def _tags(backend: BudgetsBackend) -> dict[str, list[Json]]:
    return vars(backend).setdefault("tags", {})


def _found(backend: BudgetsBackend, asked: Json) -> Json:
    try:
        return _actions(backend)[(*_key(asked), asked["ActionId"])]
    except KeyError:
        raise NotFoundException(f"Unable to get action: {asked['ActionId']}") from None


def _key(asked: Json) -> tuple[str, ...]:
    return asked["AccountId"], asked["BudgetName"]


def _place(asked: Json) -> Json:
    return {"AccountId": asked["AccountId"], "BudgetName": asked["BudgetName"]}


def _arn(asked: Json, action: str = "") -> str:
    budget = f"arn:aws:budgets::{asked['AccountId']}:budget/{asked['BudgetName']}"
    return f"{budget}/action/{action}" if action else budget

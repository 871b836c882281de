"""Actions, tags and updates of budgets. moto 5.2.5 only creates and deletes budgets.

A new action is in STANDBY until its threshold is reached. Nothing is ever spent here, so it stays
there.
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
        setattr(BudgetsResponse, operation.__name__.removeprefix("_"), _as_handler(operation))
    _keep_tags()
    _answer_amounts_as_aws()


def _as_handler(operation: Callable[[Any, Json], Json]) -> Callable[[Any], str]:
    return lambda response: json.dumps(operation(response, json.loads(response.body)))


def _create_budget_action(response: Any, request: Json) -> Json:
    response.backend.describe_budget(
        request["AccountId"], request["BudgetName"]
    )  # raises NotFoundException
    iam = iam_backends[response.current_account][response.partition]
    iam.get_role_by_arn(request["ExecutionRoleArn"])
    identifier = str(uuid4())
    action = {
        "ActionId": identifier,
        "BudgetName": request["BudgetName"],
        "Status": "STANDBY",
        **{key: request[key] for key in ACTION},
    }
    _actions(response.backend)[(*_key(request), identifier)] = action
    _tags(response.backend)[_arn(request, identifier)] = request.get("ResourceTags") or []
    return {**_budget_of(request), "ActionId": identifier}


def _describe_budget_action(response: Any, request: Json) -> Json:
    return {**_budget_of(request), "Action": _action(response.backend, request)}


def _describe_budget_actions_for_budget(response: Any, request: Json) -> Json:
    actions = _actions(response.backend).items()
    return {"Actions": [action for key, action in actions if key[:2] == _key(request)]}


def _update_budget_action(response: Any, request: Json) -> Json:
    action = _action(response.backend, request)
    old = dict(action)
    action.update({key: request[key] for key in ACTION if request.get(key) is not None})
    return {**_budget_of(request), "OldAction": old, "NewAction": action}


def _delete_budget_action(response: Any, request: Json) -> Json:
    action = _action(response.backend, request)
    del _actions(response.backend)[(*_key(request), request["ActionId"])]
    return {**_budget_of(request), "Action": action}


def _update_budget(response: Any, request: Json) -> Json:
    new = request["NewBudget"]
    response.backend.describe_budget(
        request["AccountId"], new["BudgetName"]
    )  # raises NotFoundException
    response.backend.budgets[request["AccountId"]][new["BudgetName"]].budget.update(new)
    return {}


def _list_tags_for_resource(response: Any, request: Json) -> Json:
    return {"ResourceTags": _tags(response.backend).get(request["ResourceARN"], [])}


def _tag_resource(response: Any, request: Json) -> Json:
    new = {tag["Key"] for tag in request["ResourceTags"]}
    return _retag(response, request, new, request["ResourceTags"])


def _untag_resource(response: Any, request: Json) -> Json:
    return _retag(response, request, set(request["ResourceTagKeys"]), [])


def _retag(response: Any, request: Json, removed: set[str], added: list[Json]) -> Json:
    tags = _tags(response.backend)
    kept = [tag for tag in tags.get(request["ResourceARN"], []) if tag["Key"] not in removed]
    tags[request["ResourceARN"]] = [*kept, *added]
    return {}


def _keep_tags() -> None:
    original = BudgetsResponse.create_budget

    def create_budget(self: Any) -> str:
        answer = original(self)
        request = json.loads(self.body)
        budget = {"AccountId": request["AccountId"], **request["Budget"]}
        _tags(self.backend)[_arn(budget)] = request.get("ResourceTags") or []
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


def _action(backend: BudgetsBackend, request: Json) -> Json:
    try:
        return _actions(backend)[(*_key(request), request["ActionId"])]
    except KeyError:
        raise NotFoundException(f"Unable to get action: {request['ActionId']}") from None


def _key(request: Json) -> tuple[str, ...]:
    return request["AccountId"], request["BudgetName"]


def _budget_of(request: Json) -> Json:
    return {"AccountId": request["AccountId"], "BudgetName": request["BudgetName"]}


def _arn(request: Json, action: str = "") -> str:
    budget = f"arn:aws:budgets::{request['AccountId']}:budget/{request['BudgetName']}"
    return f"{budget}/action/{action}" if action else budget

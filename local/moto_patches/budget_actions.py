"""Actions, tags, updates and spend of budgets. moto 5.2.5 only creates and deletes budgets.

AWS updates the spend a few times a day; the emulated AWS updates it whenever the budget or its
action is read. Each instance that the budget's filter selects costs the same, if the filter's tag
is an active cost allocation tag. An action in STANDBY is executed when its threshold is reached. A
reversed action is ignored until it is reset. The deletion of a budget deletes its actions.
https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_Action.html
https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_ExecuteBudgetAction.html
https://docs.aws.amazon.com/cost-management/latest/userguide/budgets-action-review.html
"""

import json
import time
from collections.abc import Callable
from typing import Any, Final
from uuid import uuid4

from moto.budgets.exceptions import NotFoundException
from moto.budgets.models import Budget, BudgetsBackend
from moto.budgets.responses import BudgetsResponse
from moto.core.exceptions import JsonRESTError
from moto.iam.exceptions import IAMException
from moto.iam.models import iam_backends

from local.emulated_account import COST_OF_AN_INSTANCE
from local.moto_patches import budget_periods, cost_tags

Json = dict[str, Any]
ACTION: Final = (
    *("NotificationType", "ActionType", "ActionThreshold", "Definition"),
    *("ExecutionRoleArn", "ApprovalModel", "Subscribers"),
)
STANDBY, PENDING = "STANDBY", "PENDING"
EXECUTIONS: Final = {
    "APPROVE_BUDGET_ACTION": ({PENDING}, "EXECUTION_IN_PROGRESS"),
    "RETRY_BUDGET_ACTION": ({"EXECUTION_FAILURE"}, "EXECUTION_IN_PROGRESS"),
    "REVERSE_BUDGET_ACTION": ({"EXECUTION_SUCCESS", "REVERSE_FAILURE"}, "REVERSE_IN_PROGRESS"),
    "RESET_BUDGET_ACTION": ({"REVERSE_SUCCESS", "RESET_FAILURE"}, "RESET_IN_PROGRESS"),
}
"""The statuses in which AWS accepts each type of execution, and the status that follows at once."""


class ResourceLockedError(JsonRESTError):
    code = 400

    def __init__(self, status: str) -> None:
        super().__init__(
            "ResourceLockedException", f"The action cannot be executed in status {status}."
        )


def install() -> None:
    for operation in (
        *(_create_budget_action, _describe_budget_action, _update_budget_action),
        _execute_budget_action,
        _describe_budget_actions_for_budget,
        *(_delete_budget_action, _update_budget),
        *(_list_tags_for_resource, _tag_resource, _untag_resource),
    ):
        setattr(BudgetsResponse, operation.__name__.removeprefix("_"), _as_handler(operation))
    _keep_tags()
    _answer_amounts_as_aws()
    _answer_spend()
    _delete_actions_with_their_budget()


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
    action = _action(response.backend, request)
    return {**_budget_of(request), "Action": _read(response.backend, action)}


def _describe_budget_actions_for_budget(response: Any, request: Json) -> Json:
    actions = [
        action for key, action in _actions(response.backend).items() if key[:2] == _key(request)
    ]
    return {"Actions": [_read(response.backend, action) for action in actions]}


def _execute_budget_action(response: Any, request: Json) -> Json:
    action = _action(response.backend, request)
    statuses, action_status = EXECUTIONS[request["ExecutionType"]]
    if action["Status"] not in statuses:
        raise ResourceLockedError(action["Status"])
    action["Status"] = action_status
    return {
        **_budget_of(request),
        "ActionId": request["ActionId"],
        "ExecutionType": request["ExecutionType"],
    }


def _read(backend: BudgetsBackend, action: Json) -> Json:
    """*action* in its current status. A status in progress ends after this answer."""
    if action["Status"] == STANDBY and _is_spent(backend, action):
        automatic = action["ApprovalModel"] == "AUTOMATIC"
        action["Status"] = "EXECUTION_IN_PROGRESS" if automatic else PENDING
    answer = dict(action)
    match action["Status"]:
        case "EXECUTION_IN_PROGRESS":
            _apply(backend, action, "attach", "EXECUTION")
        case "REVERSE_IN_PROGRESS":
            _apply(backend, action, "detach", "REVERSE")
        case "RESET_IN_PROGRESS":
            action["Status"] = STANDBY
        case _:
            pass
    return answer


def _is_spent(backend: BudgetsBackend, action: Json) -> bool:
    budget = backend.budgets[backend.account_id][action["BudgetName"]].to_dict()
    threshold = action["ActionThreshold"]
    value = float(threshold["ActionThresholdValue"])
    if threshold["ActionThresholdType"] == "PERCENTAGE":
        value *= float(budget["BudgetLimit"]["Amount"]) / 100
    return _spend(backend, budget) >= value


def _spend(backend: BudgetsBackend, budget: Json) -> int:
    """The cost of the instances that the budget's filter selects; an inactive tag selects none."""
    statuses = cost_tags.statuses(backend.account_id, backend.partition)
    selected = 0
    for pair in budget.get("CostFilters", {}).get("TagKeyValue", []):
        key, _, value = pair.removeprefix("user:").partition("$")
        if statuses.get(key) == "Active":
            billed = cost_tags.billed(backend.account_id)
            selected += sum(tags.get(key) == value for tags in billed)
    return selected * COST_OF_AN_INSTANCE


def _apply(backend: BudgetsBackend, action: Json, verb: str, step: str) -> None:
    """Attach or detach the policy of *action*, and set its status to success or failure."""
    iam = iam_backends[backend.account_id][backend.partition]
    definition: dict[str, Any] = action["Definition"]["IamActionDefinition"]
    arn = definition["PolicyArn"]
    try:
        for kind in ("user", "role"):
            owners: list[str] = definition.get(f"{kind.title()}s") or []
            for owner in owners:
                getattr(iam, f"{verb}_{kind}_policy")(arn, owner)
    except IAMException:
        action["Status"] = f"{step}_FAILURE"
    else:
        action["Status"] = f"{step}_SUCCESS"


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
    budget = response.backend.budgets[request["AccountId"]][new["BudgetName"]].budget
    budget.update(budget_periods.completed(new))
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
    """AWS answers 100.0 where the request says 100; of planned limits, it answers today's too."""
    original = Budget.to_dict

    def to_dict(self: Budget) -> Json:
        answer = original(self)
        if planned := answer.get("PlannedBudgetLimits"):
            planned = {start: _amount(limit) for start, limit in planned.items()}
            begun = [start for start in planned if int(start) <= time.time()]
            current = planned[max(begun or planned, key=int)]
            return {**answer, "PlannedBudgetLimits": planned, "BudgetLimit": current}
        return {**answer, "BudgetLimit": _amount(answer["BudgetLimit"])}

    Budget.to_dict = to_dict


def _amount(limit: Json) -> Json:
    return {**limit, "Amount": str(float(limit["Amount"]))}


def _answer_spend() -> None:
    original = BudgetsBackend.describe_budget

    def describe_budget(self: BudgetsBackend, account_id: str, budget_name: str) -> Json:
        answer = original(self, account_id, budget_name)
        amount = str(float(_spend(self, answer)))
        return {**answer, "CalculatedSpend": {"ActualSpend": {"Amount": amount, "Unit": "USD"}}}

    BudgetsBackend.describe_budget = describe_budget


def _delete_actions_with_their_budget() -> None:
    original = BudgetsBackend.delete_budget

    def delete_budget(self: BudgetsBackend, account_id: str, budget_name: str) -> None:
        original(self, account_id, budget_name)
        actions = _actions(self)
        for key in [key for key in actions if key[:2] == (account_id, budget_name)]:
            del actions[key]

    BudgetsBackend.delete_budget = delete_budget


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

"""IAM simulates a principal's policies. moto 5.2.5 has no such operation.

The evaluator that decides on calls gives the answer.
https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from moto.core.responses import ActionResult
from moto.iam.exceptions import NotFoundException, ValidationError
from moto.iam.responses import IamResponse

DECISIONS = {"allowed": "allowed", "denied": "implicitDeny", "forbidden": "explicitDeny"}


def install() -> None:
    IamResponse.simulate_principal_policy = _simulate  # pyright: ignore[reportAttributeAccessIssue] - moto has no such operation


def _simulate(self: Any) -> ActionResult:
    from local.authorization.judgement import judge  # noqa: PLC0415 - most processes simulate nothing
    from local.authorization.question import CannotJudgeError, Question  # noqa: PLC0415 - as above

    caller = _principal(self.backend, self._get_param("PolicySourceArn"))
    text = self._get_param("ResourcePolicy")
    context = _context(self._get_param("ContextEntries") or [])
    owner = self._get_param("ResourceOwner") or ""
    results: list[dict[str, Any]] = []
    for action in self._get_param("ActionNames"):
        for resource in self._get_param("ResourceArns") or ["*"]:
            question = Question(
                action=action,
                resource=resource,
                context=context,
                owner=owner.split(":")[4] if owner.startswith("arn:") else owner,
                policy=json.loads(text) if text else None,
            )
            try:
                judgement = judge(caller, question, {})
            except CannotJudgeError as error:
                raise ValidationError(str(error)) from error
            results.append(
                {
                    "EvalActionName": action,
                    "EvalResourceName": resource,
                    "EvalDecision": DECISIONS[judgement.decision],
                    "MatchedStatements": [
                        {"SourcePolicyId": statement.get("Sid", "")}
                        for statement in judgement.denials
                    ],
                    "MissingContextValues": [],
                }
            )
    return ActionResult({"EvaluationResults": results, "IsTruncated": False})


def _principal(iam: Any, arn: str) -> Any:
    from local.authorization import callers  # noqa: PLC0415 - most processes simulate nothing

    for build, entities in ((callers.user, iam.users), (callers.role, iam.roles)):
        for entity in entities.values():
            if entity.arn == arn:
                return build(iam, entity)
    raise NotFoundException("Unable to retrieve specified IAM entity.")


def _context(entries: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        entry["ContextKeyName"]: (
            entry["ContextKeyValues"]
            if entry["ContextKeyType"].endswith("List")
            else entry["ContextKeyValues"][0]
        )
        for entry in entries
    }

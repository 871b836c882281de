"""IAM simulates the policies of a principal, or those of a request. moto 5.2.5 does neither.

The evaluator that decides on calls gives the answer.
https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult
from moto.iam.exceptions import (
    InvalidInput,
    MalformedPolicyDocument,
    NotFoundException,
    ValidationError,
)
from moto.iam.policy_validation import IAMPolicyDocumentValidator
from moto.iam.responses import IamResponse

if TYPE_CHECKING:
    from local.authorization.callers import Caller
    from local.iam.evaluator import Document

DECISIONS = {"allowed": "allowed", "denied": "implicitDeny", "forbidden": "explicitDeny"}
NOT_EMULATED = ("OrderedOrganizationPolicyInputList", "ResourceHandlingOption")


def install() -> None:
    IamResponse.simulate_principal_policy = _of_principal
    IamResponse.simulate_custom_policy = _of_request


def _of_principal(self: Any) -> ActionResult:
    return _simulated(self, _principal(self.backend, self._get_param("PolicySourceArn")))


def _of_request(self: Any) -> ActionResult:
    from local.authorization.callers import Caller  # noqa: PLC0415 - most processes simulate nothing

    account = f"arn:{self.partition}:iam::{self.current_account}"
    arn = self._get_param("CallerArn") or f"{account}:user/simulated"
    boundaries = _documents(self._get_param("PermissionsBoundaryPolicyInputList") or [])
    caller = Caller(
        arn=arn,
        principal_arn=arn,
        unique_id="",
        account=arn.split(":")[4],
        identity=tuple(_documents(self._get_param("PolicyInputList"))),
        boundary=next(boundaries, None),
    )
    return _simulated(self, caller)


def _documents(texts: Iterable[str]) -> Iterator["Document"]:
    from local.authorization.callers import parsed  # noqa: PLC0415 - most processes simulate nothing

    for text in texts:
        try:
            IAMPolicyDocumentValidator(text).validate()
        except MalformedPolicyDocument as error:
            raise InvalidInput(error.message) from error
        document = parsed(text)
        if any("Principal" in statement for statement in document["Statement"]):
            raise InvalidInput("Policy document should not specify a principal.")
        yield document


def _simulated(self: Any, caller: "Caller") -> ActionResult:
    """The decision on each action and resource of the request."""
    from local.authorization.judgement import judge  # noqa: PLC0415 - most processes simulate nothing
    from local.authorization.question import CannotJudgeError, Question  # noqa: PLC0415 - as above

    for name in NOT_EMULATED:
        if self._get_param(name):
            raise ValidationError(f"the emulated AWS does not simulate with {name}")
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


def _principal(iam: Any, arn: str) -> "Caller":
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

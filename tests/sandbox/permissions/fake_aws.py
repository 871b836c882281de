"""IAM's simulator and EC2 as they answer `sandbox permissions check`, without an account."""

import json
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3

from local.iam.evaluator import Document, Layers, Request, decide
from local.iam.reference import any_resource
from tests.infra.permissions.row_verdicts import Identity
from tests.infra.permissions.stacks import ACCOUNT, placeholders_of

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_iam import IAMClient

DECISIONS = {"allowed": "allowed", "denied": "implicitDeny", "forbidden": "explicitDeny"}
Parameters = Mapping[str, Any]
Respond = Callable[[Parameters], tuple[int, Mapping[str, Any]]]
"""Maps the parameters of a call to the HTTP status and the parsed answer."""


def error(code: str) -> tuple[int, Mapping[str, Any]]:
    return 400, {"Error": {"Code": code, "Message": "made up"}}


def answer_with(client: Any, call: str, respond: Respond) -> None:
    """Answer *call* with *respond*; boto3 still checks the parameters against its model."""
    calls: list[Parameters] = []

    def remember(params: Parameters, **_: object) -> None:
        calls.append(params)

    def reply(**_: object) -> tuple[object, Mapping[str, Any]]:
        status, parsed = respond(calls[-1])
        return SimpleNamespace(status_code=status), parsed

    client.meta.events.register(f"before-parameter-build.{call}", remember)
    client.meta.events.register(f"before-call.{call}", reply)


def simulator(
    documents: Mapping[str, Identity],
    *,
    failing: Callable[[Parameters], str | None] = lambda _: None,
    silent: Callable[[Parameters], bool] = lambda _: False,
) -> "IAMClient":
    """IAM's simulator in an account with *documents*.

    *failing* returns the error code of a call, *silent* whether its answer has no decision.
    """
    client = boto3.client("iam", region_name="us-east-1")
    placeholders = placeholders_of({})
    who_by_arn = {
        placeholders[f"principal:{who}"]: who
        for who in ("manager", "instance", "flow logs", "budget")
    }

    def respond(parameters: Parameters) -> tuple[int, Mapping[str, Any]]:
        if code := failing(parameters):
            return error(code)
        who = who_by_arn.get(parameters["PolicySourceArn"], "")
        if who not in documents:
            return error("NoSuchEntity")
        if silent(parameters):
            return 200, {"EvaluationResults": [], "IsTruncated": False}
        [action], [resource] = parameters["ActionNames"], parameters["ResourceArns"]
        if resource == "*":
            resource = any_resource(action, region="us-east-1", account=ACCOUNT.account_id)
        identity = documents[who]
        resource_policy: Document | None = json.loads(parameters.get("ResourcePolicy", "null"))
        decision = decide(
            Layers(
                identity=tuple(identity.policies.values()),
                boundary=identity.boundary,
                resource=resource_policy,
            ),
            Request(
                principal=parameters["PolicySourceArn"],
                action=action,
                resource=resource,
                context={
                    entry["ContextKeyName"]: (
                        entry["ContextKeyValues"]
                        if entry["ContextKeyType"].endswith("List")
                        else entry["ContextKeyValues"][0]
                    )
                    for entry in parameters["ContextEntries"]
                },
            ),
        )
        result = {"EvalActionName": action, "EvalDecision": DECISIONS[decision]}
        return 200, {"EvaluationResults": [result], "IsTruncated": False}

    answer_with(client, "iam.SimulatePrincipalPolicy", respond)
    return client


def ec2(code: str) -> "EC2Client":
    """EC2, which answers every DryRun call with *code*."""
    client = boto3.client("ec2", region_name="us-east-1")

    def respond(parameters: Parameters) -> tuple[int, Mapping[str, Any]]:
        assert parameters["DryRun"] is True
        return error(code)

    answer_with(client, "ec2.RunInstances", respond)
    return client

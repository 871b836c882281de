"""Limits of IAM's policy simulator."""

import re
from collections.abc import Iterator
from typing import Final

from local.authorization.calls import Call
from local.request_checks.limits.limit import limit

CUSTOM: Final = "iam:SimulateCustomPolicy"
PRINCIPAL: Final = "iam:SimulatePrincipalPolicy"
SOURCE: Final = "https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html"
CODE: Final = "InvalidInput"
ARN: Final = re.compile(r"arn:[^:]+:[^:]*:[^:]*:[^:]*:.+")


@limit(CUSTOM, PRINCIPAL, code=CODE, source=SOURCE)
def simulated_actions(call: Call) -> Iterator[str]:
    """An action of a simulation names its service, without wildcards."""
    for action in call.parameters["ActionNames"]:
        if "*" in action or ":" not in action:
            yield f"Invalid Input Actions: {action}"


@limit(CUSTOM, PRINCIPAL, code=CODE, source=SOURCE)
def simulated_resources(call: Call) -> Iterator[str]:
    """A resource of a simulation is an ARN, or a star."""
    for resource in call.parameters.get("ResourceArns") or []:
        if resource != "*" and not ARN.fullmatch(resource):
            yield f"ResourceNames are not in a valid ARN format: {resource}."


@limit(CUSTOM, PRINCIPAL, code=CODE, source=SOURCE)
def simulated_boundary(call: Call) -> Iterator[str]:
    """A simulation takes one permissions boundary."""
    if len(call.parameters.get("PermissionsBoundaryPolicyInputList") or []) > 1:
        yield "You can input only one permissions boundary."


@limit(CUSTOM, code=CODE, source=SOURCE)
def simulated_caller(call: Call) -> Iterator[str]:
    """A simulation with a resource policy names the caller."""
    if call.parameters.get("ResourcePolicy") and not call.parameters.get("CallerArn"):
        yield "CallerArn is required if you include a ResourcePolicy."

"""Requests to IAM's policy simulator, and its answers. A simulation changes nothing."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_iam.type_defs import ContextEntryTypeDef, SimulatePolicyResponseTypeDef

Decision = Literal["allowed", "denied", "forbidden"]
"""Denied: nothing allows it (implicit deny). Forbidden: a statement denies it (explicit deny)."""
Values = str | Sequence[str]
TYPES: Final = {
    **dict.fromkeys(("ec2:Encrypted", "aws:ViaAWSService"), "boolean"),
    **dict.fromkeys(
        (
            "ec2:MetadataHttpPutResponseHopLimit",
            "ec2:RoleDelivery",
            "ec2:VolumeIops",
            "ec2:VolumeSize",
            "ec2:VolumeThroughput",
        ),
        "numeric",
    ),
    "aws:TokenIssueTime": "date",
}
DECISIONS: Final[Mapping[str, Decision]] = {
    "allowed": "allowed",
    "implicitDeny": "denied",
    "explicitDeny": "forbidden",
}


def simulate_documents(  # noqa: PLR0913 - what the simulator takes
    iam: "IAMClient",
    action: str,
    resource: str,
    context: Mapping[str, Values],
    *,
    policies: Sequence[str],
    boundary: str | None,
) -> Decision | None:
    """The decision for an identity with the documents *policies* and *boundary*; None without one.

    No identity needs to have them.
    """
    return decision(
        iam.simulate_custom_policy(
            PolicyInputList=policies,
            PermissionsBoundaryPolicyInputList=[boundary] if boundary else [],
            ActionNames=[action],
            ResourceArns=[resource],
            ContextEntries=entries(context),
        )
    )


def decision(answer: "SimulatePolicyResponseTypeDef") -> Decision | None:
    """The decision in the answer to one question; None if it has none."""
    results = answer["EvaluationResults"]
    return DECISIONS.get(results[0]["EvalDecision"]) if results else None


def entries(context: Mapping[str, Values]) -> list["ContextEntryTypeDef"]:
    """The condition keys of *context* as the simulator takes them."""
    return [_entry(key, value) for key, value in context.items()]


def _entry(key: str, value: Values) -> "ContextEntryTypeDef":
    is_list = not isinstance(value, str)
    key_type: Any = TYPES.get(key, "string") + ("List" if is_list else "")
    return {
        "ContextKeyName": key,
        "ContextKeyValues": list(value) if is_list else [value],
        "ContextKeyType": key_type,
    }

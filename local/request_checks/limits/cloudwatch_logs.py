"""Limits of CloudWatch Logs."""

from collections.abc import Iterator
from typing import Final

from local.authorization.calls import Call
from local.request_checks.limits.limit import limit

API: Final = "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_"
INVALID: Final = "InvalidParameterException"
DAYS: Final = frozenset(
    (
        *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
        *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
    )
)


@limit("logs:PutRetentionPolicy", code=INVALID, source=f"{API}PutRetentionPolicy.html")
def retention(call: Call) -> Iterator[str]:
    """A log group has one of the documented retention periods."""
    days = call.parameters["retentionInDays"]
    if days not in DAYS:
        yield (
            f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy "
            f"constraint: Member must satisfy enum value set: {sorted(DAYS)}"
        )


@limit("logs:CreateLogGroup", code=INVALID, source=f"{API}CreateLogGroup.html")
def log_group_names(call: Call) -> Iterator[str]:
    """A log group's name does not start with aws/."""
    if call.parameters["logGroupName"].startswith("aws/"):
        yield "Log groups starting with AWS/ are reserved for AWS."


@limit(
    "logs:CreateLogGroup",
    "logs:TagLogGroup",
    "logs:TagResource",
    code=INVALID,
    source=f"{API}TagResource.html",
)
def log_group_tags(call: Call) -> Iterator[str]:
    """A log group's tag has a key that does not start with aws:."""
    if any(key.lower().startswith("aws:") for key in call.parameters.get("tags") or {}):
        yield "The tag key uses the reserved prefix aws:."

"""Check whether the AWS credentials last for a whole build."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

EXPIRY_VARIABLES: Final = ("AWS_CREDENTIAL_EXPIRATION", "AWS_SESSION_EXPIRATION")
"""Variables with the expiry of temporary credentials, which tools set beside AWS_SESSION_TOKEN:
`aws configure export-credentials --format env` sets the first, older tools the second."""
CURE: Final = (
    "without credentials a build cannot remove its machine; use a profile that renews them (AWS "
    "IAM Identity Center with aws sso login, or a role_arn in ~/.aws/config) instead of exported "
    "variables"
)


def expiry_warning(
    credentials: Any,  # noqa: ANN401 - botocore's credentials have no type
    *,
    until: datetime,
    environment: Mapping[str, str],
) -> str:
    """A warning if *credentials* may expire before *until*; "" if they last or are renewed.

    botocore renews those of a role, of IAM Identity Center, of an instance and of a
    credential_process; it cannot renew those of variables or of ~/.aws/credentials.
    https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
    """
    if not credentials or not credentials.get_frozen_credentials().token:
        return ""
    from_variables = credentials.method == "env"
    if hasattr(credentials, "refresh_needed") and not from_variables:
        return ""
    expiry = _expiry(environment) if from_variables else None
    if expiry is None:
        return f"the credentials are temporary and cannot be renewed; {CURE}"
    if expiry >= until:
        return ""
    return (
        f"the credentials expire at {expiry:%Y-%m-%d %H:%M} UTC, but the build may take until "
        f"{until:%Y-%m-%d %H:%M} UTC; {CURE}"
    )


def _expiry(environment: Mapping[str, str]) -> datetime | None:
    for name in EXPIRY_VARIABLES:
        try:
            expiry = datetime.fromisoformat(environment.get(name, ""))
        except ValueError:
            continue
        return (expiry if expiry.tzinfo else expiry.replace(tzinfo=UTC)).astimezone(UTC)
    return None

"""A user's credentials for one service, for example Amazon Bedrock. moto 5.2.5 has none.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateServiceSpecificCredential.html
"""

from datetime import UTC, datetime
from secrets import token_hex
from typing import Any

from moto.core.responses import ActionResult
from moto.iam.responses import IamResponse


def install() -> None:
    IamResponse.create_service_specific_credential = _create  # pyright: ignore[reportAttributeAccessIssue] - moto has no such operation
    IamResponse.list_service_specific_credentials = _list  # pyright: ignore[reportAttributeAccessIssue] - as above


def _create(self: Any) -> ActionResult:
    user, service = self._get_param("UserName"), self._get_param("ServiceName")
    self.backend.get_user(user)
    credential = {
        "CreateDate": datetime.now(UTC),
        "ServiceName": service,
        "ServiceSpecificCredentialId": f"ACCA{token_hex(8).upper()}",
        "Status": "Active",
        "UserName": user,
    }
    _credentials(self).append(credential)
    return ActionResult({"ServiceSpecificCredential": credential})


def _list(self: Any) -> ActionResult:
    user = self._get_param("UserName")
    self.backend.get_user(user)
    credentials = [entry for entry in _credentials(self) if entry["UserName"] == user]
    return ActionResult({"ServiceSpecificCredentials": credentials, "IsTruncated": False})


def _credentials(response: Any) -> list[dict[str, Any]]:
    return response.backend.__dict__.setdefault("service_credentials", [])

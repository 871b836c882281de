"""A user's credentials for one service, for example Amazon Bedrock. moto 5.2.5 lacks them.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateServiceSpecificCredential.html
https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteServiceSpecificCredential.html
"""

from datetime import UTC, datetime
from secrets import token_hex
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.iam.exceptions import NotFoundException
from moto.iam.responses import IamResponse


def install() -> None:
    moto: Any = IamResponse
    moto.create_service_specific_credential = _create
    moto.delete_service_specific_credential = _delete
    moto.list_service_specific_credentials = _list


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


def _delete(self: Any) -> ActionResult:
    user, identity = self._get_param("UserName"), self._get_param("ServiceSpecificCredentialId")
    for entry in _credentials(self):
        if entry["ServiceSpecificCredentialId"] == identity and user in {None, entry["UserName"]}:
            _credentials(self).remove(entry)
            return EmptyResult()
    raise NotFoundException(f"No such credential {identity} exists")


def _list(self: Any) -> ActionResult:
    user = self._get_param("UserName")
    self.backend.get_user(user)
    credentials = [entry for entry in _credentials(self) if entry["UserName"] == user]
    return ActionResult({"ServiceSpecificCredentials": credentials, "IsTruncated": False})


def _credentials(response: Any) -> list[dict[str, Any]]:
    return response.backend.__dict__.setdefault("service_credentials", [])

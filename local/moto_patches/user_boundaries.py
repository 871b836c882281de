"""Permissions boundaries of users. moto 5.2.5 has them for roles only.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutUserPermissionsBoundary.html
"""

from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.iam.models import User
from moto.iam.responses import IamResponse


def install() -> None:
    original = IamResponse.create_user

    def create_user(self: Any) -> Any:
        answer = original(self)
        name, arn = self._get_param("UserName"), self._get_param("PermissionsBoundary")
        if arn:
            self.backend.get_user(name).permissions_boundary = _in_answers(arn)
        return answer

    def put(self: Any) -> ActionResult:
        user = self.backend.get_user(self._get_param("UserName"))
        user.permissions_boundary = _in_answers(self._get_param("PermissionsBoundary"))
        return EmptyResult()

    def delete(self: Any) -> ActionResult:
        self.backend.get_user(self._get_param("UserName")).permissions_boundary = None
        return EmptyResult()

    User.permissions_boundary = None
    IamResponse.create_user = create_user
    IamResponse.put_user_permissions_boundary = put
    IamResponse.delete_user_permissions_boundary = delete


def _in_answers(arn: str) -> dict[str, str]:
    return {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}

"""UpdateRole keeps every attribute that the request does not name. moto 5.2.5 resets it.

The provider changes a role's session duration and its description in separate calls.
https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateRole.html
"""

from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.iam.responses import IamResponse


def install() -> None:
    def update_role(self: Any) -> ActionResult:
        role = self.backend.get_role(self._get_param("RoleName"))
        description = self._get_param("Description")
        duration = self._get_param("MaxSessionDuration")
        if description is not None:
            role.description = description
        if duration is not None:
            role.max_session_duration = duration
        return EmptyResult()

    IamResponse.update_role = update_role

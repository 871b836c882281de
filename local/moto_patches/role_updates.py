"""An update of a role leaves what it does not name, for moto 5.2.5, which resets that.

The provider changes a role's session duration and its description in calls of their own.
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

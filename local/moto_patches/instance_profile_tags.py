"""IAM lists the tags of an instance profile. moto 5.2.5 has no such operation.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListInstanceProfileTags.html
"""

from typing import Any, Final

from moto.core.responses import ActionResult
from moto.iam.responses import IamResponse

PAGE: Final = 100
"""The number of tags in an answer, unless the request names another."""


def install() -> None:
    moto: Any = IamResponse

    def list_instance_profile_tags(self: Any) -> ActionResult:
        profile = self.backend.get_instance_profile(self._get_param("InstanceProfileName"))
        first = int(self._get_param("Marker") or 0)
        end = first + int(self._get_param("MaxItems") or PAGE)
        more = end < len(profile.tags)
        return ActionResult(
            {
                "Tags": profile.tags[first:end],
                "IsTruncated": more,
                "Marker": str(end) if more else None,
            }
        )

    moto.list_instance_profile_tags = list_instance_profile_tags

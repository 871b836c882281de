"""Error messages in AWS's wording. moto 5.2.5 has these codes with another wording.

The wording is from the recorded answers in tests/recordings; AWS's pages list the codes.
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
"""

import re
from typing import Any, Final

from moto.core.exceptions import ServiceException

AWS: Final = (
    ("InvalidAllocationID.NotFound", r"Allocation ID '\{'(.*)'\}' not found\.?",
     r"The allocation ID '\1' does not exist"),
    ("InvalidInternetGatewayID.NotFound", r"InternetGatewayID (\S+) does not exist\.",
     r"The internetGateway ID '\1' does not exist"),
    ("DependencyViolation", r"(igw-\w+) is being utilized by \S+",
     r"The internetGateway '\1' has dependencies and cannot be deleted."),
    ("InvalidGroup.NotFound", r"(.*)'\{'(.*)'\}'(.*)", r"\1'\2'\3"),
    ("InvalidVolume.NotFound", r"(.*)'\{'(.*)'\}'(.*)", r"\1'\2'\3"),
    ("NoSuchEntity", r"Instance profile (\S+) not found", r"Instance Profile \1 cannot be found."),
    ("NoSuchEntity", r"Role (\S+) not found", r"The role with name \1 cannot be found."),
    ("NoSuchEntity", r"Group (\S+) not found", r"The group with name \1 cannot be found."),
    ("NoSuchEntity", r"Login profile for (\S+) not found",
     r"Login Profile for User \1 cannot be found."),
    ("NoSuchEntity", r"Policy (arn:aws[a-z-]*:iam::aws:\S+) not found",
     r"Policy \1 was not found."),
    ("NoSuchEntity", r"Policy (arn:\S+) not found",
     r"Policy \1 does not exist or is not attachable."),
)  # fmt: skip
"""The code, moto's message and AWS's message."""


def install() -> None:
    original = ServiceException.__init__

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - replaces the class's own
        original(self, *args, **kwargs)
        for code, pattern, words in AWS:
            if self.code == code and re.fullmatch(pattern, self.message or ""):
                self.message = re.sub(pattern, words, self.message)
                self.args = (self.message,)
                return

    ServiceException.__init__ = __init__

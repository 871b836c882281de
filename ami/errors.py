"""What can end a command, each kind with its own exit code.

AmiError
├── PlanError           3  nothing was made: the account, the stack or an option is not right
├── LaunchError         4  AWS gave no machine
├── SetupError          5  the machine could not be reached or set up
├── VerificationError   6  the machine does not do what the image promises
├── ImageError          7  the image was not finished
├── LeftoverError       8  the work is done, but something of it could not be removed
└── ConfigError         9  the image is finished, the stack's configuration does not name it yet
Interrupted           130  Ctrl-C (143 for SIGTERM, 129 for SIGHUP)
"""

from typing import ClassVar


class AmiError(Exception):
    exit_code: ClassVar[int] = 1


class PlanError(AmiError):
    exit_code = 3

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n  ".join(["nothing was made, since:", *problems]))
        self.problems = problems


class LaunchError(AmiError):
    exit_code = 4


class SetupError(AmiError):
    exit_code = 5


class VerificationError(AmiError):
    exit_code = 6


class ImageError(AmiError):
    exit_code = 7


class LeftoverError(AmiError):
    exit_code = 8


class ConfigError(AmiError):
    exit_code = 9


class Interrupted(BaseException):
    """A signal asked the build to end; not an Exception, so that no handler swallows it."""

    def __init__(self, number: int, name: str) -> None:
        super().__init__(name)
        self.exit_code = 128 + number
        self.name = name

    def __str__(self) -> str:
        return f"ended by {self.name}"

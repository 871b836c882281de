"""The one error base of every command, and the one table of exit codes."""

import signal
from enum import IntEnum
from typing import ClassVar, Self


class ExitCode(IntEnum):
    """How a command ends. `sandbox --help` and the docs print this table."""

    meaning: str

    def __new__(cls, value: int, meaning: str) -> Self:
        code = int.__new__(cls, value)
        code._value_ = value
        code.meaning = meaning
        return code

    DONE = 0, "done"
    FAILED = 1, "Pulumi, AWS, the cluster or a file answered with an error"
    USAGE = 2, "an option, an argument or a stack name is not valid"
    REFUSED = 3, "a check failed first; nothing was changed"
    NO_MACHINE = 4, "image build: no machine could be launched or reached"
    SETUP_FAILED = 5, "image build: the set-up of the machine failed"
    NOT_VERIFIED = 6, "image build: the machine does not hold what the image promises"
    NO_IMAGE = 7, "image build: the image could not be created"
    LEFTOVERS = 8, "resources are left over; the message has the commands that remove them"
    NOT_CONFIGURED = 9, "image build: the image is ready, but the stack could not be set to it"
    ATTENTION = 10, "the command worked and found something to act on"
    NOT_YET = 11, "nothing is wrong, but time has to pass; run the same command again later"
    INTERRUPTED = 130, "Ctrl-C; 129 or 143 after SIGHUP or SIGTERM"


class SandboxError(Exception):
    """A command cannot continue.

    The text is all that the user sees: one line that says where, which value, what is wrong and
    how to fix it.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.FAILED


class UsageError(SandboxError):
    """The command line is not valid."""

    exit_code = ExitCode.USAGE


class RefusedError(SandboxError):
    """A check failed before anything was changed."""

    exit_code = ExitCode.REFUSED


class NotYetError(SandboxError):
    """Time has to pass before the same command can continue."""

    exit_code = ExitCode.NOT_YET


class Interrupted(BaseException):
    """A signal ended the command. It is not an Exception, so that no error handler catches it."""

    def __init__(self, received: signal.Signals) -> None:
        super().__init__(f"interrupted by {received.name}")
        self.exit_code = 128 + received

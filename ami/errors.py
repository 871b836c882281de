"""The errors of the image commands; each class has its exit code in `ExitCode`."""

from sandbox.core.errors import ExitCode, SandboxError


class PlanError(SandboxError):
    """The account, the stack or an option does not allow the build; nothing was created."""

    exit_code = ExitCode.REFUSED

    def __init__(self, *problems: str) -> None:
        several = ["nothing was created, because:", *problems]
        super().__init__(problems[0] if len(problems) == 1 else "\n  ".join(several))
        self.problems = problems


class LaunchError(SandboxError):
    """EC2 launched no machine, or the machine ended before it could be used."""

    exit_code = ExitCode.NO_MACHINE


class SetupError(SandboxError):
    """The machine could not be reached or set up."""

    exit_code = ExitCode.SETUP_FAILED


class VerificationError(SandboxError):
    """The machine lacks something that the image promises."""

    exit_code = ExitCode.NOT_VERIFIED


class ImageError(SandboxError):
    """EC2 did not finish the image."""

    exit_code = ExitCode.NO_IMAGE


class LeftoverError(SandboxError):
    """The work is done, but some resources could not be removed."""

    exit_code = ExitCode.LEFTOVERS


class NotConfiguredError(SandboxError):
    """The image is finished, but the stack's configuration does not name it yet."""

    exit_code = ExitCode.NOT_CONFIGURED

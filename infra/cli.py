"""The user's own `pulumi`, for the commands beside the program."""

import subprocess


class CommandError(Exception):
    """A command cannot go on; the text is one line for the user."""


def pulumi(*arguments: str, stdin: str = "") -> str:
    """What `pulumi` prints, given *stdin*.

    Raises:
        CommandError: it is not installed, or it failed.
    """
    try:
        ran = subprocess.run(  # noqa: S603 - pulumi with arguments of our own, no shell
            ["pulumi", "--non-interactive", *arguments],  # noqa: S607 - the user's own pulumi
            input=stdin,
            capture_output=True,
            text=True,
            check=True,
        )
    except FileNotFoundError:
        raise CommandError("pulumi is not on PATH; install it or open its shell first") from None
    except subprocess.CalledProcessError as error:
        said = (error.stderr.strip() or error.stdout.strip()).splitlines()
        raise CommandError(f"pulumi {arguments[0]}: {said[-1] if said else 'failed'}") from None
    return ran.stdout

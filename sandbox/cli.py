"""The `sandbox` command: one Typer application, one package per job.

Each `commands.py` only declares options. What a command needs it imports when it runs, so that
`sandbox --help` answers at once.
"""

import os
import sys
import traceback
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Final

import typer
from typer.exceptions import TyperException

from sandbox.adopt import commands as adopt
from sandbox.config import commands as config
from sandbox.core import output
from sandbox.core.errors import ExitCode, SandboxError
from sandbox.core.options import QuietOption
from sandbox.costs import commands as costs
from sandbox.diagram import commands as diagram
from sandbox.drift import commands as drift
from sandbox.image import commands as image
from sandbox.keys import commands as keys
from sandbox.permissions import commands as permissions
from sandbox.recover import commands as recover
from sandbox.secret import commands as secret
from sandbox.status import commands as status
from sandbox.zones import commands as zones

NAME: Final = "sandbox"
DEBUG: Final = "SANDBOX_DEBUG"
"""Set to any value, it shows the traceback of an error."""
OPERATE: Final = "Look at a stack"
CHANGE: Final = "Set up and change a stack"
REPAIR: Final = "Repair and adopt"
EPILOG: Final = (
    "Exit codes: " + "; ".join(f"{code.value} {code.meaning}" for code in ExitCode) + "."
)

app = typer.Typer(
    name=NAME,
    no_args_is_help=True,
    # completion belongs to the command's name; for `python -m` it would take over every `python`
    add_completion=Path(sys.argv[0]).name == NAME,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    epilog=EPILOG,
    help="Operate the AWS environment of the researcher sandboxes.",
)


def _version(value: bool) -> None:
    if value:
        try:
            output.result(f"{NAME} {version(NAME)}")
        except PackageNotFoundError:
            output.result(f"{NAME} (not installed)")
        raise typer.Exit


@app.callback()
def options(
    *,
    _version_option: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_version,
            is_eager=True,
            help="Print the version.",
        ),
    ] = False,
    _quiet: QuietOption = False,
) -> None:
    pass


app.command("status", rich_help_panel=OPERATE)(status.status)
app.command("drift", rich_help_panel=OPERATE)(drift.drift)
app.command("costs", rich_help_panel=OPERATE)(costs.costs)
app.command("diagram", rich_help_panel=OPERATE)(diagram.diagram)
app.add_typer(config.app, name="config", rich_help_panel=OPERATE)
app.add_typer(permissions.app, name="permissions", rich_help_panel=OPERATE)
app.add_typer(zones.app, name="zones", rich_help_panel=CHANGE)
app.add_typer(image.app, name="image", rich_help_panel=CHANGE)
app.add_typer(keys.app, name="keys", rich_help_panel=CHANGE)
app.command("secret", rich_help_panel=CHANGE)(secret.secret)
app.command("recover", rich_help_panel=REPAIR)(recover.recover)
app.add_typer(adopt.app, name="adopt", rich_help_panel=REPAIR)


def main() -> None:
    """Run the command of `sys.argv`; no error of a user, a file, Pulumi or AWS shows a traceback."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run *arguments* and return the exit code."""
    try:
        code = app(arguments, prog_name=NAME, standalone_mode=False)
        sys.stdout.flush()
    except typer.Exit as end:
        return end.exit_code
    except TyperException as error:
        output.error(error.format_message())
        return ExitCode.USAGE
    except (typer.Abort, KeyboardInterrupt):
        output.error("interrupted")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:  # the reader has gone, for example `sandbox drift | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.DONE
    except SandboxError as error:
        return _ended(error, error.exit_code)
    except Exception as error:  # noqa: BLE001 - the last resort: a user never sees a traceback
        return _ended(error, ExitCode.FAILED, _text(error))
    return code if isinstance(code, int) else ExitCode.DONE


def _ended(error: BaseException, code: int, text: str = "") -> int:
    if os.environ.get(DEBUG):
        traceback.print_exception(error)
    for line in (text or str(error), *getattr(error, "__notes__", [])):
        output.error(line)
    return code


def _text(error: Exception) -> str:
    """One line for an error of AWS, of a setting, or of the command itself."""
    message = " ".join(str(error).split())
    if isinstance(error, ValueError) or type(error).__module__.startswith("infra."):
        return message
    if type(error).__name__ in {"NoCredentialsError", "PartialCredentialsError"}:
        return f"AWS: {message}; sign in, then check with: aws sts get-caller-identity"
    if type(error).__module__.startswith("botocore"):
        return f"AWS: {message}"
    return f"{type(error).__name__}: {message}; set {DEBUG}=1 to see where, and report it"

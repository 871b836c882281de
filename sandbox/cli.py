"""The `sandbox` command: one Typer application, one package per job.

Each `commands.py` only declares options. What a command needs it imports when it runs, so that
`sandbox --help` answers at once.
"""

import errno
import inspect
import json
import os
import sys
import traceback
from contextlib import nullcontext
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.exceptions import TyperException

from sandbox.adopt import commands as adopt
from sandbox.budget import commands as budget
from sandbox.config import commands as config
from sandbox.core import output
from sandbox.core.errors import ExitCode
from sandbox.core.options import QuietOption
from sandbox.costs import commands as costs
from sandbox.diagram import commands as diagram
from sandbox.doctor import commands as doctor
from sandbox.drift import commands as drift
from sandbox.image import commands as image
from sandbox.keys import commands as keys
from sandbox.permissions import commands as permissions
from sandbox.recover import commands as recover
from sandbox.secret import commands as secret
from sandbox.settings import commands as settings
from sandbox.status import commands as status
from sandbox.zones import commands as zones

NAME: Final = "sandbox"
DEBUG: Final = "SANDBOX_DEBUG"
"""Set to any value, it shows the traceback of an error."""
OPERATE: Final = "Look at a stack"
CHANGE: Final = "Set up and change a stack"
REPAIR: Final = "Repair and adopt"
EPILOG: Final = "\n".join(
    ("Exit codes:", *(f"{code.value:>4}  {code.meaning}" for code in ExitCode))
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


def _version(value: bool) -> None:  # noqa: FBT001 - Typer's callback
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


app.command("status", rich_help_panel=OPERATE, epilog=status.EPILOG)(status.status)
app.command("doctor", rich_help_panel=OPERATE, epilog=doctor.EPILOG)(doctor.doctor)
app.command("drift", rich_help_panel=OPERATE, epilog=drift.EPILOG)(drift.drift)
app.command("costs", rich_help_panel=OPERATE, epilog=costs.EPILOG)(costs.costs)
app.command("diagram", rich_help_panel=OPERATE, epilog=diagram.EPILOG)(diagram.diagram)
app.add_typer(config.app, name="config", rich_help_panel=OPERATE)
app.add_typer(permissions.app, name="permissions", rich_help_panel=OPERATE)
app.add_typer(settings.app, name="settings", rich_help_panel=CHANGE)
app.add_typer(zones.app, name="zones", rich_help_panel=CHANGE)
app.add_typer(image.app, name="image", rich_help_panel=CHANGE)
app.add_typer(keys.app, name="keys", rich_help_panel=CHANGE)
app.add_typer(budget.app, name="budget", rich_help_panel=CHANGE)
app.command("secret", rich_help_panel=CHANGE, epilog=secret.EPILOG)(secret.secret)
app.command("recover", rich_help_panel=REPAIR, epilog=recover.EPILOG)(recover.recover)
app.add_typer(adopt.app, name="adopt", rich_help_panel=REPAIR)


def _join_help_lines(group: typer.Typer) -> None:
    """Make each paragraph of a command's help one line, which Typer then wraps to the terminal."""
    for command in group.registered_commands:
        paragraphs = inspect.cleandoc(getattr(command.callback, "__doc__", None) or "")
        command.help = "\n\n".join(" ".join(text.split()) for text in paragraphs.split("\n\n"))
    for inner in group.registered_groups:
        if inner.typer_instance:
            _join_help_lines(inner.typer_instance)


_join_help_lines(app)


def main() -> None:
    """Run the command of `sys.argv`."""
    for stream in ("stdin", "stdout", "stderr"):
        if getattr(sys, stream) is None:  # closed, as in `sandbox status >&-`
            devnull = Path(os.devnull).open("r+", encoding="utf-8")  # noqa: SIM115 - until the end
            setattr(sys, stream, devnull)
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run *arguments* and return the exit code; whatever happens, no traceback is printed."""
    try:
        words = _words(arguments)
        patience = output.patience(f"{NAME} {' '.join(words)}") if words else nullcontext()
        with patience:  # without words a shell asks for completions, or the help is printed
            code = command_tree()(arguments, prog_name=NAME, standalone_mode=False)
        sys.stdout.flush()
        if code == ExitCode.INTERRUPTED:  # Typer's answer to a KeyboardInterrupt
            code = _failed(KeyboardInterrupt())
    except (BrokenPipeError, SystemExit):  # Typer and Rich turn the former into the latter
        code = _reader_gone()
    except BaseException as error:  # noqa: BLE001 - a user sees no traceback
        code = _failed(error)
    finally:
        output.set_quiet(quiet=False)  # --quiet holds for one command
    return code if isinstance(code, int) else ExitCode.DONE


@cache
def command_tree() -> Any:  # noqa: ANN401 - its class is private to Typer
    """The commands as Typer reads them from the functions, which takes some time."""
    return typer.main.get_command(app)


def _words(arguments: list[str]) -> list[str]:
    """The command's own words: those before its first option or value."""
    group = command_tree()
    words: list[str] = []
    for argument in arguments:
        group = getattr(group, "commands", {}).get(argument)
        if group is None:
            break
        words.append(argument)
    return words


def _reader_gone() -> int:
    """End quietly when the reader of a pipe is gone, for example `sandbox drift | head -1`."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.__stdout__, sys.__stderr__):  # Python flushes both when it ends
        if stream is not None:
            os.dup2(devnull, stream.fileno())
    return ExitCode.DONE


def _failed(error: BaseException) -> int:
    """Print *error* in one line and return its exit code."""
    if os.environ.get(DEBUG):
        traceback.print_exception(error)
    match error:
        case typer.Abort() | KeyboardInterrupt():
            code, text = ExitCode.INTERRUPTED, "interrupted"
        case TyperException():  # an option or argument is not valid
            code, text = ExitCode.USAGE, _usage_text(error)
        case _ if isinstance(exit_code := getattr(error, "exit_code", None), int):
            code, text = exit_code, str(error)
        case _:
            code, text = ExitCode.FAILED, _text(error)
    for line in filter(None, (text, *getattr(error, "__notes__", []))):
        output.error(line)
    return code


def _usage_text(error: TyperException) -> str:
    context: Any = getattr(error, "ctx", None)
    command = context.command_path if context else NAME
    message = error.format_message().strip().rstrip(".")
    return message and f"{message}; see: {command} --help"  # no message: the help was printed


def _text(error: BaseException) -> str:
    """One line for an error of AWS, of a setting, of a file, or of the command itself."""
    message = " ".join(str(error).split())
    name, module = type(error).__name__, type(error).__module__
    if module.startswith("botocore") and isinstance(error, Exception):
        from sandbox.core import aws_errors  # noqa: PLC0415 - --help needs no boto3

        return aws_errors.describe(error)
    if name == "ValueError" and message.startswith("Invalid endpoint"):  # botocore's own
        return f"AWS: {message}; unset AWS_ENDPOINT_URL, or set it to a URL"
    if isinstance(error, OSError):
        return f"{error.filename or 'file'}: {error.strerror or message}; {_file_cure(error)}"
    described = isinstance(error, ValueError) and not isinstance(
        error, (json.JSONDecodeError, UnicodeError)
    )
    if described or module.startswith("infra."):
        return message
    return f"{name}: {message}; set {DEBUG}=1 to see where, and report it"


def _file_cure(error: OSError) -> str:
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR | errno.EISDIR:
            return "check the path"
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return "check your rights, or use another folder"
        case errno.ENOSPC | errno.EDQUOT:
            return "free some space, then run the same command again"
        case _:
            return "check the file, then run the same command again"

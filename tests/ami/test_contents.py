"""What the image holds, with the real programs: bash, apt, uv, disks. No machine is made."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ami import pins

if TYPE_CHECKING:
    from collections.abc import Mapping

SETUP = Path("ami/setup").resolve()
FACTS = Path(__file__).parent / "facts"
METTA, PUFFER, COGAMES = (
    tomllib.loads((FACTS / "repositories.toml").read_text())[name]
    for name in ("metta", "puffer", "cogames")
)
GPU_CASES = tomllib.loads((FACTS / "gpus.toml").read_text())["case"]
SUDO = """#!/bin/bash
while [[ $1 == -* ]]; do case $1 in -u) shift 2 ;; --) shift && break ;; *) shift ;; esac; done
exec "$@"
"""


@dataclass
class Shell:
    """Our scripts' functions, run here with stand-ins for what this computer cannot have."""

    folder: Path

    def stand_in(self, name: str, text: str) -> None:
        file = self.folder / "bin" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"#!/bin/bash\n{text}" if not text.startswith("#!") else text)
        file.chmod(0o755)

    def run(self, command: str, **settings: str) -> subprocess.CompletedProcess[str]:
        self.stand_in("sudo", SUDO)
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        environment = self.folder / "environment"
        environment.write_text(f'PATH="{path}"\n')
        return subprocess.run(
            ["bash", "-c", command],
            env={
                "PATH": path,
                "HOME": str(self.folder),
                "FOLDER": str(SETUP),
                "LOGIN": "root",
                "ENVIRONMENT": str(environment),
                **settings,
            },
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


# The pins


def test_the_scripts_read_the_pins_as_python_does(shell: Shell) -> None:
    names = sorted(pins.settings())
    printed = shell.run(
        '. "$FOLDER/image.sh"; for name in $NAMES; do echo "$name=${!name}"; done',
        NAMES=" ".join(names),
    ).stdout
    assert printed.splitlines() == [f"{name}={pins.settings()[name]}" for name in names]


def test_what_is_set_from_outside_wins_also_when_it_is_empty(shell: Shell) -> None:
    said = shell.run(
        '. "$FOLDER/image.sh"; echo "$UV_VERSION|$NVIDIA_BRANCH"',
        UV_VERSION="1.2",
        NVIDIA_BRANCH="",
    )
    assert said.stdout == "1.2|\n"


def test_the_deep_learning_base_has_no_branch_of_ours(shell: Shell) -> None:
    said = shell.run('. "$FOLDER/image.sh"; echo "<$NVIDIA_BRANCH>"', BASE="dlami")
    assert said.stdout == "<>\n"


@pytest.mark.parametrize("name", pins.load())
def test_each_pin_says_where_it_is_from_is_checked_and_is_used(name: str) -> None:
    pin = pins.load()[name]
    assert pin["from"]
    assert pin["newer"]
    if "url" in pin:
        assert "sha256" in pin or "sha384" in pin, "a download without a hash"
    assert re.fullmatch("[0-9a-f]{64}", pin.get("sha256", "0" * 64))
    assert re.fullmatch("[0-9a-f]{96}", pin.get("sha384", "0" * 96))
    assert re.fullmatch("[0-9A-F]{40}", pin.get("key", "0" * 40))
    if name.endswith("_COMMIT"):
        assert re.fullmatch("[0-9a-f]{40}", pin["value"])
    scripts = "".join(one.read_text() for one in SETUP.glob("*.sh"))
    base = re.sub("_(VERSION|COMMIT|BRANCH)$", "", name)
    assert re.search(rf"\${{?{name}\b|fetch {base} ", scripts), "no script uses it"


def test_no_version_stands_in_a_script() -> None:
    texts = {one.name: one.read_text() for one in SETUP.glob("*.sh")}
    for value in (pin["value"] for pin in pins.load().values() if len(pin["value"]) > 4):
        assert not [name for name, text in texts.items() if value in text], value


# What the repositories ask for, against what is installed


def test_the_facts_are_of_the_pinned_commits() -> None:
    settings = pins.settings()
    assert METTA["commit"] == settings["METTA_COMMIT"]
    assert PUFFER["commit"] == settings["PUFFER_COMMIT"]
    assert COGAMES["version"] == settings["COGAMES_VERSION"]


@pytest.mark.parametrize(
    ("wanted", "setting"),
    [
        ("python", "PYTHON_VERSION"),
        ("bazelisk", "BAZELISK_VERSION"),
        ("nim", "NIM_VERSION"),
        ("torch", "TORCH_VERSION"),
    ],
)
def test_metta_gets_the_versions_that_it_names(wanted: str, setting: str) -> None:
    assert pins.settings()[setting] == METTA[wanted]


def test_the_toolkit_is_the_one_that_metta_is_built_with() -> None:
    assert pins.settings()["CUDA_VERSION"].startswith(f"{METTA['cuda']}-")


def test_a_bazel_that_is_called_latest_is_pinned() -> None:
    assert METTA["bazel"] == "latest"
    assert int(pins.settings()["BAZEL_VERSION"].split(".")[0]) >= 7


def test_nimby_is_the_release_that_metta_names() -> None:
    assert f"tag {METTA['nimby']}," in pins.load()["NIMBY_COMMIT"]["from"]


def test_metta_is_installed_as_its_own_image_is() -> None:
    setup = (SETUP / "setup.sh").read_text()
    command = " ".join(setup[setup.index("metta() {") : setup.index("CUDA_ARCHITECTURES=")].split())
    options = 'sync --directory "$folder" --quiet '
    assert METTA["sync"].replace("sync ", options) in command
    assert "no-default-groups" not in command
    assert "PUFFERLIB_BUILD_CUDA=1" in command
    order = [setup.index(f"    step {name} ") for name in ("cuda", "bazel", "nim", "metta")]
    assert order == sorted(order)
    ours = re.search('^CUDA_ARCHITECTURES="([^"]*)"', setup, re.MULTILINE)
    assert ours
    assert set(METTA["cuda_architectures"].split(";")) <= set(ours[1].split(";"))


def test_puffer_is_built_with_its_own_requirements_and_downloads_nothing() -> None:
    setup = (SETUP / "setup.sh").read_text()
    puffer = setup[setup.index("puffer() {") : setup.index("# box2d FOLDER")]
    assert "no-build-isolation" not in puffer, "uv then installs what build-system.requires names"
    assert "--build-constraints" in puffer
    for folder in PUFFER["downloads"]:
        name = folder.replace("5.5_linux", "${RAYLIB_VERSION}_linux")
        assert f"/{name}" in puffer, folder


# The driver, asked of a real apt


def package(name: str, version: str, depends: str = "", about: str = "NVIDIA driver") -> str:
    return (
        f"Package: {name}\nVersion: {version}\nArchitecture: amd64\nMaintainer: x\n"
        f"Depends: {depends}\nFilename: {name}.deb\nSize: 1\nSHA256: {'0' * 64}\n"
        f"Description: {about}\n"
    )


def branch(number: int, *, leads_to: int = 0, lacks: str = "") -> list[str]:
    suffixes = {
        "linux-modules-nvidia": "server-open-aws",
        "nvidia-headless-no-dkms": "server-open",
        "nvidia-utils": "server",
        "nvidia-compute-utils": "server",
        "libnvidia-encode": "server",
    }
    return [
        package(
            f"{name}-{number}-{end}",
            f"{leads_to or number}.159.03-0ubuntu0.22.04.1",
            f"{name}-{leads_to}-{end}" if leads_to else lacks,
            "Transitional package" if leads_to else "NVIDIA driver",
        )
        for name, end in suffixes.items()
    ]


@pytest.fixture
def archive(shell: Shell) -> Shell:
    """An apt of its own with an archive like jammy's: 535 ended, 570 cannot be installed."""
    root = shell.folder / "apt"
    for one in ("lists/partial", "archives/partial", "archive"):
        (root / one).mkdir(parents=True)
    packages = branch(535, leads_to=580) + branch(570, lacks="linux-gone") + branch(580)
    (root / "archive/Packages").write_text("\n".join(packages))
    (root / "status").touch()
    (root / "sources").write_text(f"deb [trusted=yes] file:{root}/archive ./\n")
    (root / "apt.conf").write_text(
        f'Dir::State "{root}";\nDir::State::status "{root}/status";\nDir::Cache "{root}";\n'
        f'Dir::State::lists "{root}/lists";\nDir::Etc::sourcelist "{root}/sources";\n'
        'Dir::Etc::sourceparts "/dev/null";\nAPT::Architecture "amd64";\n'
        'APT::Sandbox::User "root";\nAPT::Architectures { "amd64"; };\n'
    )
    done = shell.run("apt-get update --quiet", APT_CONFIG=str(root / "apt.conf"))
    assert done.returncode == 0, done.stdout
    return shell


@pytest.mark.parametrize(
    ("number", "fine", "said"),
    [
        ("580", True, "apt would install nvidia-utils-580-server 580.159.03-0ubuntu0.22.04.1"),
        ("535", False, "NVIDIA_BRANCH=535: has ended, .* take NVIDIA_BRANCH=580"),
        ("999", False, "NVIDIA_BRANCH=999: .* has no linux-modules-nvidia-999.*NVIDIA_BRANCH=580"),
        ("570", False, "NVIDIA_BRANCH=570: apt cannot install it: .*Depends: linux-gone"),
    ],
)
def test_apt_is_asked_for_the_branch_before_anything_is_downloaded(
    archive: Shell, number: str, said: str, *, fine: bool
) -> None:
    answer = archive.run(
        '. "$FOLDER/image.sh"; ask_for_driver',
        NVIDIA_BRANCH=number,
        APT_CONFIG=str(archive.folder / "apt/apt.conf"),
    )
    assert (answer.returncode == 0) == fine, answer.stdout
    assert re.search(said, answer.stdout.strip().splitlines()[-1]), answer.stdout


# The gate on what GPU machines print


@pytest.mark.parametrize("case", GPU_CASES, ids=lambda case: case["name"])
def test_the_gate_says_what_is_wrong_with_the_gpus(shell: Shell, case: Mapping[str, Any]) -> None:
    answers = {name: "\n".join(lines) for name, lines in case.get("answers", {}).items()}
    lines = [f"    *={name}\\ *) echo '{text}' ;;" for name, text in answers.items()]
    broken = "\n".join(case.get("error", [])).replace("'", "'\\''")
    last = f"    *) echo '{broken}'; exit 9 ;;"
    shell.stand_in("nvidia-smi", "\n".join(["case $* in", *lines, last, "esac"]))
    shell.stand_in("modinfo", f"echo {case['module']}")
    said = shell.run('bash "$FOLDER/verify.sh" gpus', GPUS=str(case["gpus"]))
    printed = said.stdout.splitlines()
    for wanted in case["said"]:
        assert [one for one in printed if one.startswith(wanted)], said.stdout
    bad = [one for one in case["said"] if one.startswith("failed")]
    assert said.returncode == (1 if bad else 0)
    assert len([one for one in printed if one.startswith("failed ")]) == len(bad)


@pytest.mark.parametrize(
    ("failed", "idle", "said"),
    [
        ("", "", "ok units none-failed"),
        ("fwupd-refresh.service loaded failed", "", "ok units none-failed"),
        ("docker.service loaded failed", "", "failed units: docker.service"),
        ("", "nvidia-persistenced", r"failed units: nvidia-persistenced.service \(not running\)"),
    ],
)
def test_only_failed_units_of_the_image_count(
    shell: Shell, failed: str, idle: str, said: str
) -> None:
    shell.stand_in(
        "systemctl",
        f"case $1 in list-units) echo '{failed}' ;;\n"
        f"is-active) [[ $3 != '{idle}.service' ]] ;; esac",
    )
    printed = shell.run('bash "$FOLDER/verify.sh" units').stdout
    assert re.search(f"^{said}$", printed, re.MULTILINE), printed
    assert ("not of the image, but failed: fwupd-refresh.service" in printed) == ("fwupd" in failed)


def test_a_failed_check_names_the_error_and_not_the_hint(shell: Shell) -> None:
    output = (
        "  x Failed to build mettagrid\n  Traceback (most recent call last):\n"
        "    RuntimeError: Bazel is required\n  hint: Build failures usually indicate\n"
    )
    shell.stand_in("nvcc", f"echo '{output}'; exit 1")
    printed = shell.run('bash "$FOLDER/verify.sh" compiler').stdout
    assert re.search(r"^failed nvcc: +RuntimeError: Bazel is required$", printed, re.MULTILINE)


# The environment, kept by a real uv


def uv() -> str:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    found = shutil.which("uv") or next(map(str, cache.glob("sandbox-pulumi/uv-*/bin/uv")), "")
    assert found, "no uv here: run make venv"
    return found


def wheel(folder: Path, name: str) -> None:
    folder.mkdir(exist_ok=True)
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as packed:
        packed.writestr(f"{name}.py", "")
        packed.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        packed.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        packed.writestr(f"{info}/RECORD", "")


@pytest.mark.proof
@pytest.mark.parametrize(
    ("options", "python", "said"),
    [
        ("--locked", "", "ok metta-uv-run kept"),
        ("--frozen --no-default-groups", "", "failed metta-uv-run: changes the environment"),
        ("--locked", "3.12.11", "failed metta-uv-run: ."),
    ],
    ids=["as we install it", "as it was installed before", "another Python than its own"],
)
def test_the_first_uv_run_keeps_the_environment(
    shell: Shell, options: str, python: str, said: str
) -> None:
    project = shell.folder / "metta"
    wheel(shell.folder / "wheels", "needed")
    wheel(shell.folder / "wheels", "interactive")
    project.mkdir()
    own = ".".join(map(str, sys.version_info[:3]))
    (project / ".python-version").write_text(f"{own}\n")
    (project / "pyproject.toml").write_text(
        '[project]\nname = "metta"\nversion = "0.1"\nrequires-python = ">=3.11"\n'
        'dependencies = ["needed"]\n[dependency-groups]\ninteractive = ["interactive"]\n'
        '[tool.uv]\npackage = false\nno-index = true\nfind-links = ["../wheels"]\n'
        'default-groups = ["interactive"]\n'
    )
    (shell.folder / "bin").mkdir()
    (shell.folder / "bin/uv").symlink_to(uv())
    made = shell.run(
        f"uv lock --project metta --python {sys.executable} &&"
        f" uv sync {options} --project metta --python {sys.executable}"
    )
    assert made.returncode == 0, made.stdout
    if python:
        (project / ".python-version").write_text(f"{python}\n")
    text = (SETUP / "verify.sh").read_text().split("checks=(")[0]
    (shell.folder / "checks.sh").write_text(text)
    printed = shell.run(
        ". ./checks.sh; keeps metta $PWD_OF_TEST/metta", PWD_OF_TEST=str(shell.folder)
    )
    assert re.search(f"^{said}", printed.stdout, re.MULTILINE), printed.stdout

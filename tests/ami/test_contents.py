"""The contents of the image, with the real bash, apt, uv and disks, but without a machine."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ami import pins
from ami.pins import Pin

SETUP = Path("ami/setup").resolve()
FACTS = Path(__file__).parent / "facts"
SUDO = """#!/bin/bash
while [[ $1 == -* ]]; do case $1 in -u) shift 2 ;; --) shift && break ;; *) shift ;; esac; done
exec "$@"
"""


@dataclass
class ScriptShell:
    """Runs functions of the scripts here, with fakes of the programs that need a GPU or root."""

    folder: Path

    def stand_in(self, name: str, text: str) -> None:
        file = self.folder / "bin" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"#!/bin/bash\n{text}" if not text.startswith("#!") else text)
        file.chmod(0o755)

    def gate(self) -> str:
        """A command that defines the checks of verify.sh as shell functions."""
        file = self.folder / "gate.sh"
        file.write_text((SETUP / "verify.sh").read_text().split("checks=(")[0])
        return f". {file}"

    def run(self, command: str, **variables: str) -> subprocess.CompletedProcess[str]:
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
                **variables,
            },
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )


@pytest.fixture
def shell(tmp_path: Path) -> ScriptShell:
    return ScriptShell(tmp_path)


@pytest.fixture
def pinned() -> dict[str, Pin]:
    return {pin.name: pin for pin in pins.load()}


@pytest.fixture
def repositories() -> dict[str, Any]:
    """The requirements of each repository at its pinned commit."""
    return tomllib.loads((FACTS / "repositories.toml").read_text())


# The pins


def test_the_scripts_read_the_pins_as_python_does(shell: ScriptShell) -> None:
    settings = pins.settings()
    names = sorted(settings)
    output = shell.run(
        '. "$FOLDER/image.sh"; for name in $NAMES; do echo "$name=${!name}"; done',
        NAMES=" ".join(names),
    ).stdout
    assert output.splitlines() == [f"{name}={settings[name]}" for name in names]


def test_a_variable_of_the_environment_replaces_a_pin_even_if_it_is_empty(
    shell: ScriptShell,
) -> None:
    completed = shell.run(
        '. "$FOLDER/image.sh"; echo "$UV_VERSION|$NVIDIA_BRANCH"',
        UV_VERSION="1.2",
        NVIDIA_BRANCH="",
    )
    assert completed.stdout == "1.2|\n"


def test_the_deep_learning_base_keeps_its_own_driver_branch(shell: ScriptShell) -> None:
    completed = shell.run('. "$FOLDER/image.sh"; echo "<$NVIDIA_BRANCH>"', BASE="dlami")
    assert completed.stdout == "<>\n"


def test_each_pin_has_a_source_is_checked_by_its_hash_and_is_used(pinned: dict[str, Pin]) -> None:
    scripts = "".join(script.read_text() for script in SETUP.glob("*.sh"))
    for name, pin in pinned.items():
        assert pin.source, name
        assert pin.newer, name
        base = re.sub("_(VERSION|COMMIT|BRANCH)$", "", name)
        assert f"{base}_URL" not in pin.fields or pin.hashes, f"{name}: a download without a hash"
        lengths = {"SHA256": "[0-9a-f]{64}", "SHA384": "[0-9a-f]{96}", "KEY": "[0-9A-F]{40}"}
        for kind, pattern in lengths.items():
            if value := pin.fields.get(f"{base}_{kind}"):
                assert re.fullmatch(pattern, value), f"{name}: {kind}"
        if name.endswith("_COMMIT"):
            assert re.fullmatch("[0-9a-f]{40}", pin.value), name
        assert re.search(rf"\${{?{name}\b|fetch {base} ", scripts), f"{name}: no script uses it"


def test_no_script_has_a_version_of_its_own(pinned: dict[str, Pin]) -> None:
    texts = {script.name: script.read_text() for script in SETUP.glob("*.sh")}
    for value in (pin.value for pin in pinned.values() if len(pin.value) > 4):
        assert not [name for name, text in texts.items() if value in text], value


# The requirements of the repositories, compared with the installation


def test_the_facts_are_those_of_the_pinned_versions(repositories: dict[str, Any]) -> None:
    settings = pins.settings()
    assert repositories["metta"]["commit"] == settings["METTA_COMMIT"]
    assert repositories["puffer"]["commit"] == settings["PUFFER_COMMIT"]
    assert repositories["cogames"]["version"] == settings["COGAMES_VERSION"]


def test_metta_gets_the_versions_that_it_names(
    pinned: dict[str, Pin], repositories: dict[str, Any]
) -> None:
    metta = repositories["metta"]
    names = {
        "python": "PYTHON_VERSION",
        "bazelisk": "BAZELISK_VERSION",
        "nim": "NIM_VERSION",
        "torch": "TORCH_VERSION",
    }
    for fact, name in names.items():
        assert pinned[name].value == metta[fact]
    assert pinned["CUDA_VERSION"].value.startswith(f"{metta['cuda']}-")
    assert f"tag {metta['nimby']}," in pinned["NIMBY_COMMIT"].source
    assert metta["bazel"] == "latest"
    assert int(pinned["BAZEL_VERSION"].value.split(".")[0]) >= 7


def test_metta_is_installed_as_its_own_image_is(repositories: dict[str, Any]) -> None:
    metta = repositories["metta"]
    setup = (SETUP / "setup.sh").read_text()
    command = " ".join(setup[setup.index("metta() {") : setup.index("CUDA_ARCHITECTURES=")].split())
    options = 'sync --directory "$folder" --quiet '
    assert metta["sync"].replace("sync ", options) in command
    assert "no-default-groups" not in command
    assert "PUFFERLIB_BUILD_CUDA=1" in command
    order = [setup.index(f"    step {name} ") for name in ("cuda", "bazel", "nim", "metta")]
    assert order == sorted(order)
    architectures = re.search('^CUDA_ARCHITECTURES="([^"]*)"', setup, re.MULTILINE)
    assert architectures
    assert set(metta["cuda_architectures"].split(";")) <= set(architectures[1].split(";"))


def test_puffer_is_built_with_its_own_requirements_and_downloads_nothing(
    repositories: dict[str, Any],
) -> None:
    setup = (SETUP / "setup.sh").read_text()
    puffer = setup[setup.index("puffer() {") : setup.index("# box2d FOLDER")]
    assert "no-build-isolation" not in puffer, "uv then installs what build-system.requires names"
    assert "--build-constraints" in puffer
    for folder in repositories["puffer"]["downloads"]:
        name = folder.replace("5.5_linux", "${RAYLIB_VERSION}_linux")
        assert f"/{name}" in puffer, folder


# The driver branch, with a real apt


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
def archive(shell: ScriptShell) -> ScriptShell:
    """A separate apt with an archive like jammy's: 535 has ended, 570 is not installable."""
    root = shell.folder / "apt"
    for name in ("lists/partial", "archives/partial", "archive"):
        (root / name).mkdir(parents=True)
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
    completed = shell.run("apt-get update --quiet", APT_CONFIG=str(root / "apt.conf"))
    assert completed.returncode == 0, completed.stdout
    return shell


@pytest.mark.parametrize(
    ("number", "succeeds", "message"),
    [
        ("580", True, "apt would install nvidia-utils-580-server 580.159.03-0ubuntu0.22.04.1"),
        ("535", False, "NVIDIA_BRANCH=535: has ended, .* take NVIDIA_BRANCH=580"),
        ("999", False, "NVIDIA_BRANCH=999: .* has no linux-modules-nvidia-999.*NVIDIA_BRANCH=580"),
        ("570", False, "NVIDIA_BRANCH=570: apt cannot install it: .*Depends: linux-gone"),
    ],
)
def test_apt_is_asked_for_the_branch_before_anything_is_downloaded(
    archive: ScriptShell, number: str, message: str, *, succeeds: bool
) -> None:
    completed = archive.run(
        '. "$FOLDER/image.sh"; ask_for_driver',
        NVIDIA_BRANCH=number,
        APT_CONFIG=str(archive.folder / "apt/apt.conf"),
    )
    assert (completed.returncode == 0) == succeeds, completed.stdout
    assert re.search(message, completed.stdout.strip().splitlines()[-1]), completed.stdout


# The gate, on the recorded output of GPU machines


ANSWER = """\
program=${0##*/}
file=$CASE/$(printf '%s' "$program $*" | sha256sum | cut -c1-16)
[[ -e $file ]] || exit 127
head -n -1 "$file"
exit "$(tail -n 1 "$file")"
"""


@dataclass
class RecordedCase:
    """The commands of verify.sh on a machine with GPUs, their answers, and its result."""

    name: str
    ran: str = ""
    answers: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """The lines of each command's output by its command line; the last is its exit status."""
    output: list[str] = field(default_factory=list[str])


def recorded_cases(text: str) -> list[RecordedCase]:
    """Read a record of record_gpus.sh."""
    cases: list[RecordedCase] = []
    output: list[str] | None = None
    for line in text.splitlines():
        kind, _, rest = line.partition(" ")
        if output is not None:
            output.append(rest if kind == "exit" else line)
            output = None if kind == "exit" else output
        elif kind == "==":
            cases.append(RecordedCase(rest))
        elif kind == "?":
            cases[-1].ran = rest
        elif kind == "$":
            output = cases[-1].answers.setdefault(rest, [])
        elif kind == ">":
            cases[-1].output.append(rest)
        else:
            assert kind == "#", line
    return cases


@pytest.mark.parametrize("record", sorted((FACTS / "gpus").iterdir()), ids=lambda file: file.stem)
def test_the_gate_says_of_recorded_gpus_what_is_wrong(shell: ScriptShell, record: Path) -> None:
    cases = recorded_cases(record.read_text())
    for program in ("nvidia-smi", "modinfo", "python3"):
        shell.stand_in(program, ANSWER)
    commands = [shell.gate()]
    for number, case in enumerate(cases):
        folder = shell.folder / str(number)
        folder.mkdir()
        for command, lines in case.answers.items():
            file = folder / hashlib.sha256(command.encode()).hexdigest()[:16]
            file.write_text("\n".join(lines) + "\n")
        commands += [f"export CASE={folder}; echo '=={number}'", case.ran]
    output = shell.run("\n".join(commands)).stdout
    outputs = re.split(r"^==\d+\n", output, flags=re.MULTILINE)[1:]
    assert [lines.splitlines() for lines in outputs] == [case.output for case in cases]


@pytest.mark.parametrize(
    ("failed", "stopped", "expected"),
    [
        ("", "", "ok units none-failed"),
        ("fwupd-refresh.service loaded failed", "", "ok units none-failed"),
        ("docker.service loaded failed", "", "failed units: docker.service"),
        ("", "nvidia-persistenced", r"failed units: nvidia-persistenced.service \(not running\)"),
    ],
)
def test_only_failed_units_of_the_image_count(
    shell: ScriptShell, failed: str, stopped: str, expected: str
) -> None:
    shell.stand_in(
        "systemctl",
        f"case $1 in list-units) echo '{failed}' ;;\n"
        f"is-active) [[ $3 != '{stopped}.service' ]] ;; esac",
    )
    output = shell.run('bash "$FOLDER/verify.sh" units').stdout
    assert re.search(f"^{expected}$", output, re.MULTILINE), output
    assert ("not of the image, but failed: fwupd-refresh.service" in output) == ("fwupd" in failed)


def test_a_failed_check_names_the_error_and_not_the_hint(shell: ScriptShell) -> None:
    output = (
        "  x Failed to build mettagrid\n  Traceback (most recent call last):\n"
        "    RuntimeError: Bazel is required\n  hint: Build failures usually indicate\n"
    )
    shell.stand_in("nvcc", f"echo '{output}'; exit 1")
    shell.stand_in("df", "echo Avail; echo 100")
    output = shell.run('bash "$FOLDER/verify.sh" compiler disks').stdout
    lines = output.splitlines()
    assert "failed nvcc: RuntimeError: Bazel is required" in lines
    assert lines[-1] == "1 failed: nvcc: RuntimeError: Bazel is required", "what the builder shows"


# The first `uv run` keeps the environment, with a real uv


def uv() -> str:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    path = shutil.which("uv") or next(map(str, cache.glob("sandbox-pulumi/uv-*/bin/uv")), "")
    assert path, "uv is missing; run make venv"
    return path


def wheel(folder: Path, name: str, version: str = "1.0") -> None:
    folder.mkdir(exist_ok=True)
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{name}.py", "")
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")


@pytest.mark.proof
@pytest.mark.parametrize(
    ("options", "python", "expected"),
    [
        ("--locked", "", "ok metta-uv-run kept"),
        ("--frozen --no-default-groups", "", "failed metta-uv-run: changes the environment"),
        ("--locked", "3.12.11", "failed metta-uv-run: ."),
    ],
    ids=["as we install it", "as it was installed before", "another Python than its own"],
)
def test_the_first_uv_run_keeps_the_environment(
    shell: ScriptShell, options: str, python: str, expected: str
) -> None:
    project = shell.folder / "metta"
    wheel(shell.folder / "wheels", "needed")
    wheel(shell.folder / "wheels", "interactive")
    project.mkdir()
    version = ".".join(map(str, sys.version_info[:3]))
    (project / ".python-version").write_text(f"{version}\n")
    (project / "pyproject.toml").write_text(
        '[project]\nname = "metta"\nversion = "0.1"\nrequires-python = ">=3.11"\n'
        'dependencies = ["needed"]\n[dependency-groups]\ninteractive = ["interactive"]\n'
        '[tool.uv]\npackage = false\nno-index = true\nfind-links = ["../wheels"]\n'
        'default-groups = ["interactive"]\n'
    )
    (shell.folder / "bin").mkdir()
    (shell.folder / "bin/uv").symlink_to(uv())
    completed = shell.run(
        f"uv lock --project metta --python {sys.executable} &&"
        f" uv sync {options} --project metta --python {sys.executable}"
    )
    assert completed.returncode == 0, completed.stdout
    if python:
        (project / ".python-version").write_text(f"{python}\n")
    output = shell.run(f"{shell.gate()}; keeps metta {project} --frozen").stdout
    assert re.search(f"^{expected}", output, re.MULTILINE), output


@pytest.mark.proof
def test_uv_run_in_a_project_whose_extras_exclude_each_other_keeps_the_environment(
    shell: ScriptShell,
) -> None:
    """PufferLib is such a project: its extra minerl requires gym 0.17, most others 0.23."""
    project = shell.folder / "puffer"
    project.mkdir()
    for version in ("1.0", "2.0"):
        wheel(shell.folder / "wheels", "gym", version)
    (project / "pyproject.toml").write_text(
        '[project]\nname = "puffer"\nversion = "3.0"\nrequires-python = ">=3.11"\n'
        'dependencies = ["gym"]\n[project.optional-dependencies]\nminerl = ["gym==1.0"]\n'
        'atari = ["gym==2.0"]\n'
        '[tool.uv]\npackage = false\nno-index = true\nfind-links = ["../wheels"]\n'
    )
    (shell.folder / "bin").mkdir()
    (shell.folder / "bin/uv").symlink_to(uv())
    output = shell.run(
        f"cd puffer && uv venv --quiet --python {sys.executable} && uv pip install --quiet gym==2.0"
        " && ls .venv/lib/*/site-packages >../before;"
        " uv run --offline python -c pass || echo failed"
        " && ls .venv/lib/*/site-packages | diff - ../before && cd .."
        f" && {shell.gate()} && keeps puffer {project} --no-sync",
    ).stdout
    assert re.search("^failed$", output, re.MULTILINE), output
    assert re.search("^ok puffer-uv-run kept$", output, re.MULTILINE), output


# The real release of cogames, with the real uv and PyPI


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ("[neural]", r"ok cogames-torch torch {torch}\+cu[0-9]+, 0 GPUs computed"),
        ("", "failed cogames-torch: ModuleNotFoundError: No module named .*"),
    ],
    ids=["as we install it", "without its extra"],
)
def test_the_gate_knows_a_cogames_that_can_train(
    shell: ScriptShell, pinned: dict[str, Pin], extra: str, expected: str
) -> None:
    python = pinned["PYTHON_VERSION"].value.rpartition(".")[0]
    of_pyenv = next(Path.home().glob(f".pyenv/versions/{python}.*"), Path()).name
    interpreter = subprocess.run(
        [uv(), "python", "find", python],
        env=os.environ
        | {"PYENV_VERSION": of_pyenv},  # pyenv hides the interpreters that are not selected
        capture_output=True,
        text=True,
        check=False,
    )
    if interpreter.returncode:
        pytest.skip(f"the image has Python {python}, and this computer has none")
    folders = {"/opt/tools": shell.folder / "tools", "/usr/local/bin": shell.folder / "bin"}
    for name in ("setup.sh", "verify.sh"):
        text = re.split("^(?:case|checks)", (SETUP / name).read_text(), flags=re.MULTILINE)[0]
        for folder, here in folders.items():
            text = text.replace(folder, str(here))
        (shell.folder / name).write_text(text.replace("[neural]", extra))
    (shell.folder / "bin").mkdir()
    (shell.folder / "bin/uv").symlink_to(uv())
    (shell.folder / f"bin/python{python}").symlink_to(interpreter.stdout.strip())
    cache = subprocess.run([uv(), "cache", "dir"], capture_output=True, text=True, check=True)
    ways_out = re.compile("SSL_CERT_.*|.*_proxy|UV_.*", re.IGNORECASE)
    network = {name: value for name, value in os.environ.items() if ways_out.fullmatch(name)}
    completed = shell.run(
        f"(. {shell.folder}/setup.sh; cogames) && . {shell.folder}/verify.sh && GPUS=0 cogames",
        **network | {"UV_CACHE_DIR": cache.stdout.strip()},
    )
    lines = completed.stdout.splitlines()
    assert f"ok cogames {pinned['COGAMES_VERSION'].value}" in lines, completed.stdout
    expected = expected.format(torch=re.escape(pinned["TORCH_VERSION"].value))
    assert [line for line in lines if re.fullmatch(expected, line)], completed.stdout
    assert "ok cogames-train starts" in lines, completed.stdout

"""The lock files: requirements.txt agrees with uv.lock, and uv.lock with pyproject.toml."""

import re
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from packaging.requirements import Requirement

ROOT: Final = Path(__file__).parents[1]
PINNED: Final = re.compile(r"^([\w.-]+)==(\S+)")
PROGRAM: Final = "sandbox"
OURS: Final = {PROGRAM, "sandbox-client"}


@pytest.fixture(scope="module")
def lock() -> dict[str, dict[str, Any]]:
    """The packages of uv.lock by name."""
    packages = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]
    return {package["name"]: package for package in packages}


@pytest.fixture(scope="module")
def requirements() -> dict[str, set[str]]:
    """The hashes in requirements.txt, by entries such as pulumi==3.272.0."""
    hashes: dict[str, set[str]] = {}
    pin = ""
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines():
        if match := PINNED.match(line):
            pin = match[0]
            hashes[pin] = set()
        hashes.get(pin, set()).update(re.findall(r"--hash=(sha256:[0-9a-f]{64})", line))
    return hashes


def needed(lock: dict[str, dict[str, Any]]) -> set[str]:
    """The packages of the program, without the development group."""
    names: set[str] = set()
    waiting = [*lock[PROGRAM]["dependencies"]]
    while waiting:
        dependency = waiting.pop()
        package = lock[dependency["name"]]
        for extra in dependency.get("extra", ()):
            waiting += package["optional-dependencies"][extra]
        if package["name"] not in names:
            names.add(package["name"])
            waiting += package.get("dependencies", ())
    return names - OURS


def test_requirements_pin_the_packages_of_the_program_as_uv_lock_does(
    lock: dict[str, dict[str, Any]], requirements: dict[str, set[str]]
) -> None:
    assert set(requirements) == {f"{name}=={lock[name]['version']}" for name in needed(lock)}
    for name in needed(lock):
        files = [*lock[name].get("wheels", ()), lock[name].get("sdist", {"hash": None})]
        expected = {file["hash"] for file in files} - {None}
        assert requirements[f"{name}=={lock[name]['version']}"] == expected, name


def test_uv_lock_holds_the_pins_of_pyproject(lock: dict[str, dict[str, Any]]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    pins = [
        Requirement(pin)
        for pin in (*project["project"]["dependencies"], *project["dependency-groups"]["dev"])
        if pin not in OURS
    ]
    assert {pin.name: str(pin.specifier) for pin in pins} == {
        pin.name: f"=={lock[pin.name.lower()]['version']}" for pin in pins
    }


def test_uv_lock_names_the_public_index_only() -> None:
    hosts = set(re.findall(r"https?://([^/\"]+)", (ROOT / "uv.lock").read_text(encoding="utf-8")))
    assert hosts == {"pypi.org", "files.pythonhosted.org"}


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
def test_every_package_of_the_program_has_a_wheel(
    lock: dict[str, dict[str, Any]], python: str
) -> None:
    """On Linux with an x86-64 or ARM processor, so that `pulumi install` compiles nothing."""
    tag = f"cp{python.replace('.', '')}"
    wheel = re.compile(
        rf"-(?:py3|py2\.py3|py3[.\w]*)-none-any\.whl$"
        rf"|-{tag}-{tag}-manylinux\S*\.whl$"
        r"|-cp3\d+-abi3-manylinux\S*\.whl$"
        r"|-py3-none-manylinux\S*\.whl$"
    )
    without = {
        name
        for name in needed(lock)
        if not any(wheel.search(file["url"]) for file in lock[name].get("wheels", ()))
    }
    assert without == set()


def test_the_project_and_the_pack_name_their_toolchain() -> None:
    """Otherwise the engine uses the toolchain of a uv.lock in a parent folder."""
    for file, virtualenv in (
        ("Pulumi.yaml", ".venv"),
        ("policies/PulumiPolicy.yaml", "../.venv"),
    ):
        runtime = yaml.safe_load((ROOT / file).read_text(encoding="utf-8"))["runtime"]
        options = {"toolchain": "pip", "virtualenv": virtualenv}
        assert runtime == {"name": "python", "options": options}


def test_the_packs_folder_installs_what_the_project_needs() -> None:
    """The toolchain reads the file in the pack's folder, and both have one environment."""
    assert (ROOT / "policies/requirements.txt").read_text() == "-r ../requirements.txt\n"

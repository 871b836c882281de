"""The package as a service installs it: without the program."""

import os
import subprocess
import sys
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

import sandbox_client
from tests.docs import printed_commands
from tests.sandbox_client.frozen_config import FROZEN_FILE, frozen_config

SOURCE = Path(sandbox_client.__file__).parent
USES_PACKAGE = """
import sys
from importlib.metadata import requires, version
import sandbox_client
from sandbox_client import SandboxConfig, launch_request
assert version("sandbox-client") == sandbox_client.__version__
assert [line.split(";")[1].strip() for line in requires("sandbox-client") if "boto3" in line] == [
    'extra == "client"'
]
request = launch_request(SandboxConfig.from_file(sys.argv[1]), "alice")
print(request["ImageId"])
from sandbox_client import Sandboxes
"""
"""Only its last line needs boto3."""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package, because setuptools writes into the folder that it builds."""
    folder = tmp_path_factory.mktemp("checkout")
    copy = folder / "sandbox_client"
    copy.mkdir()
    for file in SOURCE.iterdir():
        if file.is_file():
            (copy / file.name).write_bytes(file.read_bytes())
    return folder


@pytest.fixture(scope="module")
def wheel(checkout: Path) -> Path:
    package = checkout / "sandbox_client"
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", checkout, package)
    (built,) = checkout.glob("*.whl")
    return built


def pip(*arguments: str | Path, python: str | Path = sys.executable) -> None:
    command = [sys.executable, "-m", "pip", "--python", python, "--quiet", *arguments]
    subprocess.run(command, check=True)


def test_the_wheel_holds_every_module_and_the_type_marker(wheel: Path) -> None:
    files = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}
    modules = {f"sandbox_client/{file.name}" for file in SOURCE.glob("*.py")}
    assert files == {*modules, "sandbox_client/py.typed"}


@pytest.mark.proof  # downloads pydantic
def test_it_works_in_an_environment_that_holds_nothing_else(
    checkout: Path, wheel: Path, tmp_path: Path
) -> None:
    venv.create(tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"

    def use() -> subprocess.CompletedProcess[str]:
        command = [python, "-c", USES_PACKAGE, str(FROZEN_FILE)]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    pip("install", wheel, python=python)
    without_extra = use()
    assert without_extra.stdout.strip() == frozen_config().ami_id, without_extra.stderr
    assert "No module named 'boto3'" in without_extra.stderr.splitlines()[-1]
    installed = {path.name for path in (tmp_path / "venv").glob("lib/*/site-packages/*")}
    assert not {"pulumi", "infra", "sandbox"} & installed

    (command,) = printed_commands.scripts("docs/service.md", "A service in Python")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    pip_of_venv = {**os.environ, "PATH": path, "PIP_PYTHON": str(python)}
    subprocess.run(["bash", "-c", command], cwd=checkout, env=pip_of_venv, check=True)
    assert use().returncode == 0

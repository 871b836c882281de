"""The workflows: valid, pinned, without keys, and made of the `make` targets that tests run."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.policies import cache

FOLDER = Path(__file__).parents[2] / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))


def jobs(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]


def test_there_are_three() -> None:
    assert [path.stem for path in FILES] == ["drift", "main", "pull-request"]


@pytest.mark.proof
def test_actionlint_and_shellcheck_find_nothing() -> None:
    shellcheck = cache.BIN / "shellcheck"
    ran = subprocess.run(
        [cache.actionlint(), "-shellcheck", shellcheck, *FILES],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (0, "")


@pytest.mark.proof
def test_actionlint_does_find_a_mistake(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yml"
    text = (
        FILES[0].read_text(encoding="utf-8").replace("runs-on: ubuntu-24.04", "runs-on: ubuntu-1")
    )
    broken.write_text(text, encoding="utf-8")
    ran = subprocess.run([cache.actionlint(), broken], capture_output=True, check=False)
    assert ran.returncode == 1


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_actions_are_pinned_by_commit_with_their_release_beside(path: Path) -> None:
    uses = re.findall(r"uses: (.+)", path.read_text(encoding="utf-8"))
    assert uses
    for one in uses:
        assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+.*", one), one


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_workflow_has_a_key_or_prints_a_secret(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"access.key|secret-access|show-secrets|-v=9|DEBUG_GRPC|tracing", text)
    top = yaml.safe_load(text)["permissions"]
    assert top == {"contents": "read"}


def test_only_what_deploys_is_in_the_environment_and_never_cut_off() -> None:
    (up,) = jobs(FOLDER / "main.yml").values()
    assert up["environment"] == "production"
    concurrency = yaml.safe_load((FOLDER / "main.yml").read_text(encoding="utf-8"))["concurrency"]
    assert concurrency == {"group": "deploy", "cancel-in-progress": False}
    for path in (FOLDER / "pull-request.yml", FOLDER / "drift.yml"):
        assert all("environment" not in job for job in jobs(path).values())


def test_the_work_is_done_by_make_targets() -> None:
    called = {
        target
        for path in FILES
        for job in jobs(path).values()
        for step in job["steps"]
        for target in re.findall(r"make (?:--silent )?([\w-]+)", step.get("run", ""))
    }
    assert called == {"check", "test", "ci-preview", "ci-up", "drift"}


def test_the_cli_is_the_version_of_the_sdk() -> None:
    project = (FOLDER.parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    sdk = re.findall(r'"pulumi==([\d.]+)"', project)
    versions = {
        step["with"]["pulumi-version"]
        for path in FILES
        for job in jobs(path).values()
        for step in job["steps"]
        if "pulumi/actions" in step.get("uses", "")
    }
    assert sorted(versions) == sdk

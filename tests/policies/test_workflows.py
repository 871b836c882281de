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


def steps(path: Path) -> list[dict[str, Any]]:
    return [step for job in jobs(path).values() for step in job["steps"]]


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


def test_nothing_of_an_event_is_put_into_a_script() -> None:
    for path in FILES:
        for step in steps(path):
            assert "${{" not in step.get("run", ""), step


def test_a_secret_is_seen_only_by_the_step_that_needs_it() -> None:
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        given = [step for step in steps(path) if "secrets." in str(step)]
        assert text.count("secrets.") == len(given)
        assert all("make " in step["run"] and "uses" not in step for step in given)


def test_only_who_takes_on_a_role_may_ask_for_a_token() -> None:
    for path in FILES:
        for job in jobs(path).values():
            taking = any(
                "configure-aws-credentials" in step.get("uses", "") for step in job["steps"]
            )
            assert (job.get("permissions", {}).get("id-token") == "write") is taking
            assert job["timeout-minutes"] <= 60


def test_a_comparison_takes_no_waiting_updates_place() -> None:
    groups = [
        yaml.safe_load(path.read_text(encoding="utf-8"))["concurrency"]["group"] for path in FILES
    ]
    assert len(set(groups)) == len(groups)


def test_what_the_cache_goes_by_exists() -> None:
    root = FOLDER.parents[1]
    keys = re.findall(
        r"hashFiles\((.+?)\)", (FOLDER / "pull-request.yml").read_text(encoding="utf-8")
    )
    patterns = [one for key in keys for one in re.findall(r"'(.+?)'", key)]
    assert patterns
    assert all(any(root.glob(one)) for one in patterns)


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

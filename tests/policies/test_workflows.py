"""The workflows: valid, pinned, without keys, with the fewest rights, and with one CLI version."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.engine import pins
from tests.policies import workflows
from tests.policies.actionlint import BIN, actionlint
from tests.policies.workflows import SET_UP, WITH_PULUMI, WORKFLOWS


def set_up_steps() -> list[dict[str, Any]]:
    return yaml.safe_load(SET_UP.read_text(encoding="utf-8"))["runs"]["steps"]


def test_these_are_all_workflows() -> None:
    assert sorted(path.stem for path in workflows.FOLDER.glob("*.yml")) == list(WORKFLOWS)


@pytest.mark.proof
def test_actionlint_and_shellcheck_find_nothing() -> None:
    files = [workflows.path(workflow) for workflow in WORKFLOWS]
    done = subprocess.run(
        [actionlint(), "-shellcheck", BIN / "shellcheck", *files],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.proof
def test_actionlint_finds_a_mistake(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yml"
    text = workflows.text("main").replace("runs-on: ubuntu-24.04", "runs-on: ubuntu-1")
    broken.write_text(text, encoding="utf-8")
    done = subprocess.run([actionlint(), broken], capture_output=True, check=False)
    assert done.returncode == 1


@pytest.mark.parametrize(
    "path", [*(workflows.path(workflow) for workflow in WORKFLOWS), SET_UP], ids=lambda p: p.stem
)
def test_actions_are_pinned_by_commit_and_name_their_release(path: Path) -> None:
    uses = re.findall(r"uses: (.+)", path.read_text(encoding="utf-8"))
    assert uses
    for action in uses:
        is_own = action == "./.github/actions/set-up"
        assert is_own or re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+.*", action)


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_no_workflow_has_a_key_or_prints_a_secret(workflow: str) -> None:
    text = workflows.text(workflow)
    assert not re.search(r"access.key|secret-access|show-secrets|-v=9|DEBUG_GRPC|tracing", text)
    assert workflows.content(workflow)["permissions"] == {"contents": "read"}


def test_only_the_deployment_is_in_the_environment_and_it_is_never_cancelled() -> None:
    (up,) = workflows.jobs("main").values()
    assert up["environment"] == "production"
    concurrency = workflows.content("main")["concurrency"]
    assert concurrency == {"group": "deploy", "cancel-in-progress": False}
    for workflow in ("pull-request", "drift"):
        assert all("environment" not in job for job in workflows.jobs(workflow).values())


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_no_script_holds_an_expression(workflow: str) -> None:
    """An expression would insert text of an event into the script."""
    for step in workflows.steps(workflow):
        assert "${{" not in step.get("run", ""), step
    for step in set_up_steps():
        assert "${{" not in step.get("run", ""), step


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_only_the_step_that_runs_pulumi_gets_a_secret(workflow: str) -> None:
    assert workflows.text(workflow).count("secrets.") == (workflow in WITH_PULUMI)
    assert workflow not in WITH_PULUMI or "pulumi " in workflows.script(workflow)


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_only_a_job_that_takes_on_a_role_may_ask_for_a_token(workflow: str) -> None:
    for job in workflows.jobs(workflow).values():
        takes_on_role = any("set-up" in step.get("uses", "") for step in job["steps"])
        assert (job.get("permissions", {}).get("id-token") == "write") is takes_on_role
        assert job["timeout-minutes"] <= 60


def test_each_workflow_has_a_concurrency_group_of_its_own() -> None:
    """In a shared group a new run would cancel the run that already waits."""
    groups = {workflows.content(workflow)["concurrency"]["group"] for workflow in WORKFLOWS}
    assert len(groups) == len(WORKFLOWS)


def test_the_files_that_the_cache_key_hashes_exist() -> None:
    keys = re.findall(r"hashFiles\((.+?)\)", workflows.text("pull-request"))
    patterns = [pattern for key in keys for pattern in re.findall(r"'(.+?)'", key)]
    assert patterns
    assert all(any(workflows.ROOT.glob(pattern)) for pattern in patterns)


def test_a_pull_request_runs_all_tests_once() -> None:
    runs = [
        step["run"] for step in workflows.jobs("pull-request")["test"]["steps"] if "run" in step
    ]
    assert runs == ["make test"]


def test_the_workflows_install_the_cli_that_the_local_engine_has() -> None:
    for workflow in WORKFLOWS:
        assert "pulumi-version" not in workflows.text(workflow)
    (step,) = [step for step in set_up_steps() if "pulumi/actions@" in step.get("uses", "")]
    assert step["with"] == {"pulumi-version-file": ".pulumi.version"}
    file = workflows.ROOT / step["with"]["pulumi-version-file"]
    assert file.read_text(encoding="utf-8") == f"{pins.CLI}\n"


def test_the_jobs_that_hold_a_role_install_no_development_packages() -> None:
    scripts = [step["run"] for step in set_up_steps() if "uv sync" in step.get("run", "")]
    assert [line for script in scripts for line in script.splitlines() if "uv" in line] == [
        "uv sync --locked --no-dev"
    ]


@pytest.mark.parametrize(
    ("workflow", "pulumi", "sandbox", "code"),
    [
        ("pull-request", 0, 0, 0),
        ("pull-request", 1, 0, 1),
        ("main", 0, 0, 0),
        ("main", 1, 0, 1),
        ("drift", 0, 0, 0),
        ("drift", 1, 0, 1),
        ("drift", 0, 10, 10),
    ],
)
def test_a_step_fails_if_one_of_its_commands_fails(
    tmp_path: Path, workflow: str, pulumi: int, sandbox: int, code: int
) -> None:
    for name, result in (("pulumi", pulumi), ("sandbox", sandbox)):
        (tmp_path / name).write_text(f"#!/bin/sh\nexit {result}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    done = subprocess.run(
        ["bash", "-e", "-c", workflows.script(workflow)],
        cwd=tmp_path,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        check=False,
    )
    assert done.returncode == code


GITHUB = """#!/bin/sh
echo "$*" >> calls
case "$2" in list) printf %s "$OPEN" ;; esac
"""
"""A `gh` that records its calls and answers with the number in OPEN, if it is set."""
STEPS_ELSEWHERE = {
    "make test": "CI's own run of these tests",
    "make venv": "tests/e2e/test_readme.py",
    "uv sync --locked --no-dev": "tests/e2e/test_readme.py runs it with the development packages",
    ".venv/bin/sandbox image pins --write | tee pins.txt": "tests/ami/test_pins.py asks PyPI",
}


@pytest.mark.parametrize(
    ("workflow", "step", "number", "call"),
    [
        ("drift", "report the differences", "", "issue create"),
        ("drift", "report the differences", "7", "issue comment 7"),
        ("pull-request", "comment", "", "pr comment 7"),
        ("image-pins", "open a pull request", "", "pr create"),
        ("image-pins", "open a pull request", "7", "pr edit 7"),
    ],
)
def test_a_step_that_reports_writes_what_was_found(
    tmp_path: Path, workflow: str, step: str, number: str, call: str
) -> None:
    (script,) = [each["run"] for each in workflows.steps(workflow) if each.get("name") == step]
    gh = tmp_path / "bin" / "gh"
    gh.parent.mkdir()
    gh.write_text(GITHUB, encoding="utf-8")
    gh.chmod(0o755)
    pins = checkout(tmp_path / "checkout")
    pins.write_text("UV_VERSION = 2\n", encoding="utf-8")
    for file in ("drift.txt", "preview.txt", "pins.txt"):
        (tmp_path / "checkout" / file).write_text("what was found\n", encoding="utf-8")
    subprocess.run(
        ["bash", "-e", "-c", script],
        cwd=tmp_path / "checkout",
        env={
            "PATH": f"{gh.parent}:/usr/bin:/bin",
            "OPEN": number,
            "PULUMI_STACK": "production",
            **dict.fromkeys(("GITHUB_REPOSITORY", "RUN", "TITLE", "OUTCOME"), "text"),
            "NUMBER": "7",
            "BRANCH": "image-pins",
            "BASE": "main",
        },
        check=True,
    )
    calls = (tmp_path / "checkout" / "calls").read_text(encoding="utf-8").splitlines()
    assert calls[-1].startswith(call)
    body = tmp_path / "checkout" / calls[-1].partition("--body-file ")[2].split()[0]
    assert "```text\nwhat was found\n```" in body.read_text(encoding="utf-8")
    pushed = git(tmp_path / "origin", "log", "--format=%s", "--all").splitlines()
    assert len(pushed) == 1 + (workflow == "image-pins")


def checkout(folder: Path) -> Path:
    """Check out a repository that holds the image's pins; return the path of their file."""
    origin = folder.with_name("origin")
    git(folder.parent, "init", "--quiet", "--bare", "--initial-branch=main", str(origin))
    git(folder.parent, "clone", "--quiet", str(origin), str(folder))
    pins = folder / "ami" / "setup" / "pins.toml"
    pins.parent.mkdir(parents=True)
    pins.write_text("UV_VERSION = 1\n", encoding="utf-8")
    git(folder, "add", ".")
    author = ("-c", "user.name=ann", "-c", "user.email=ann@example.org")
    git(folder, *author, "commit", "--quiet", "--message=pins")
    git(folder, "push", "--quiet", "origin", "HEAD")
    return pins


def git(folder: Path, *arguments: str) -> str:
    command = ["git", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


def test_every_step_is_run_by_a_test() -> None:
    """The steps with Pulumi run in test_pipeline.py, those with `gh` above."""
    scripts = [
        step["run"]
        for workflow in WORKFLOWS
        for step in workflows.steps(workflow)
        if "run" in step and not {"pulumi", "gh"} & set(step["run"].split())
    ]
    lines = [line.strip() for script in scripts for line in script.splitlines()]
    lines += [step["run"].splitlines()[0] for step in set_up_steps() if "run" in step]
    assert set(lines) - {"set -o pipefail"} == STEPS_ELSEWHERE.keys()

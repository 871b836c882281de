"""An emulated account and a stack of its own, with the commands of an engineer there."""

import json
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.sandbox import in_process
from tests.sandbox.adopt.fake_account import Client, Json, Snapshot, clients, recreate, snapshot

ROOT = Path(__file__).parents[3]
STACK = "production"
STATE = "old.tfstate"
COPIED = ("Pulumi.yaml", "Pulumi.production.yaml")
"""Files that commands write to, or beside."""
NOT_LINKED = {*COPIED, ".git", ".local", STATE}
Completed = subprocess.CompletedProcess[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptionEnv:
    """One account with what the old module created, and the program's folder."""

    folder: Path
    region: str
    variables: Mapping[str, str]
    """The environment variables of every command."""
    state: Json
    """Terraform's state, with the ids that the account has."""

    @property
    def client(self) -> Client:
        return clients(self.region, self.variables)

    @property
    def project(self) -> Path:
        return self.folder / "project"

    @property
    def state_file(self) -> Path:
        return self.folder / STATE

    def account(self) -> Snapshot:
        return snapshot(self.client)

    def check(self, *options: str) -> Completed:
        return self.adopt("check", str(self.state_file), *options)

    def apply(self, *options: str) -> Completed:
        return self.adopt("apply", str(self.state_file), *options)

    def killed_apply(self, path: str) -> Completed:
        """Adopt in a process that `pulumi` in *path* kills."""
        adopt = [sys.executable, "-m", "sandbox", "adopt", "apply", str(self.state_file)]
        return self.run([*adopt, "--stack", STACK], PATH=path)

    def adopt(self, *arguments: str) -> Completed:
        return in_process.run(["adopt", *arguments, "--stack", STACK], self.project, self.variables)

    def pulumi(self, *arguments: str) -> str:
        completed = self.run(["pulumi", *arguments, "--stack", STACK, "--non-interactive"])
        assert completed.returncode == 0, completed.stdout + completed.stderr
        return completed.stdout

    def run(self, command: list[str], **variables: str) -> Completed:
        return subprocess.run(
            command,
            cwd=self.project,
            env={**self.variables, **variables},
            capture_output=True,
            text=True,
            check=False,
        )

    def ids(self) -> dict[str, str]:
        """AWS ids by URN."""
        deployment: Json = json.loads(self.pulumi("stack", "export"))["deployment"]
        return {entry["urn"]: entry.get("id", "") for entry in deployment.get("resources") or []}

    def outputs(self) -> Json:
        return json.loads(self.pulumi("stack", "output", "--json", "--show-secrets"))

    def files_of_stack(self) -> dict[str, bytes]:
        """The content of every file that holds the stack's state or config."""
        groups = (self.folder / "backend").rglob("*.json"), self.project.glob("Pulumi.*.yaml")
        return {str(path): path.read_bytes() for paths in groups for path in paths}

    def files_with(self, text: str) -> list[str]:
        """The files of this environment that hold *text*, apart from Terraform's state."""
        return [
            str(path)
            for path in self.folder.rglob("*")
            if path.is_file()
            and path.name != STATE
            and not path.is_symlink()
            and text.encode() in path.read_bytes()
        ]


def build(folder: Path, variables: Mapping[str, str], state: Json) -> AdoptionEnv:
    """Reset the emulated account, and create there what *state* describes; no stack yet."""
    reset(variables)
    region: str = state["outputs"]["sandbox_config"]["value"]["region"]
    return around(folder, variables, recreate(state, clients(region, variables)))


def reset(variables: Mapping[str, str]) -> None:
    """Empty the emulated account."""
    request = urllib.request.Request(  # noqa: S310 - the emulator's own address
        f"{variables['AWS_ENDPOINT_URL']}/moto-api/reset", method="POST"
    )
    with urllib.request.urlopen(request):  # noqa: S310 - as above
        pass


def around(folder: Path, variables: Mapping[str, str], state: Json) -> AdoptionEnv:
    """The program's folder beside an account that is as *state* describes."""
    environment = AdoptionEnv(
        folder=folder,
        region=state["outputs"]["sandbox_config"]["value"]["region"],
        variables=variables,
        state=state,
    )
    environment.state_file.write_text(json.dumps(environment.state))
    environment.project.mkdir()
    for name in COPIED:
        shutil.copy(ROOT / name, environment.project)
    for entry in ROOT.iterdir():
        if entry.name not in NOT_LINKED and not entry.match("Pulumi.*.yaml"):
            (environment.project / entry.name).symlink_to(entry)
    return environment


def secret_of(state: Json) -> str:
    """The secret of the active access key; "" if the state has none."""
    return next(
        (
            instance["attributes"]["secret"]
            for block in state["resources"]
            if block["type"] == "aws_iam_access_key"
            for instance in block["instances"]
            if instance["attributes"]["status"] == "Active"
        ),
        "",
    )


def changes(report: Json, operation: str) -> list[Json]:
    """The changes with *operation* in the JSON that `check` printed."""
    return [change for change in report["changes"] if change["operation"] == operation]


def error_line(completed: Completed) -> str:
    """The error that ended the command: the last line, after the lines of its progress."""
    return completed.stderr.strip().splitlines()[-1]


def counts(summary: str) -> dict[str, int]:
    """The numbers in the summary of `pulumi up`: {"created": 11, "updated": 17}."""
    return {
        words[2]: int(words[1])
        for words in (line.split() for line in summary.splitlines())
        if len(words) == 3 and words[1].isdecimal() and words[0] in {"+", "~", "-", "+-"}
    }


def moved_ids(before: Mapping[str, str], after: Mapping[str, str]) -> set[str]:
    """The URNs of *before* whose id is different or gone *after*."""
    return {urn for urn, identifier in before.items() if after.get(urn) != identifier}

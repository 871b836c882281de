"""An emulated account and a stack of its own, with the commands of an engineer there."""

import json
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from world import Client, Json, Seen, clients, look, recreate

ROOT = Path(__file__).parents[3]
STACK = "production"
STATE = "old.tfstate"
COPIED = ("Pulumi.yaml", "Pulumi.production.yaml")
"""What commands write to, or beside."""
NOT_LINKED = {*COPIED, ".git", ".local", "old.tfstate"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    """One account with what the old module made, and the program's folder."""

    folder: Path
    region: str
    environment: Mapping[str, str]
    old: Json
    """The state, with the ids of what stands."""

    @property
    def client(self) -> Client:
        return clients(self.region, self.environment)

    @property
    def project(self) -> Path:
        return self.folder / "project"

    @property
    def state_file(self) -> Path:
        return self.folder / STATE

    def look(self) -> Seen:
        return look(self.client)

    def migrate(self, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
        return self.run(
            [
                sys.executable,
                "-m",
                "migrate",
                str(self.state_file),
                "--stack",
                STACK,
                *arguments,
            ],
            **more,
        )

    def retired(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return self.run(
            [sys.executable, "-m", "sandbox", "adopt", "finish", "--stack", STACK, *arguments]
        )

    def pulumi(self, *arguments: str) -> str:
        ran = self.run(["pulumi", *arguments, "--stack", STACK, "--non-interactive"])
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    def run(self, command: list[str], **more: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command,
            cwd=self.project,
            env={**self.environment, **more},
            capture_output=True,
            text=True,
            check=False,
        )

    def ids(self) -> dict[str, str]:
        """AWS ids by URN."""
        deployment: Json = json.loads(self.pulumi("stack", "export"))["deployment"]
        return {one["urn"]: one.get("id", "") for one in deployment.get("resources") or []}

    def written(self) -> dict[str, bytes]:
        """Every file that the stack and its config consist of."""
        kept = (self.folder / "backend").rglob("*.json"), self.project.glob("Pulumi.*.yaml")
        return {str(path): path.read_bytes() for paths in kept for path in paths}

    def files_with(self, text: str) -> list[str]:
        """Files of this town, but for the old state itself, that hold *text*."""
        return [
            str(path)
            for path in self.folder.rglob("*")
            if path.is_file()
            and path.name != STATE
            and not path.is_symlink()
            and text.encode() in path.read_bytes()
        ]


def build(folder: Path, environment: Mapping[str, str], state: Json) -> Town:
    """Reset the emulator of *environment*, and make there what *state* describes; no stack yet."""
    reset = urllib.request.Request(  # noqa: S310 - the emulator's own address
        f"{environment['AWS_ENDPOINT_URL']}/moto-api/reset", method="POST"
    )
    with urllib.request.urlopen(reset):  # noqa: S310 - the same
        pass
    region: str = state["outputs"]["sandbox_config"]["value"]["region"]
    old = recreate(state, clients(region, environment))
    town = Town(folder=folder, region=region, environment=environment, old=old)
    town.state_file.write_text(json.dumps(old))
    town.project.mkdir()
    for name in COPIED:
        shutil.copy(ROOT / name, town.project)
    for entry in ROOT.iterdir():
        if entry.name not in NOT_LINKED and not entry.match("Pulumi.*.yaml"):
            (town.project / entry.name).symlink_to(entry)
    return town


def secret_of(state: Json) -> str:
    """The access key's secret; "" where the state has no key."""
    return next(
        (
            instance["attributes"]["secret"]
            for block in state["resources"]
            if block["type"] == "aws_iam_access_key"
            for instance in block["instances"]
        ),
        "",
    )


def lines(text: str, op: str) -> list[str]:
    """The preview's lines about *op*."""
    return [one.strip() for one in text.splitlines() if one.startswith(f"  {op} ")]


def counts(summary: str) -> dict[str, int]:
    """What `pulumi up` says it did: {"created": 11, "updated": 17}."""
    return {
        words[2]: int(words[1])
        for words in (line.split() for line in summary.splitlines())
        if len(words) == 3 and words[1].isdecimal() and words[0] in {"+", "~", "-", "+-"}
    }


def outputs(town: Town) -> Any:
    return json.loads(town.pulumi("stack", "output", "--json", "--show-secrets"))

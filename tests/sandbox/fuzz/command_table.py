"""Every command of `sandbox` with arguments that work, and the answers of a healthy stack."""

import json
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import typer

from infra import access_keys
from sandbox import cli
from sandbox.core import yaml_text
from tests.sandbox.conftest import FakePulumi
from tests.sandbox_client.frozen_config import frozen_values

ROOT: Final = Path(__file__).parents[3]
STATE_FILE: Final = Path(__file__).parents[1] / "adopt" / "original.tfstate"
IMAGE: Final = "ami-0123456789abcdef0"
STACK: Final = ("--stack", "test")
COMMANDS: Final[Sequence[Sequence[str]]] = (
    ("status", *STACK),
    ("status", "--quick", *STACK),
    ("doctor", *STACK),
    ("drift", *STACK),
    ("costs",),
    ("diagram", *STACK),
    ("config", "show", *STACK),
    ("config", "schema"),
    ("permissions", "table"),
    ("permissions", "documents", *STACK),
    ("permissions", "check", *STACK),
    ("settings", "show", *STACK),
    ("settings", "set", "zones", "us-east-1a=0", *STACK),
    ("settings", "unset", "key_name", *STACK),
    ("zones", "propose", *STACK),
    ("zones", "propose", "--write", *STACK),
    ("image", "build", "--dry-run", *STACK),
    ("image", "pins"),
    ("image", "list", *STACK),
    ("image", "prune", "--keep", "1", "--yes", *STACK),
    ("image", "clean", "--yes", *STACK),
    ("image", "resume", IMAGE, *STACK),
    ("keys", "list", *STACK),
    ("keys", "rotate", "--yes", *STACK),
    ("keys", "rollback", "--yes", *STACK),
    ("budget", "status", *STACK),
    ("budget", "lift", "--yes", *STACK),
    ("secret", *STACK),
    ("recover", "--dry-run", *STACK),
    ("recover", "--yes", *STACK),
    ("adopt", "check", str(STATE_FILE), *STACK),
    ("adopt", "apply", str(STATE_FILE), *STACK),
    ("adopt", "addresses", str(STATE_FILE)),
    ("adopt", "finish", *STACK),
)
WITHOUT_STACK_AND_ACCOUNT: Final = frozenset({("permissions", "prove")})
"""Commands that depend on nothing outside; each run takes seconds."""
URN: Final = "urn:pulumi:test::sandbox"
PROVIDER_URN: Final = f"{URN}::pulumi:providers:aws::aws"


def words_of_every_command() -> Iterator[tuple[str, ...]]:
    """The words of every command, without options and arguments."""

    def below(group: typer.Typer, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        for command in group.registered_commands:
            yield (*words, command.name or "")
        for inner in group.registered_groups:
            if inner.typer_instance:
                yield from below(inner.typer_instance, (*words, inner.name or ""))

    return below(cli.app, ())


def resource(kind: str, name: str, **fields: Any) -> dict[str, Any]:
    return {"urn": f"{URN}::{kind}::{name}", "type": kind, "custom": True, **fields}


def deployment() -> dict[str, Any]:
    """A state as `pulumi stack export` prints it: root, provider, VPC and access key."""
    tags = '{"tags": {"Project": "sandbox", "Environment": "production"}}'
    region = {"region": "us-east-1", "defaultTags": tags}
    return {
        "version": 3,
        "deployment": {
            "manifest": {"time": "2026-11-24T10:00:00Z", "magic": "", "version": "v3.231.0"},
            "resources": [
                resource("pulumi:pulumi:Stack", "sandbox-test", custom=False),
                resource(
                    "pulumi:providers:aws", "aws", id="1234", inputs=region, outputs=dict(region)
                ),
                resource(
                    "aws:ec2/vpc:Vpc",
                    "sandbox-vpc",
                    id="vpc-0123456789abcdef0",
                    inputs={"cidrBlock": "10.100.0.0/16"},
                    outputs={"cidrBlock": "10.100.0.0/16", "id": "vpc-0123456789abcdef0"},
                ),
                resource(
                    "aws:iam/accessKey:AccessKey",
                    access_keys.resource_name("a"),
                    id="AKIAEXAMPLE",
                    inputs={"user": "sandbox-manager"},
                    outputs={
                        "user": "sandbox-manager",
                        "status": "Active",
                        "createDate": "2026-11-01T10:00:00Z",
                    },
                    modified="2026-11-01T10:00:00Z",
                ),
            ],
        },
    }


def outputs() -> dict[str, Any]:
    return {
        "sandbox_config": frozen_values(),
        "vpc_id": "vpc-0123456789abcdef0",
        "public_subnet_ids": ["subnet-0123456789abcdef0"],
        "instance_role_arn": "arn:aws:iam::123456789012:role/sandbox-instance",
        "sandbox_manager_access_key_id": "AKIAEXAMPLE",
        "sandbox_manager_secret_access_key": "made-up-secret",
    }


@cache
def _declared() -> dict[str, Any]:
    return yaml_text.parse((ROOT / "Pulumi.yaml").read_text())["config"]


def config() -> dict[str, Any]:
    """The config in the form that the engine prints, with the defaults of Pulumi.yaml."""
    defaults = {key: setting["default"] for key, setting in _declared().items()}
    return {
        f"sandbox:{key}": {"value": value, "secret": False}
        if isinstance(value, str)
        else {"value": json.dumps(value), "secret": False}
        for key, value in defaults.items()
    }


ANSWERS: Final[dict[str, Any]] = {
    "stack --show-name": "test\n",
    "stack ls": [{"name": "test"}],
    "config --json": config,
    "stack output": outputs,
    "stack export": deployment,
    "stack history": [],
    "preview": {"steps": []},
    "version": "v3.231.0\n",
    "whoami": {"user": "tester", "url": "file://~"},
    **dict.fromkeys(
        ("config set", "config rm", "stack import", "stack init", "stack rm", "stack select"), ""
    ),
    **dict.fromkeys(("stack rename", "import", "refresh", "cancel", "up"), ""),
}
"""The output of each `pulumi` command on a healthy stack; a function creates a long one."""
READING: Final = (
    *("stack ls", "config --json", "stack output", "stack export", "stack history", "preview"),
)
"""The commands whose answers are JSON."""


def answer_all(pulumi: FakePulumi) -> None:
    """Let *pulumi* answer for a healthy stack."""
    pulumi.answer_each(
        {words: answer() if callable(answer) else answer for words, answer in ANSWERS.items()}
    )

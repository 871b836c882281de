"""One emulated account and one stack, shared by all engine tests of the guard rails.

The account records every call (`recorded_calls`). The state is in S3, as in a real account. The
steps of the workflows use a separate access key, so the tests can compare their calls with the role
of the pipeline.
"""

import json
import re
import shutil
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Final

import yaml

from local import emulator, engine
from local import stack as local_stack
from tests.e2e.account import Client, client_of
from tests.e2e.engine_stack import EngineStack, Ran, ran
from tests.policies import recorded_calls, workflows
from tests.policies.mutation.mutants import MUTANTS

STACK: Final = "production"
BUCKET: Final = "pipeline-state"
STATE_KEY_ALIAS: Final = "alias/pipeline"
IN_REGION: Final = f"region={local_stack.REGION}&awssdk=v2"
PIPELINE_KEY: Final = "pipeline"
"""The access key id of the workflows' steps."""
PACK: Final = ("--policy-pack", str(workflows.ROOT / "policies"))
FINDING: Final = re.compile(r"\[(mandatory|advisory)\]\s+([a-z0-9-]+)\s+\(.+?: .+\)$", re.MULTILINE)
"""A finding, as the engine prints it."""
MESSAGE: Final = re.compile(
    r"\[(mandatory|advisory)\]\s+([a-z0-9-]+)\s+\(.+?: .+\)\n.*\n\s+(.+)$", re.MULTILINE
)
"""The same with the message, which is two lines below."""


class EngineRun(Ran):
    """How a command ended, with the findings of the guard rails."""

    def rules(self, level: str) -> set[str]:
        """The rules with a finding of this level, advisory or mandatory."""
        return {rule for shown, rule in FINDING.findall(self.output) if shown == level}

    def findings(self) -> list[tuple[str, str]]:
        """The mandatory findings: rule and message."""
        shown = MESSAGE.findall(self.output)
        return [(rule, message) for level, rule, message in shown if level == "mandatory"]


class PolicyStack:
    """The stack, its account, and two checkouts: the program, and the program with mutants."""

    def __init__(self, folder: Path, account: emulator.Emulator) -> None:
        self.calls_folder = folder / "account"
        environment = local_stack.environment(engine.ensure(), account, folder / "state")
        self.client: Client = client_of(environment)
        self.client("s3").create_bucket(Bucket=BUCKET)
        self.environment = {
            **environment,
            "PULUMI_STACK": STACK,
            "PULUMI_BACKEND_URL": f"s3://{BUCKET}?{IN_REGION}",
        }
        checkout = folder / "checkout"
        checkout.mkdir()
        self.sandbox = EngineStack(checkout, self.environment, STACK)
        self.configure()
        self._mutated = folder / "mutated"

    def move_secrets_to_kms(self) -> None:
        """Encrypt the secrets of the state with a KMS key, as in a real account."""
        key = self.client("kms").create_key()["KeyMetadata"]["KeyId"]
        self.client("kms").create_alias(AliasName=STATE_KEY_ALIAS, TargetKeyId=key)
        provider = f"awskms://{STATE_KEY_ALIAS}?{IN_REGION}"
        self.sandbox.pulumi("stack", "change-secrets-provider", provider)

    def configure(self, **config: object) -> None:
        """Set the stack's config to this, with protection, as in production."""
        self.sandbox.configure(**{"protect": True, **config})

    def run_workflow(self, workflow: str) -> EngineRun:
        """Run the step of a workflow that calls Pulumi, like GitHub."""
        return self.shell(workflows.script(workflow), key_id=PIPELINE_KEY)

    def shell(self, script: str, key_id: str = "local") -> EngineRun:
        """Run *script* in the program's folder, as the caller of *key_id*."""
        command = ["bash", "-e", "-c", script]
        environment = {**self.environment, "AWS_ACCESS_KEY_ID": key_id}
        return run(command, environment, self.sandbox.folder)

    def deploy(self) -> None:
        done = self.run_workflow("main")
        assert done.code == 0, done.output

    def outputs(self) -> Mapping[str, Any]:
        return self.sandbox.outputs()

    def pipeline_calls(self) -> list[recorded_calls.RecordedCall]:
        """The calls of the workflows' steps so far."""
        calls = recorded_calls.calls(self.calls_folder)
        return [call for call in calls if call.key_id == PIPELINE_KEY]

    @cached_property
    def mutated(self) -> Path:
        """A checkout whose program applies the mutants that MUTANTS names."""
        self._mutated.mkdir()
        shutil.copy(Path(__file__).parent / "mutation" / "__main__.py", self._mutated)
        project = yaml.safe_load((workflows.ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))
        project["runtime"]["options"]["virtualenv"] = str(workflows.ROOT / ".venv")
        (self._mutated / "Pulumi.yaml").write_text(yaml.safe_dump(project), encoding="utf-8")
        shutil.copy(self.sandbox.folder / f"Pulumi.{STACK}.yaml", self._mutated)
        return self._mutated

    def pulumi(
        self, *arguments: str, mutants: Sequence[str] = (), key_id: str = "local"
    ) -> EngineRun:
        """Run a command of the engine on the program with mutants and their settings."""
        environment = {
            **self.environment,
            "AWS_ACCESS_KEY_ID": key_id,
            "MUTANTS": "\n".join(mutants),
            "REPOSITORY": str(workflows.ROOT),
        }
        command = ["pulumi", *arguments, "--non-interactive", "--color", "never"]
        settings = {
            f"sandbox:{key}": value
            for name in mutants
            for key, value in MUTANTS[name].config.items()
        }
        if not settings:
            return run(command, environment, self.mutated)
        content = yaml.safe_load(
            (self.mutated / f"Pulumi.{STACK}.yaml").read_text(encoding="utf-8")
        )
        content["config"].update(settings)
        with NamedTemporaryFile("w", dir=self.mutated, suffix=".yaml", encoding="utf-8") as file:
            yaml.safe_dump(content, file)
            file.flush()
            return run([*command, "--config-file", file.name], environment, self.mutated)

    def preview(self, mutants: Sequence[str] = (), *options: str) -> EngineRun:
        """Preview the program with mutants, under the guard rails."""
        return self.pulumi("preview", *PACK, "--stack", STACK, *options, mutants=mutants)

    def previews(self, groups: Sequence[Sequence[str]]) -> Mapping[str, EngineRun]:
        """The preview of the group of each mutant. Previews take no lock, so two run at a time."""
        assert self.mutated.exists()  # made here, not by two threads at once
        with ThreadPoolExecutor(max_workers=2) as pool:
            runs = [*pool.map(self.preview, groups)]
        return {name: run for group, run in zip(groups, runs, strict=True) for name in group}

    def update(self, mutants: Sequence[str]) -> EngineRun:
        """Preview and update the program with mutants, as the pipeline would."""
        command = ("up", "--yes", *PACK, "--stack", STACK)
        return self.pulumi(*command, mutants=mutants, key_id=PIPELINE_KEY)

    @property
    def state(self) -> dict[str, Any]:
        """The checkpoint in the bucket."""
        return json.loads(self.client("s3").get_object(**self._state_object)["Body"].read())

    @state.setter
    def state(self, state: Mapping[str, Any]) -> None:
        self.client("s3").put_object(**self._state_object, Body=json.dumps(state).encode())

    @property
    def _state_object(self) -> dict[str, str]:
        return {"Bucket": BUCKET, "Key": f".pulumi/stacks/sandbox/{STACK}.json"}

    def resources(self) -> list[dict[str, Any]]:
        """The resources in the state."""
        return self.state["checkpoint"]["latest"]["resources"]


@contextmanager
def standing_stack(folder: Path) -> Generator[PolicyStack]:
    """A stack before its first update, in an account of its own."""
    account = recorded_calls.start(folder / "account")
    try:
        yield PolicyStack(folder, account)
    finally:
        emulator.stop(folder / "account")


def run(command: Sequence[str], environment: Mapping[str, str], folder: Path) -> EngineRun:
    completed = ran(command, environment, folder)
    return EngineRun(completed.code, completed.output)

"""A `pulumi` with canned answers, for tests of the commands without an engine."""

import json
import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest


@dataclass(frozen=True, slots=True)
class FakePulumi:
    """An executable on PATH that answers a command by its first words, and records its calls."""

    folder: Path
    _cases: list[str] = field(default_factory=list[str])
    """The branches of the shell's case statement."""

    def answer(
        self, words: str, stdout: object = "", *, stderr: str = "", code: int = 0, then: str = ""
    ) -> Path:
        """Answer each command that begins with *words*; a later answer overrides earlier ones.

        Prints a *stdout* that is not a text as JSON; returns the file that holds it. The shell
        command *then* runs after each answer.
        """
        file = self._add_case(words, stdout, stderr=stderr, code=code, then=then)
        self._write_script()
        return file

    def answer_each(self, answers: Mapping[str, object]) -> None:
        """Answer each command that begins with a key of *answers* with its value."""
        for words, stdout in answers.items():
            self._add_case(words, stdout)
        self._write_script()

    def _add_case(
        self, words: str, stdout: object, *, stderr: str = "", code: int = 0, then: str = ""
    ) -> Path:
        file = self.folder / f"{len(self._cases)}.out"
        file.write_text(stdout if isinstance(stdout, str) else json.dumps(stdout))
        complaint = f"printf %s {shlex.quote(stderr)} >&2; " if stderr else ""
        self._cases.insert(
            0,
            f"{shlex.quote(words)}*) cat {file}; {complaint}{then or ':'}; exit {code};;\n",
        )
        return file

    def _write_script(self) -> None:
        script = self.folder / "pulumi"
        script.write_text(
            "#!/bin/sh\n"
            f'printf "%s\\n" "$*" >> {self.folder}/calls\n'
            f'printf "%s" "$PWD" > {self.folder}/cwd\n'
            f"cat > {self.folder}/$$.stdin\n"
            f'case "$*" in\n{"".join(self._cases)}esac\n'
            'echo "error: the test has no answer for: $*" >&2; exit 99\n'
        )
        script.chmod(0o755)

    @property
    def calls(self) -> Sequence[str]:
        file = self.folder / "calls"
        return file.read_text().splitlines() if file.exists() else []

    @property
    def inputs(self) -> Sequence[str]:
        """The standard inputs of the calls, without empty ones."""
        texts = [file.read_text() for file in self.folder.glob("*.stdin")]
        return [text for text in texts if text]

    @property
    def working_folder(self) -> str:
        """The working folder of the latest call."""
        return (self.folder / "cwd").read_text()


@pytest.fixture
def fake_pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakePulumi:
    folder = tmp_path / "fake-pulumi"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.delenv("PULUMI_STACK", raising=False)
    return FakePulumi(folder)


@pytest.fixture
def made_up_credentials(monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """Made-up credentials for moto, so that a mistake cannot reach a real account."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)  # above all AWS_ENDPOINT_URL, which moto does not intercept
    credentials = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    for name, value in credentials.items():
        monkeypatch.setenv(name, value)
    return credentials

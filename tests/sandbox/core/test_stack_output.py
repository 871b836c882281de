"""How the adapter reads the output of `pulumi`.

With a wrong passphrase the engine succeeds and prints null for each secret; tests/sandbox/
test_engine.py shows that on the real engine.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.core.pulumi_cli import PulumiError
from sandbox.core.stack import Stack


def stack_that_prints(value: Any, folder: Path, *, code: int = 0) -> Stack:
    """A stack whose `pulumi` prints *value* as JSON and ends with *code*."""
    (folder / "printed.json").write_text(json.dumps(value))
    fake = folder / "pulumi"
    fake.write_text(f"#!/bin/sh\ncat {folder}/printed.json\nexit {code}\n")
    fake.chmod(0o755)
    return Stack("test", folder, {"PATH": f"{folder}:/usr/bin:/bin"})


@pytest.fixture(autouse=True)
def only_the_fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")


def deployment(*plaintexts: str) -> dict[str, Any]:
    secrets = {str(number): {"plaintext": text} for number, text in enumerate(plaintexts)}
    resource = {
        "urn": "urn:pulumi:test::sandbox::aws:iam/accessKey:AccessKey::key",
        "type": "aws:iam/accessKey:AccessKey",
        "outputs": secrets,
    }
    return {"deployment": {"resources": [resource]}}


def test_a_secret_output_of_null_is_refused(tmp_path: Path) -> None:
    stack = stack_that_prints({"vpc_id": "vpc-1", "key": None}, tmp_path)
    with pytest.raises(PulumiError, match=r"key: .*passphrase"):
        stack.outputs(secrets=True)


def test_an_export_whose_secrets_are_all_null_is_refused(tmp_path: Path) -> None:
    stack = stack_that_prints(deployment("null", "null"), tmp_path)
    with pytest.raises(PulumiError, match="passphrase"):
        stack.export(show_secrets=True)


@pytest.mark.parametrize("plaintexts", [(), ('"x"',), ('"x"', "null"), ('"\\"null\\""',)])
def test_an_export_with_a_readable_secret_is_returned(
    plaintexts: tuple[str, ...], tmp_path: Path
) -> None:
    stack = stack_that_prints(deployment(*plaintexts), tmp_path)
    assert stack.export(show_secrets=True) == deployment(*plaintexts)


def test_the_output_of_an_update_is_shown_only_if_it_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stack_that_prints("50 lines", tmp_path).update()
    assert capsys.readouterr() == ("", "")
    with pytest.raises(PulumiError):
        stack_that_prints("50 lines", tmp_path, code=1).update()
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "50 lines" in shown.err

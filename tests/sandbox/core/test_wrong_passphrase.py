"""A wrong passphrase: the engine succeeds and prints null for each secret; the adapter refuses it.

tests/sandbox/test_engine.py shows the same on the real engine.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.core.pulumi_cli import PulumiError
from sandbox.core.stack import Stack


def stack_that_prints(value: Any, folder: Path) -> Stack:
    fake = folder / "pulumi"
    (folder / "printed.json").write_text(json.dumps(value))
    fake.write_text(f"#!/bin/sh\ncat {folder}/printed.json\n")
    fake.chmod(0o755)
    return Stack("test", folder, {"PATH": f"{folder}:/usr/bin:/bin"})


@pytest.fixture(autouse=True)
def only_the_fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")


def deployment(*plaintexts: str) -> dict[str, Any]:
    secrets = {str(number): {"plaintext": text} for number, text in enumerate(plaintexts)}
    return {"deployment": {"resources": [{"outputs": secrets}]}}


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

"""`sandbox settings`: values as people type them in a shell, checked before they are written."""

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox import cli
from sandbox.core.errors import ExitCode
from tests.docs import printed_commands
from tests.sandbox.conftest import FakePulumi
from tests.sandbox.fuzz import command_table


@pytest.fixture
def folder(fake_pulumi: FakePulumi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The program's folder, with a stack whose file sets a key pair."""
    command_table.answer_all(fake_pulumi)
    config = command_table.config()
    config["sandbox:key_name"]["value"] = "researchers"
    fake_pulumi.answer("config --json", config)
    (tmp_path / "Pulumi.yaml").write_text("name: sandbox\n")
    (tmp_path / "Pulumi.test.yaml").write_text("config:\n  sandbox:key_name: researchers\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> int:
    return cli.run(["--quiet", "settings", *arguments, "--stack", "test"])


def written(pulumi: FakePulumi) -> dict[str, Any]:
    """The values that the last `pulumi config set-all` wrote, by key."""
    (call,) = [call for call in pulumi.calls if call.startswith("config set-all")]
    entries = json.loads(call[call.index("{") : call.rindex("}") + 1])
    return {key: entry.get("objectValue", entry["value"]) for key, entry in entries.items()}


@pytest.mark.parametrize(
    ("words", "value"),
    [
        (
            ["allowed_ssh_cidrs", "203.0.113.0/24", "2001:db8::/32"],
            ["203.0.113.0/24", "2001:db8::/32"],
        ),
        (
            ["allowed_ssh_cidrs", "203.0.113.0/24,2001:db8::/32"],
            ["203.0.113.0/24", "2001:db8::/32"],
        ),
        (["allowed_ssh_cidrs", '["203.0.113.0/24"]'], ["203.0.113.0/24"]),
        (["sandbox:allowed_ssh_cidrs", "203.0.113.0/24"], ["203.0.113.0/24"]),
        (["zones", "us-east-1a=0", "us-east-1b=1"], {"us-east-1a": 0, "us-east-1b": 1}),
        (["zones", "us-east-1a: 0"], {"us-east-1a": 0}),
        (
            ["tags", "CostCenter=4711", "Owner=ml platform"],
            {"CostCenter": "4711", "Owner": "ml platform"},
        ),
        (["zones", '{"us-east-1a": 0}'], {"us-east-1a": 0}),
        (["manager_keys", "b=current"], {"b": "current"}),
        (["protect", "True"], True),
        (["flow_log_retention_days", "90"], 90),
        (["environment", "staging"], "staging"),
        (["vpc_cidr", "10.101.0.0/16"], "10.101.0.0/16"),
        (["key_name", ""], ""),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
@pytest.mark.usefixtures("folder")
def test_a_value_is_taken_as_people_type_it(
    fake_pulumi: FakePulumi, words: list[str], value: object
) -> None:
    assert run("set", *words) == ExitCode.DONE
    assert list(written(fake_pulumi).values()) in ([value], [json.dumps(value)])


@pytest.mark.parametrize(
    ("words", "code", "shown"),
    [
        (["allowed_ssh_cidrs", "203.0.113.1/24"], ExitCode.REFUSED, "203.0.113.0/24"),
        (["zones", "us-east-1a=-1"], ExitCode.REFUSED, "us-east-1a"),
        (["zones", "us-west-2a=0"], ExitCode.REFUSED, "us-east-1"),
        (["zones", "us-east-1a"], ExitCode.USAGE, "NAME=VALUE"),
        (["protect", "yes"], ExitCode.REFUSED, "true or false"),
        (["flow_log_retention_days", "91"], ExitCode.REFUSED, "90"),
        (["flow_log_retention_days", "9", "0"], ExitCode.USAGE, "one value"),
        (["monthly_budget_usd", "100"], ExitCode.REFUSED, "budget_email"),
        (["alowed_ssh_cidrs", "10.0.0.0/8"], ExitCode.USAGE, "allowed_ssh_cidrs"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
@pytest.mark.usefixtures("folder")
def test_a_value_that_is_not_valid_is_not_written(
    fake_pulumi: FakePulumi,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    code: ExitCode,
    shown: str,
) -> None:
    assert run("set", *words) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert shown in line
    assert not any(call.startswith("config set") for call in fake_pulumi.calls)


@pytest.mark.usefixtures("folder")
def test_the_source_of_a_value_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("show", "--json") == ExitCode.DONE
    shown = {setting["setting"]: setting for setting in json.loads(capsys.readouterr().out)}
    assert shown["key_name"] == {
        "setting": "key_name",
        "value": "researchers",
        "default": "",
        "source": "stack",
    }
    assert shown["allowed_ssh_cidrs"]["source"] == "default"
    assert run("show", "key_name") == ExitCode.DONE
    assert "researchers" in capsys.readouterr().out.splitlines()[1]


@pytest.mark.usefixtures("folder")
def test_unset_removes_a_setting_that_the_stack_sets(
    fake_pulumi: FakePulumi, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("unset", "zones") == ExitCode.USAGE
    assert run("unset", "key_name") == ExitCode.DONE
    assert any(call.startswith("config rm sandbox:key_name") for call in fake_pulumi.calls)
    assert "settings show" in capsys.readouterr().err


@pytest.mark.parametrize(
    "content",
    [
        b"config: [",
        b"- list",
        b"config: text",
        "config:\n  sandbox:key_name: x\n".encode("utf-16-le"),
        b"\xff\x00",
        b"config: {a: b: c}",
    ],
    ids=["torn", "a list", "a text", "UTF-16 without BOM", "bytes", "not YAML"],
)
def test_a_broken_file_is_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    (folder / "Pulumi.test.yaml").write_bytes(content)
    assert run("show") == ExitCode.FAILED
    (line,) = capsys.readouterr().err.splitlines()
    assert "Pulumi.test.yaml" in line
    assert "; " in line


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_file_that_powershell_wrote_is_read(
    folder: Path, capsys: pytest.CaptureFixture[str], encoding: str
) -> None:
    text = yaml.safe_dump({"config": {"sandbox:key_name": "researchers"}}).replace("\n", "\r\n")
    (folder / "Pulumi.test.yaml").write_bytes(text.encode(encoding))
    assert run("show", "key_name") == ExitCode.DONE
    assert "stack" in capsys.readouterr().out


@pytest.mark.parametrize(
    "scripts",
    [
        printed_commands.scripts("README.md", "Settings"),
        printed_commands.scripts("docs/settings.md"),
    ],
    ids=["README", "settings"],
)
def test_the_commands_of_the_documents_work_as_printed(
    folder: Path,
    fake_pulumi: FakePulumi,
    monkeypatch: pytest.MonkeyPatch,
    scripts: Sequence[str],
) -> None:
    fake_pulumi.answer("stack --show-name", "production")
    fake_pulumi.answer("stack ls", [{"name": "production"}])
    (folder / "Pulumi.production.yaml").write_text("config:\n  sandbox:zones: {us-east-1a: 0}\n")
    monkeypatch.setenv("PULUMI_STACK", "production")
    for command in "\n".join(scripts).splitlines():
        program, *arguments = shlex.split(command)
        assert program == cli.NAME
        assert cli.run(arguments) == ExitCode.DONE, command

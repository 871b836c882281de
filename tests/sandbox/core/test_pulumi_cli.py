"""What becomes of the engine's own complaints: one line that says what to do."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.core.pulumi_cli import CommandError, pulumi

Say = Callable[[str, str, int], None]


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Say:
    """A pulumi that says what it is told to say, and ends with what it is told."""
    monkeypatch.setenv("PATH", str(tmp_path))

    def make(stdout: str, stderr: str, code: int) -> None:
        fake = tmp_path / "pulumi"
        fake.write_text(
            f"#!{sys.executable}\nimport sys, os, json\n"
            f"print({stdout!r} or json.dumps([sys.argv[1:], sys.stdin.read(), os.getcwd()]))\n"
            f"print({stderr!r}, file=sys.stderr)\nsys.exit({code})\n"
        )
        fake.chmod(0o755)

    return make


def test_it_is_given_its_stack_its_folder_and_its_input_and_never_asks(
    engine: Say, tmp_path: Path
) -> None:
    engine("", "", 0)
    said = json.loads(
        pulumi(
            "stack",
            "import",
            stack="dev",
            stdin="canary",
            folder=tmp_path,
            environment={"PATH": str(tmp_path)},
        )
    )
    assert said == [
        ["stack", "import", "--stack", "dev", "--non-interactive"],
        "canary",
        str(tmp_path.resolve()),
    ]


JSON = json.dumps(
    {
        "diagnostics": [
            {"severity": "warning", "message": "old"},
            {"severity": "error", "message": "refused: too wide\n\nmore"},
            {"severity": "error", "message": "refused: too wide\n"},
        ]
    }
)
ROLE = "urn:pulumi:dev::sandbox::sandbox:manager:Manager$aws:iam/role:Role::a:b"
EVENTS = "\n".join(
    json.dumps({"sequence": number, **event})
    for number, event in enumerate(
        [
            {"preludeEvent": {}},
            {"diagnosticEvent": {"severity": "debug", "message": "read", "urn": ROLE}},
            {"diagnosticEvent": {"severity": "error", "message": "is gone\n", "urn": ROLE}},
            {"diagnosticEvent": {"severity": "error", "message": "update failed: is gone"}},
        ]
    )
)
TRACEBACK = "error: Program failed:\nTraceback (most recent call last):\n  File x\nOSError: no disk"


@pytest.mark.parametrize(
    ("stdout", "stderr", "said"),
    [
        (JSON, "", "pulumi preview: refused: too wide"),
        (EVENTS, "", "pulumi preview: Role a:b: is gone"),
        ("", "Updating\nerror: first\n\nnot this\nerror: second\n", "first; second"),
        ("", TRACEBACK, "pulumi preview: OSError: no disk"),
        ("", "something\nodd happened\n", "pulumi preview: odd happened"),
        ("\n", "", "pulumi preview: it did not say why"),
        (
            "",
            "error: [409] Conflict: the stack is currently locked by 1",
            "pulumi cancel --stack dev",
        ),
        ("", "error: no stack named 'dev' found", "pulumi stack init dev"),
    ],
)
def test_a_failure_is_one_line_with_the_reason(
    engine: Say, stdout: str, stderr: str, said: str
) -> None:
    engine(stdout, stderr, 255)
    with pytest.raises(CommandError) as refused:
        pulumi("preview", "--json", stack="dev")
    assert said in str(refused.value)
    assert str(refused.value).startswith("pulumi preview: ")
    assert len(str(refused.value).splitlines()) == 1


def test_what_is_shown_goes_to_standard_error_as_it_comes(
    engine: Say, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with os.fdopen(os.dup(2), "w") as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        engine("updating", "a warning", 0)
        assert not pulumi("up", "--yes", stack="dev", show=True)
        engine("updating", "a warning", 1)
        with pytest.raises(CommandError, match="pulumi up: see what it said above"):
            pulumi("up", "--yes", stack="dev", show=True)
    shown = capfd.readouterr()
    assert not shown.out
    assert shown.err.count("updating\n") == shown.err.count("a warning\n") == 2


def test_a_missing_pulumi_is_said_with_where_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CommandError, match="pulumi: is not on PATH; install it from https"):
        pulumi("preview")

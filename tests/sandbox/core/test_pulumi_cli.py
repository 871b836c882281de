"""A failure of `pulumi` becomes one line with the cure."""

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sandbox.core.pulumi_cli import LockedError, NoStackError, PulumiError, run_pulumi
from tests.sandbox.conftest import FakePulumi
from tests.sandbox.lock_error import lock, lock_error

ROLE = "urn:pulumi:dev::sandbox::sandbox:manager:Manager$aws:iam/role:Role::a:b"
PREVIEW = {
    "diagnostics": [
        {"severity": "warning", "message": "old"},
        {"severity": "error", "message": "refused: too wide\n\nmore"},
        {"severity": "error", "message": "refused: too wide\n"},
    ]
}
EVENTS = "\n".join(
    json.dumps(event)
    for event in (
        {"preludeEvent": {}},
        {"diagnosticEvent": {"severity": "debug", "message": "read", "urn": ROLE}},
        {"diagnosticEvent": {"severity": "error", "message": "is gone\n", "urn": ROLE}},
        {"diagnosticEvent": {"severity": "error", "message": "update failed: is gone"}},
    )
)
TRACEBACK = "error: Program failed:\nTraceback (most recent call last):\n  File x\nOSError: no disk"
LOCKS = "s3://bucket/.pulumi/locks/organization/sandbox/dev"
LOCKED = lock_error(
    lock(f"{LOCKS}/a.json", "alice@laptop", 4711, "2026-11-26T16:00:00Z"),
    lock(f"{LOCKS}/b.json", "bob@runner-2", 12, "2026-11-26T18:30:00+01:00"),
)


def test_a_command_gets_its_stack_folder_and_input_and_never_asks(
    fake_pulumi: FakePulumi, tmp_path: Path
) -> None:
    fake_pulumi.answer("stack import", "done")
    assert run_pulumi("stack", "import", stack="dev", stdin="canary", folder=tmp_path) == "done"
    assert fake_pulumi.calls == ["stack import --stack dev --non-interactive"]
    assert fake_pulumi.inputs == ["canary"]
    assert fake_pulumi.working_folder == str(tmp_path.resolve())


@pytest.mark.parametrize(
    ("stdout", "stderr", "reason"),
    [
        (PREVIEW, "", "refused: too wide"),
        (EVENTS, "", "Role a:b: is gone"),
        ("", "Updating\nerror: first\n\nnot this\nerror: second\n", "first; second"),
        ("", TRACEBACK, "OSError: no disk"),
        ("", "something\nodd happened\n", "odd happened"),
        ("", "error: failed to load checkpoint: place 1: unexpected end of JSON input", "backup"),
    ],
    ids=["preview", "events", "lines", "traceback", "no error", "damaged state"],
)
def test_a_failure_is_one_line_with_the_reason(
    fake_pulumi: FakePulumi, stdout: object, stderr: str, reason: str
) -> None:
    fake_pulumi.answer("preview", stdout, stderr=stderr, code=255)
    with pytest.raises(PulumiError) as refused:
        run_pulumi("preview", "--json", stack="dev")
    message = str(refused.value)
    assert message.startswith("pulumi preview: ")
    assert reason in message
    assert "\n" not in message


def test_a_lock_is_reported_with_its_holders(fake_pulumi: FakePulumi) -> None:
    fake_pulumi.answer("up", stderr=LOCKED, code=255)
    with pytest.raises(LockedError, match="sandbox recover --stack dev") as refused:
        run_pulumi("up", stack="dev")
    alice, bob = refused.value.locks
    assert (alice.username, alice.hostname, alice.pid) == ("alice", "laptop", 4711)
    assert alice.since == datetime(2026, 11, 26, 16, tzinfo=UTC)
    assert (bob.hostname, bob.since) == ("runner-2", datetime(2026, 11, 26, 17, 30, tzinfo=UTC))


def test_pulumi_clouds_lock_has_no_holder(fake_pulumi: FakePulumi) -> None:
    fake_pulumi.answer(
        "up", stderr="error: [409] Conflict: Another update is currently in progress.", code=255
    )
    with pytest.raises(LockedError) as refused:
        run_pulumi("up", stack="dev")
    assert refused.value.locks == []


def test_a_stack_that_does_not_exist_has_an_error_of_its_own(fake_pulumi: FakePulumi) -> None:
    fake_pulumi.answer("preview", stderr="error: no stack named 'dev' found", code=255)
    with pytest.raises(NoStackError):
        run_pulumi("preview", stack="dev")


def test_shown_output_goes_to_standard_error_as_it_comes(
    fake_pulumi: FakePulumi, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_pulumi.answer("up", "updating", stderr="a warning")
    fake_pulumi.answer("up --fail", "updating", stderr="a warning", code=1)
    with os.fdopen(os.dup(2), "w") as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        assert not run_pulumi("up", "--yes", show=True)
        with pytest.raises(PulumiError):
            run_pulumi("up", "--fail", show=True)
    shown = capfd.readouterr()
    assert not shown.out
    assert shown.err.count("updating") == shown.err.count("a warning") == 2


def test_a_missing_pulumi_is_reported_with_where_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PulumiError, match=r"https://www\.pulumi\.com/docs/install"):
        run_pulumi("preview")

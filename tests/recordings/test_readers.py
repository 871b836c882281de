"""Every reader of an answer meets every recording of its operation.

The result is correct, or an error of one line; never a traceback.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pulumi
import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from infra.aws_clients import AwsClients
from sandbox.core import aws_errors
from sandbox.core.errors import SandboxError
from tests.recordings.readers import READERS, Reader, catalogue_readers
from tests.recordings.recording import Recording, Replay, of, recordings

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = ("infra", "ami", "sandbox", "sandbox_client")
ALL: Final = tuple(reader for reader in (*catalogue_readers(), *READERS) if of(reader.operation))
CALLED_ELSEWHERE: Final = {
    # the file only names an operation of the catalogue
    ("infra/aws_clients.py", "ec2.DescribeNatGateways"),
    # Pulumi's provider reads the answer
    ("infra/account.py", "sts.GetCallerIdentity"),
}


@pytest.fixture
def replay(monkeypatch: pytest.MonkeyPatch) -> Replay:
    """Recorded answers for every client of the project."""
    replayed = Replay()
    monkeypatch.setattr(AwsClients, "_client", replayed.client)
    return replayed


def one_line(error: Exception) -> str:
    """The line that a user sees."""
    return aws_errors.describe(error) if isinstance(error, ClientError) else str(error)


def meet(reader: Reader, recording: Recording, replay: Replay) -> str:
    """The problem of the reader's result; "" if there is none."""
    replay.play(recording, reader.others)
    try:
        result = reader.read(AwsClients("us-east-1"))
    except (ClientError, SandboxError, pulumi.RunError) as error:
        return _line_problem(reader, recording, one_line(error))
    except Exception as error:  # noqa: BLE001 - a traceback is what this looks for
        return f"traceback: {type(error).__name__}: {error}"
    if not replay.asked:
        return "did not ask"
    if recording.status >= 400 or reader.expected is None:
        return ""
    wanted = reader.expected(recording.data)
    if isinstance(wanted, int) and not isinstance(wanted, bool):
        return "" if len(result) == wanted else f"{len(result)} instead of {wanted}"
    return "" if result == wanted else f"{result!r} instead of {wanted!r}"


def _line_problem(reader: Reader, recording: Recording, line: str) -> str:
    if not line or "\n" in line:
        return f"is not one line: {line}"
    if recording.status >= 400 or reader.expected is None:
        return ""
    wanted = reader.expected(recording.data)
    return "" if isinstance(wanted, str) and wanted in line else f"refused: {line}"


@dataclass
class ReaderTally:
    """The numbers in the closing line."""

    readers: int = 0
    met: int = 0
    tracebacks: int = 0
    recordings: set[Recording] = field(default_factory=set[Recording])


@pytest.fixture(scope="module")
def tally(closing_line: Callable[[str], None]) -> Iterator[ReaderTally]:
    counted = ReaderTally()
    yield counted
    operations = {item.operation for item in counted.recordings}
    closing_line(
        f"recordings: {len(recordings())} of {len({item.operation for item in recordings()})} "
        f"operations; {len(counted.recordings)} of {len(operations)} operations met by "
        f"{counted.readers} readers, {counted.met} times, {counted.tracebacks} tracebacks"
    )


@pytest.mark.parametrize("reader", ALL, ids=str)
def test_a_reader_meets_every_recording(reader: Reader, replay: Replay, tally: ReaderTally) -> None:
    problems = {item: meet(reader, item, replay) for item in of(reader.operation)}
    tally.readers += 1
    tally.met += len(problems)
    tally.tracebacks += sum(problem.startswith("traceback") for problem in problems.values())
    tally.recordings |= problems.keys()
    assert {str(item): problem for item, problem in problems.items() if problem} == {}


def test_every_reader_of_a_recorded_operation_is_in_the_table() -> None:
    methods = {xform_name(item.operation.split(".")[1]): item.operation for item in recordings()}
    called = {
        (str(file.relative_to(ROOT)), methods[word])
        for package in PACKAGES
        for file in (ROOT / package).rglob("*.py")
        for word in re.findall(r"\b[a-z_]+\b", file.read_text(encoding="utf-8"))
        if word in methods
    }
    table = {(reader.file, reader.operation) for reader in ALL}
    assert called - table - CALLED_ELSEWHERE == set()

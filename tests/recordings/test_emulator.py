"""The fields and errors in the answers of the emulated AWS have AWS's form."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import boto3
import pytest
import yaml
from botocore.config import Config

from local import serve
from tests.recordings import emulator_calls
from tests.recordings.recording import recordings
from tests.recordings.value_forms import TEXT, forms_by_field

NAMED: Final[Mapping[str, Any]] = yaml.safe_load(
    (Path(__file__).parent / "differences.yaml").read_text(encoding="utf-8")
)
Answers = Mapping[str, list[tuple[int, Mapping[str, Any]]]]
"""The status and data of each answer, by operation."""


@pytest.fixture(scope="module")
def emulated() -> Answers:
    """The answers of the emulated AWS to the calls of `emulator_calls`."""
    answers: defaultdict[str, list[tuple[int, Mapping[str, Any]]]] = defaultdict(list)

    def keep(http_response: Any, parsed: Any, model: Any, **_: object) -> None:
        operation = f"{model.service_model.service_name}.{model.name}"
        answers[operation].append((http_response.status_code, parsed))

    with serve.answering() as running:
        clients: dict[str, Any] = {}

        def client(service: str) -> Any:
            make: Any = boto3.client
            if service not in clients:
                clients[service] = make(
                    service,
                    endpoint_url=running.endpoint,
                    region_name="us-east-1",
                    aws_access_key_id="local",
                    aws_secret_access_key="local",
                    config=Config(retries={"total_max_attempts": 1}, parameter_validation=False),
                )
                clients[service].meta.events.register("after-call", keep)
            return clients[service]

        emulator_calls.play(client)
    return answers


@pytest.fixture(scope="module")
def recorded() -> Answers:
    answers: defaultdict[str, list[tuple[int, Mapping[str, Any]]]] = defaultdict(list)
    for item in recordings():
        answers[item.operation].append((item.status, item.data))
    return answers


def field_differences(recorded: Answers, emulated: Answers) -> dict[str, str]:
    """By operation and field, a form that AWS's answers lack; plain texts may have any form."""
    differences: dict[str, str] = {}
    for operation in recorded.keys() & emulated.keys():
        of_aws, ours = (
            forms_by_field([data for status, data in answers[operation] if status < 400])
            for answers in (recorded, emulated)
        )
        for place in of_aws.keys() & ours.keys():
            others = ours[place] - of_aws[place] - {"empty"}
            if TEXT not in of_aws[place] and others:
                differences[f"{operation} {place}"] = (
                    f"{sorted(others)}, not {sorted(of_aws[place])}"
                )
    return differences


def error_differences(recorded: Answers, emulated: Answers) -> dict[str, str]:
    """By operation and code, an error that AWS does not have, or has with another message."""
    differences: dict[str, str] = {}
    for operation, answers in recorded.items():
        ours = [data["Error"] for status, data in emulated.get(operation, []) if status >= 400]
        for status, data in answers:
            if status < 400:
                continue
            code, words = data["Error"]["Code"], data["Error"].get("Message", "")
            same = [error for error in ours if error["Code"] == code]
            if not any(alike(error.get("Message") or "", words) for error in same):
                differences[f"{operation} {code}"] = f"{ours}, not {words!r}"
    return differences


def alike(ours: str, words: str) -> bool:
    """Whether the messages differ in at most one word, such as a name or an id."""
    pairs = list(zip(ours.split(), words.split(), strict=False))
    same_length = len(ours.split()) == len(words.split())
    return same_length and sum(left != right for left, right in pairs) <= 1


def test_no_field_has_another_form_than_awss(recorded: Answers, emulated: Answers) -> None:
    differences = field_differences(recorded, emulated)
    assert differences.keys() == NAMED["fields"].keys(), differences


def test_an_error_has_awss_code_and_words(recorded: Answers, emulated: Answers) -> None:
    differences = error_differences(recorded, emulated)
    assert differences.keys() == NAMED["errors"].keys(), differences


def test_every_recorded_operation_is_asked_or_named(recorded: Answers, emulated: Answers) -> None:
    named = {operation for some in NAMED["operations"].values() for operation in some}
    assert recorded.keys() - emulated.keys() == named


def test_the_closing_line(
    recorded: Answers, emulated: Answers, closing_line: Callable[[str], None]
) -> None:
    asked = recorded.keys() & emulated.keys()
    fields = field_differences(recorded, emulated)
    errors = error_differences(recorded, emulated)
    closing_line(
        f"the emulated AWS beside the recordings: {len(asked)} of {len(recorded)} operations, "
        f"{len(fields)} fields and {len(errors)} errors differ, each named"
    )
    assert len(asked) >= 150


def test_another_form_would_be_seen(recorded: Answers) -> None:
    strange: Answers = {"iam.GetUser": [(200, {"User": {"UserId": "someone", "Path": "/"}})]}
    assert set(field_differences(recorded, strange)) == {"iam.GetUser User.UserId"}
    assert not alike("The role role is gone", "The role with name x cannot be found.")

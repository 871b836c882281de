"""The recorded answers, and AWS clients that return one of them."""

import json
import lzma
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import boto3
from botocore.awsrequest import AWSResponse, HTTPHeaders
from botocore.config import Config
from botocore.handlers import json_decode_policies

FILE: Final = Path(__file__).parent / "answers.jsonl.xz"
TOKENS: Final = frozenset({"NextToken", "nextToken", "Marker", "IsTruncated"})
"""Fields that announce another page."""


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """One answer of AWS."""

    operation: str
    """For example `ec2.DescribeVpcs`."""
    source: str
    """The file that the recording is from."""
    status: int
    data: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.operation} in {self.source}"


@cache
def recordings() -> tuple[Recording, ...]:
    """All recordings."""
    lines = lzma.decompress(FILE.read_bytes()).decode().splitlines()
    entries = [json.loads(line, object_hook=_time) for line in lines]
    return tuple(
        Recording(entry["operation"], entry["from"], entry["status"], entry["data"])
        for entry in entries
    )


def of(operation: str) -> tuple[Recording, ...]:
    return tuple(item for item in recordings() if item.operation == operation)


def _time(item: dict[str, Any]) -> Any:
    if item.pop("__class__", None) is None:
        return item
    return datetime(**item, tzinfo=UTC)


@dataclass
class Replay:
    """AWS that answers with one recording; other operations answer with *others*, or nothing."""

    others: Mapping[str, Any] = field(default_factory=dict[str, Any])
    recording: Recording | None = None
    asked: int = 0
    """The number of calls of the recorded operation."""
    clients: dict[str, Any] = field(default_factory=dict[str, Any])

    def client(self, service: str, *_: object, **__: object) -> Any:
        if service not in self.clients:
            make: Any = boto3.client  # typed per service, and here the service is a variable
            client = make(
                service,
                region_name="us-east-1",
                endpoint_url="http://127.0.0.1:9",
                aws_access_key_id="x",
                aws_secret_access_key="x",
                config=Config(retries={"total_max_attempts": 1}),
            )
            client.meta.events.register_last("before-call", self._answer)
            # the recordings hold IAM's documents in this decoded form
            client.meta.events.unregister("after-call.iam", json_decode_policies)
            self.clients[service] = client
        return self.clients[service]

    def play(self, recording: Recording, others: Mapping[str, Any]) -> None:
        """Answer with *recording* from now on."""
        self.recording, self.others, self.asked = recording, others, 0

    def _answer(self, model: Any, **_: object) -> tuple[AWSResponse, Any]:
        service = model.service_model.service_name
        operation = f"{service}.{model.name}"
        assert self.recording is not None
        data = self.others.get(operation, {})
        status = 400 if "Error" in data else 200
        if operation == self.recording.operation:
            status, data = self.recording.status, self.recording.data
            if self.asked:  # the next page, which is empty and the last one
                data = {
                    key: [] if isinstance(value, list) else value
                    for key, value in data.items()
                    if key not in TOKENS
                }
            self.asked += 1
        answer = {**data, "ResponseMetadata": {"HTTPStatusCode": status}}
        return AWSResponse(f"http://{service}", status, HTTPHeaders(), None), answer

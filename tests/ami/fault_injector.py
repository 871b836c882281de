"""Faults of AWS, injected through botocore's events into any one call of a build.

A call is one API operation with botocore's retries. The number of polls of a wait depends on the
computer, so only the first two of consecutive polls are numbered.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from botocore.httpsession import URLLib3Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from infra.aws_clients import AwsClients

Kind: TypeAlias = Literal[
    "throttled",
    "denied",
    "server error after the effect",
    "connection reset",
    "Ctrl-C before",
    "Ctrl-C after",
    "answer lost for good",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
RECOVERED: frozenset[Kind] = frozenset(
    {"throttled", "server error after the effect", "connection reset"}
)
"""A build recovers from these: botocore retries, and tokens and unique names prevent duplicates."""
MARK = "made to fail by the test"
CHANGING = (
    "Import", "Create", "Authorize", "Run", "Stop", "Modify", "Terminate", "Delete", "Deregister",
)  # fmt: skip


class ResponseBody:
    """A response body with the interface of urllib3."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_: object, **__: object) -> list[bytes]:
        body, self._body = self._body, b""
        return [body] if body else []

    def read(self, *_: object, **__: object) -> bytes:
        return b"".join(self.stream())


def error_response(url: str, status: int, code: str, service: str) -> AWSResponse:
    error = f"<Error><Code>{code}</Code><Message>{MARK}</Message></Error>"
    match service:
        case "ec2":
            body = f"<Response><Errors>{error}</Errors></Response>"
        case "sts":
            body = f"<ErrorResponse>{error}</ErrorResponse>"
        case _:
            body = f'{{"__type": "{code}", "message": "{MARK}"}}'
    return AWSResponse(url, status, {}, ResponseBody(body.encode()))  # pyrefly: ignore[bad-argument-type]


@dataclass
class FaultInjector:
    """Numbers the calls of the watched clients, and injects a fault of *kind* into call *at*."""

    kind: Kind | None = None
    at: int = -1
    on_call: Callable[[str, int], None] = lambda _name, _number: None
    """Called just before each call, with its operation and number."""
    calls: list[str] = field(default_factory=list[str])
    numbered: list[str] = field(default_factory=list[str])
    """The calls without the third and later polls of a wait."""
    fired: bool = False
    pending: int = 2
    """How many polls find the image pending."""
    stale: int = 0
    """How many answers of each filtered search are empty after the fault."""
    _image_polls: int = 0
    _stale_answers: dict[str, int] = field(default_factory=dict[str, int])
    _wire: URLLib3Session = field(default_factory=URLLib3Session)

    def watch(self, clients: AwsClients) -> AwsClients:
        for name in ("ec2", "ssm", "sts", "quotas", "pricing"):
            events = getattr(clients, name).meta.events
            events.register("before-call.*", self._before_call)
            events.register("before-send.*", self._before_send)
            events.register("after-call.*", self._after_call)
        return clients

    @property
    def _at_fault(self) -> bool:
        return len(self.numbered) - 1 == self.at and not self.fired

    def _before_call(self, model: Any, params: Any, **_: object) -> None:
        self.calls.append(model.name)
        if not (model.name.startswith("Describe") and self.calls[-3:] == [model.name] * 3):
            self.numbered.append(model.name)
        self._filtered = "Filter.1.Name" in str(params.get("body") or "")
        self.on_call(model.name, len(self.numbered) - 1)

    def _before_send(self, request: Any, event_name: str, **_: object) -> AWSResponse | None:
        if not self._at_fault:
            return None
        service = event_name.split(".")[1]
        match self.kind:
            case "throttled":
                self.fired = True
                code = "RequestLimitExceeded" if service == "ec2" else "ThrottlingException"
                return error_response(request.url, 503 if service == "ec2" else 400, code, service)
            case "denied":
                self.fired = True
                code = "UnauthorizedOperation" if service == "ec2" else "AccessDeniedException"
                return error_response(request.url, 403, code, service)
            case "connection reset":
                self.fired = True
                raise ConnectionClosedError(endpoint_url=request.url)
            case "server error after the effect":
                self.fired = True
                self._wire.send(request)
                return error_response(request.url, 500, "InternalError", service)
            case "Ctrl-C before":
                self.fired = True
                os.kill(os.getpid(), signal.SIGINT)
            case "Ctrl-C after":
                self.fired = True
                response = self._wire.send(request)
                os.kill(os.getpid(), signal.SIGINT)
                return response
            case _:
                pass
        return None

    def _after_call(self, model: Any, parsed: dict[str, Any], **_: object) -> None:
        if self.kind == "answer lost for good" and self._at_fault:
            self.fired = True
            raise ReadTimeoutError(endpoint_url=MARK)
        if model.name == "DescribeImages" and "CreateImage" in self.calls:
            for image in parsed.get("Images", []):
                if self._image_polls < self.pending:
                    image["State"] = "pending"
            self._image_polls += 1
        if self.fired and self._filtered and self._stale_answers.get(model.name, 0) < self.stale:
            self._stale_answers[model.name] = self._stale_answers.get(model.name, 0) + 1
            for key, value in parsed.items():
                if isinstance(value, list):
                    parsed[key] = []

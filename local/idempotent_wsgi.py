"""Answer a repeated call like the first one, without carrying it out again.

On a busy machine an answer can arrive before the AWS SDK for Go has finished sending its request.
The SDK then drops the answer and repeats the call, once in about two thousand calls. AWS would
refuse the second call, since the first one created the resource. Both calls have the same id:
https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
"""

from collections import OrderedDict
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_REMEMBERED: Final = 4096
"""The number of answers to keep; a repetition comes within a second."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """The complete answer of an application."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def failed(self) -> bool:
        """Whether the server failed, so that the next attempt must be carried out."""
        return self.status.startswith("5")


class IdempotentApplication:
    """Passes each call to *application* once."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application
        self._answers: OrderedDict[str, Future[HttpAnswer]] = OrderedDict()
        self._lock = Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        call: str | None = environ.get("HTTP_AMZ_SDK_INVOCATION_ID")
        if call is None:  # the caller is not an AWS SDK
            return self._application(environ, start_response)
        with self._lock:
            first = call not in self._answers
            future = self._answers.setdefault(call, Future())
            if len(self._answers) > _REMEMBERED:
                self._answers.popitem(last=False)
        if first:
            self._carry_out(call, future, environ)
        answer = future.result()
        start_response(answer.status, answer.headers)
        return [answer.body]

    def _carry_out(self, call: str, future: Future[HttpAnswer], environ: WSGIEnvironment) -> None:
        try:
            answer = whole_answer(self._application, environ)
        except BaseException as error:
            self._forget(call)
            future.set_exception(error)
            raise
        if answer.failed:
            self._forget(call)
        future.set_result(answer)

    def _forget(self, call: str) -> None:
        """Forget the call, so that the next attempt is carried out."""
        with self._lock:
            self._answers.pop(call, None)


def whole_answer(application: WSGIApplication, environ: WSGIEnvironment) -> HttpAnswer:
    """The complete answer of *application*."""
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start(status: str, headers: list[tuple[str, str]], *_: Any) -> Any:  # noqa: ANN401 - WSGI's
        started[:] = [(status, headers)]

    body = b"".join(application(environ, start))
    [(status, headers)] = started
    return HttpAnswer(status, headers, body)

"""A call that is repeated gets the answer that it was given first, and is not carried out again.

An answer within milliseconds, as no AWS gives it, can find a client on a busy machine that has not
put its own request away yet. The AWS SDK for Go then drops the answer and asks again: seen once in
two thousand calls of the provider. What the first call made would be refused as a double. Both
carry one id: https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
"""

from collections import OrderedDict
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_REMEMBERED: Final = 4096
"""Calls whose answers are kept; a repetition comes within a second."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an application answered, whole."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def failed(self) -> bool:
        """Whether nothing was done, so that a repetition makes sense."""
        return self.status.startswith("5")


class Repeats:
    """*application*, asked once for each call."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application
        self._answers: OrderedDict[str, Future[Answer]] = OrderedDict()
        self._turn = Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        call: str | None = environ.get("HTTP_AMZ_SDK_INVOCATION_ID")
        if call is None:  # not of an SDK
            return self._application(environ, start_response)
        with self._turn:
            given = self._answers.get(call)
            own = self._answers.setdefault(call, Future())
            if len(self._answers) > _REMEMBERED:
                self._answers.popitem(last=False)
        if given is None:
            self._carry_out(call, own, environ)
        answer = own.result()
        start_response(answer.status, answer.headers)
        return [answer.body]

    def _carry_out(self, call: str, answer: Future[Answer], environ: WSGIEnvironment) -> None:
        try:
            done = whole(self._application, environ)
        except BaseException as error:
            self._forget(call)
            answer.set_exception(error)
            raise
        if done.failed:
            self._forget(call)
        answer.set_result(done)

    def _forget(self, call: str) -> None:
        """The next attempt is carried out."""
        with self._turn:
            self._answers.pop(call, None)


def whole(application: WSGIApplication, environ: WSGIEnvironment) -> Answer:
    """The answer of *application*, read to its end."""
    begun: list[tuple[str, list[tuple[str, str]]]] = []

    def start(status: str, headers: list[tuple[str, str]], *_: Any) -> Any:  # noqa: ANN401 - WSGI's
        begun[:] = [(status, headers)]

    body = b"".join(application(environ, start))
    [(status, headers)] = begun
    return Answer(status, headers, body)

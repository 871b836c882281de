"""WSGI middleware that hides new resources for some seconds and throttles some calls."""

import time
from collections.abc import Callable, Iterable
from typing import Final
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from local.authorization import calls, refusals
from local.authorization.calls import Call
from local.authorization.signature import Signature, signature
from local.eventual_consistency.seeded_random import SeededRandom
from local.eventual_consistency.visibility import Visibility
from local.idempotent_wsgi import HttpAnswer, whole_answer

LIMITED: Final = 1 / 50
"""The share of calls that are throttled."""
_LIMITS: Final = {
    "ec2": (503, "RequestLimitExceeded", "Request limit exceeded."),
    "s3": (503, "SlowDown", "Please reduce your request rate."),
    "iam": (400, "Throttling", "Rate exceeded"),
    "sts": (400, "Throttling", "Rate exceeded"),
}
"""The status, code and message of a throttled call, by service.
https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html"""
_LIMIT: Final = (400, "ThrottlingException", "Rate exceeded")
"""The same for services that answer in JSON."""


class EventuallyConsistentApplication:
    """Throttles calls to *application* and shows its new resources late, as *seed* decides."""

    def __init__(
        self,
        application: WSGIApplication,
        seed: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._application = application
        self._chance = SeededRandom(seed)
        self._visibility = Visibility(self._chance, clock)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        signed = signature(environ)
        if signed is None:
            return self._application(environ, start_response)
        answer = self._answer(environ, signed)
        start_response(answer.status, answer.headers)
        return [answer.body]

    def _answer(self, environ: WSGIEnvironment, signed: Signature) -> HttpAnswer:
        try:
            call = calls.read(environ, signed)
        except calls.UnreadableCallError:
            return whole_answer(self._application, environ)
        if refusal := self._refusal(call):
            return refusal
        answer = whole_answer(self._application, environ)
        if not answer.status.startswith("200"):
            return answer
        self._visibility.learn(call, answer.body)
        if call.operation.startswith(("Describe", "List", "Get")):
            return _with_body(answer, self._visibility.without_late(call, answer.body))
        return answer

    def _refusal(self, call: Call) -> HttpAnswer | None:
        """The refusal of a call that is throttled or names a resource that is not visible yet."""
        if self._chance.fraction(f"limit {call.service} {call.operation}") < LIMITED:
            return refusals.answer(call.signature, *_LIMITS.get(call.service, _LIMIT))
        if not self._visibility.knows_key(call.signature.key_id):
            return refusals.unknown_key(call.signature)
        if unknown := self._visibility.unknown(call):
            return refusals.answer(call.signature, unknown.status, unknown.code, unknown.message)
        return None


def _with_body(answer: HttpAnswer, body: bytes) -> HttpAnswer:
    if body is answer.body:
        return answer
    kept = [header for header in answer.headers if header[0].lower() != "content-length"]
    return HttpAnswer(answer.status, [*kept, ("Content-Length", str(len(body)))], body)

"""WSGI middleware that refuses a call which the emulated AWS cannot answer.

After most errors of a server, clients repeat the call; the AWS provider does so for minutes. After
this status and code, which S3 has for what it lacks, none does:
https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

import traceback
from collections.abc import Iterable
from io import BytesIO
from typing import Final
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from local.authorization.signature import Signature, signature
from local.idempotent_wsgi import HttpAnswer, whole_answer

_WEB_PAGE: Final = b"<!doctype html>"
"""The start of the page that moto's web framework answers for an unknown path."""
_UNSIGNED: Final = Signature(key_id="", region="", service="s3")
"""moto takes a request without a signature for one to S3."""


class UnimplementedApplication:
    """Passes calls to *application*, and refuses those that it lacks or at which it fails."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        body = b""
        if length := int(environ.get("CONTENT_LENGTH") or 0):
            body = environ["wsgi.input"].read(length)
            environ["wsgi.input"] = BytesIO(body)
        answer = self._answer(environ)
        if isinstance(answer, str):
            answer = _refusal({**environ, "wsgi.input": BytesIO(body)}, answer)
        start_response(answer.status, answer.headers)
        return [answer.body]

    def _answer(self, environ: WSGIEnvironment) -> HttpAnswer | str:
        """The answer, or why there is none."""
        try:
            answer = whole_answer(self._application, environ)
        except NotImplementedError as error:
            return str(error) or "a part of it is missing"
        except Exception as error:  # noqa: BLE001 - moto raises any
            traceback.print_exc()
            return f"it failed with {type(error).__name__}: {error}"
        return "the operation is missing" if _is_missing(environ, answer) else answer


def _is_missing(environ: WSGIEnvironment, answer: HttpAnswer) -> bool:
    """Whether the answer says that moto has no such path; AWS's errors have a body."""
    if environ["REQUEST_METHOD"] == "HEAD" or not answer.status.startswith("404"):
        return False
    return not answer.body or answer.body.startswith(_WEB_PAGE)


def _refusal(environ: WSGIEnvironment, why: str) -> HttpAnswer:
    from local.authorization import calls, refusals  # noqa: PLC0415 - they import moto

    signed = signature(environ) or _UNSIGNED
    try:
        operation = calls.read(environ, signed).operation
    except calls.UnreadableCallError:
        operation = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
    message = f"The emulated AWS cannot answer {signed.service} {operation}: {why}"
    return refusals.answer(signed, 501, refusals.NOT_IMPLEMENTED, message)

"""WSGI middleware that refuses a request as AWS would, before the emulated AWS carries it out."""

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from local.authorization.signature import signature


class CheckedApplication:
    """Passes on to *application* only the requests that AWS would accept.

    The checking modules import moto, so the first request imports them.
    """

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        signed = signature(environ)
        if signed is None:
            return self._application(environ, start_response)
        from local.request_checks.check import refusal  # noqa: PLC0415 - see the class's docstring

        answer = refusal(environ, signed)
        if answer is None:
            return self._application(environ, start_response)
        start_response(answer.status, answer.headers)
        return [answer.body]

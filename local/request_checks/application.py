"""The emulated AWS behind the checks of its requests: a WSGI application around another one."""

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from local.authorization.signature import signature


class CheckedApplication:
    """*application*, which carries out only requests that AWS would accept from who may make them.

    The modules that check import moto, so they are imported with the first request.
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

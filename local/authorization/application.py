"""WSGI middleware that checks permissions before the emulated AWS carries out a call."""

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from local.authorization.signature import signature


class AuthorizedApplication:
    """Passes on to *application* only the calls that the caller is allowed to make.

    The operator's calls need only a look at the key: the modules that decide are imported with
    the first call that needs a decision.
    """

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        signed = signature(environ)
        if signed is None or not signed.of_account:
            return self._application(environ, start_response)
        from local.authorization.authorize import refusal  # noqa: PLC0415 - the operator never needs it

        answer = refusal(environ, signed)
        if answer is None:
            return self._application(environ, start_response)
        start_response(answer.status, answer.headers)
        return [answer.body]

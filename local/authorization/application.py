"""The emulated AWS behind its permissions: a WSGI application around the one that answers."""

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from local.authorization.signature import signature


class AuthorizedApplication:
    """*application*, which carries out only what the caller may do.

    The calls of the operator cost no more than a look at the key: the modules that judge are
    imported with the first call that is judged.
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

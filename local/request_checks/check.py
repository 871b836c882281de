"""Decide whether AWS would refuse a request, and with which error."""

from wsgiref.types import WSGIEnvironment

from local.authorization import calls
from local.authorization.signature import Signature
from local.idempotent_wsgi import HttpAnswer
from local.request_checks import limits, service_model


def refusal(environ: WSGIEnvironment, signed: Signature) -> HttpAnswer | None:
    """The refusal of a request that AWS would refuse; None for one that it would accept."""
    try:
        call = calls.read(environ, signed)
        refused = service_model.refusal(call) or limits.refusal(call)
    except calls.MalformedCallError as error:
        refused = service_model.malformed(signed, str(error))
    except calls.UnreadableCallError:
        return None  # the emulated AWS answers that there is no such operation
    if refused is None:
        return None
    from local.authorization import refusals  # noqa: PLC0415 - most requests are accepted

    return refusals.answer(signed, refused.status, refused.code, refused.message)

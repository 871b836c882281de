"""Decide whether a call is carried out: who calls, what the call needs, what IAM decides."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final
from wsgiref.types import WSGIEnvironment

from moto.utilities.utils import get_partition

from local.authorization import (
    callers,
    calls,
    cloudwatch_logs,
    ec2,
    iam_and_sts,
    kms,
    other_services,
    refusals,
    s3,
)
from local.authorization.callers import Caller
from local.authorization.calls import Call
from local.authorization.judgement import judge
from local.authorization.question import CannotJudgeError, Question, about_call
from local.authorization.signature import Signature
from local.idempotent_wsgi import HttpAnswer
from local.request_checks import service_model

QUESTIONS: Final[Mapping[str, Callable[[Caller, Call], Iterator[Question]]]] = {
    "ec2": ec2.questions,
    "iam": iam_and_sts.iam_questions,
    "kms": kms.questions,
    "logs": cloudwatch_logs.questions,
    "s3": s3.questions,
    "sts": iam_and_sts.sts_questions,
}
"""By service, what its calls need; `other_services` covers all other services."""


class IncompleteCallError(Exception):
    """The call lacks a required parameter, so the permissions that it needs are unknown."""


def refusal(environ: WSGIEnvironment, signed: Signature) -> HttpAnswer | None:
    """The refusal of a call, or the answer to a dry run; None for a call to carry out."""
    try:
        token = environ.get("HTTP_X_AMZ_SECURITY_TOKEN")
        caller = callers.find(signed.key_id, token, get_partition(signed.region))
        call = calls.read(environ, signed)
        about = about_call(caller, call)
        for question in _questions(caller, call):
            judgement = judge(caller, question, about)
            if judgement.decision != "allowed":
                return refusals.denied(caller, judgement, signed)
    except callers.UnknownKeyError:
        return refusals.unknown_key(signed)
    except (IncompleteCallError, calls.MalformedCallError):
        return None  # local.request_checks, which comes next, refuses it
    except (CannotJudgeError, calls.UnreadableCallError) as error:
        return refusals.cannot_judge(signed, str(error))
    return refusals.would_run(signed) if call.dry_run else None


def _questions(caller: Caller, call: Call) -> Iterator[Question]:
    """The permissions that the call needs.

    Raises:
        IncompleteCallError: a required parameter is missing.
    """
    try:
        yield from QUESTIONS.get(call.service, other_services.questions)(caller, call)
    except KeyError as error:
        if service_model.refusal(call) is None:
            raise
        raise IncompleteCallError from error

"""Refusals in AWS's wording, in the form of each protocol.

https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
"""

import json
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from uuid import uuid4
from xml.sax.saxutils import escape

from botocore.exceptions import UnknownServiceError
from cryptography.fernet import Fernet, InvalidToken
from moto.core.utils import get_service_model

from local.authorization.callers import Caller
from local.authorization.judgement import Judgement
from local.authorization.signature import Signature
from local.iam.evaluator import many
from local.idempotent_wsgi import HttpAnswer

SECRET: Final = Fernet(Fernet.generate_key())
"""Encrypts the messages, so that reading one needs the permission to decode it."""
NOT_IMPLEMENTED: Final = "NotImplemented"
"""The code for what AWS could do and the emulated AWS cannot; no client repeats such a call."""
FORM: Final = (
    "<ErrorResponse><Error><Type>Sender</Type>{error}</Error><RequestId>{request}</RequestId>"
    "</ErrorResponse>"
)
"""The error of a service that answers in XML."""
FORMS: Final = {
    "ec2": (
        "<Response><Errors><Error>{error}</Error></Errors><RequestID>{request}</RequestID>"
        "</Response>"
    ),
    "s3": "<Error>{error}<RequestId>{request}</RequestId></Error>",
}
"""Other forms of it, by service."""


def denied(caller: Caller, judgement: Judgement, signature: Signature) -> HttpAnswer:
    """The refusal for this decision of IAM."""
    question = judgement.question
    why = (
        f"with an explicit deny in {_article(judgement.kind)}"
        if judgement.decision == "forbidden"
        else f"because no {judgement.kind} allows the {question.action} action"
    )
    text = (
        f"User: {caller.arn} is not authorized to perform: {question.action} on resource: "
        f"{question.resource} {why}"
    )
    if signature.service == "ec2":
        message = (
            f"You are not authorized to perform this operation. {text}. Encoded authorization "
            f"failure message: {encoded(caller, judgement)}"
        )
        return answer(signature, 403, "UnauthorizedOperation", message)
    if _speaks_json(signature):
        status = 403 if _protocol(signature) == "rest-json" else 400
        return answer(signature, status, "AccessDeniedException", text)
    return answer(signature, 403, "AccessDenied", text)


def unknown_key(signature: Signature) -> HttpAnswer:
    """The refusal of an unknown access key.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-keys.html
    """
    invalid = "The security token included in the request is invalid."
    if signature.service == "ec2":
        message = "AWS was not able to validate the provided access credentials"
        return answer(signature, 401, "AuthFailure", message)
    if signature.service == "s3":
        message = "The AWS Access Key Id you provided does not exist in our records."
        return answer(signature, 403, "InvalidAccessKeyId", message)
    if _speaks_json(signature):
        status = 403 if _protocol(signature) == "rest-json" else 400
        return answer(signature, status, "UnrecognizedClientException", invalid)
    return answer(signature, 403, "InvalidClientTokenId", invalid)


def would_run(signature: Signature) -> HttpAnswer:
    message = "Request would have succeeded, but DryRun flag is set."
    return answer(signature, 412, "DryRunOperation", message)


def cannot_judge(signature: Signature, why: str) -> HttpAnswer:
    """The refusal of a call on which the emulated AWS cannot decide; AWS could."""
    message = f"The emulated AWS cannot judge this call, so it refuses it: {why}"
    return answer(signature, 501, NOT_IMPLEMENTED, message)


def answer(signature: Signature, status: int, code: str, message: str) -> HttpAnswer:
    """The error, in the form of the service's protocol.

    https://smithy.io/2.0/aws/protocols/index.html
    """
    request = str(uuid4())
    if _speaks_json(signature):
        body = json.dumps({"__type": code, "message": message})
        headers = [("Content-Type", "application/x-amz-json-1.1"), ("x-amzn-ErrorType", code)]
    else:
        error = f"<Code>{code}</Code><Message>{escape(message)}</Message>"
        body = FORMS.get(signature.service, FORM).format(error=error, request=request)
        headers = [("Content-Type", "text/xml")]
    lines = [*headers, ("x-amzn-RequestId", request), ("Content-Length", str(len(body.encode())))]
    return HttpAnswer(f"{status} {HTTPStatus(status).phrase}", lines, body.encode())


def encoded(caller: Caller, judgement: Judgement) -> str:
    """The details of a refusal, encrypted for sts:DecodeAuthorizationMessage.

    https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html
    """
    question = judgement.question
    details = {
        "allowed": False,
        "explicitDeny": judgement.decision == "forbidden",
        "matchedStatements": {"items": [_statement(denial) for denial in judgement.denials]},
        "failures": {"items": list[str]()},
        "context": {
            "principal": {"id": caller.unique_id, "arn": caller.arn},
            "action": question.action,
            "resource": question.resource,
            "conditions": {
                "items": [
                    {"key": key, "values": {"items": [{"value": item} for item in many(value)]}}
                    for key, value in sorted(judgement.context.items())
                ]
            },
        },
    }
    token = SECRET.encrypt(zlib.compress(json.dumps(details).encode()))
    return urlsafe_b64encode(urlsafe_b64decode(token)).decode().rstrip("=")


def decoded(message: str) -> str:
    """The details in JSON.

    Raises:
        ValueError: this process did not encode the message.
    """
    try:
        padded = message + "=" * (-len(message) % 4)
        return zlib.decompress(SECRET.decrypt(padded.encode())).decode()
    except (InvalidToken, zlib.error):
        raise ValueError("is not an authorization message of this account") from None


def _statement(statement: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "statementId": statement.get("Sid", ""),
        "effect": statement["Effect"].upper(),
        "actions": _items(statement.get("Action", statement.get("NotAction", []))),
        "resources": _items(statement.get("Resource", statement.get("NotResource", []))),
    }


def _items(values: Any) -> dict[str, Any]:
    return {"items": [{"value": value} for value in many(values)]}


def _article(kind: str | None) -> str:
    return f"an {kind}" if kind == "identity-based policy" else f"a {kind}"


def _protocol(signature: Signature) -> str:
    try:
        return get_service_model(signature.model).protocol
    except UnknownServiceError:  # its model has another name than its signature: newer, in JSON
        return "rest-json"


def _speaks_json(signature: Signature) -> bool:
    """Whether to answer in JSON; of several protocols, the one of the request counts."""
    if "x-www-form-urlencoded" in signature.content_type or signature.service == "s3":
        return False
    return "json" in signature.content_type or _protocol(signature) in {"json", "rest-json"}

"""STS decodes the message of a refusal. moto 5.2.5 has no such operation.

https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html
"""

from typing import Any

from moto.core.responses import ActionResult
from moto.sts.exceptions import STSClientError
from moto.sts.responses import TokenResponse


def install() -> None:
    TokenResponse.decode_authorization_message = _decode


def _decode(self: Any) -> ActionResult:
    from local.authorization.refusals import decoded  # noqa: PLC0415 - most processes refuse nothing

    try:
        message = decoded(self._get_param("EncodedMessage"))
    except ValueError as error:
        raise STSClientError("InvalidAuthorizationMessageException", f"Message {error}") from error
    return ActionResult({"DecodedMessage": message})

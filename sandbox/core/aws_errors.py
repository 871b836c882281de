"""An error of AWS, of the network or of the credentials in one line, with the cure."""

from typing import Final

from infra.aws_clients import error_code, error_reason

SIGN_IN: Final = "sign in, then check with: aws sts get-caller-identity"
SIGN_IN_AGAIN: Final = "sign in again, then check with: aws sts get-caller-identity"
NETWORK: Final = "check the network, the proxy (HTTPS_PROXY) and sandbox:region, then try again"
WAIT: Final = "wait a minute, then run the same command again"
RIGHT: Final = (
    "ask for this right, or sign in with the rights to update the stack (their policy: "
    "sandbox permissions documents --identity ci-deploy)"
)
PROFILE: Final = "check AWS_PROFILE and the files config and credentials in ~/.aws"
CURES: Final = {
    **dict.fromkeys(("NoCredentialsError", "PartialCredentialsError"), SIGN_IN),
    **dict.fromkeys(
        (
            *("ExpiredToken", "ExpiredTokenException", "RequestExpired", "AuthFailure"),
            *("InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId"),
            *("SignatureDoesNotMatch", "InvalidSignatureException", "TokenRefreshRequired"),
            *("CredentialRetrievalError", "TokenRetrievalError", "UnauthorizedSSOTokenError"),
            *("SSOTokenLoadError", "SSOError", "MetadataRetrievalError", "NoAuthTokenError"),
        ),
        SIGN_IN_AGAIN,
    ),
    **dict.fromkeys(
        (
            *("EndpointConnectionError", "ConnectTimeoutError", "ReadTimeoutError"),
            *("ConnectionClosedError", "ConnectionError", "HTTPClientError", "SSLError"),
            *("ProxyConnectionError", "InvalidProxiesConfigError", "ResponseParserError"),
            *("InvalidRegionError", "ResponseStreamingError"),
        ),
        NETWORK,
    ),
    **dict.fromkeys(
        (
            *("Throttling", "ThrottlingException", "TooManyRequestsException", "SlowDown"),
            *("RequestLimitExceeded", "LimitExceededException", "ServiceUnavailable"),
            *("InternalFailure", "InternalError", "InternalServiceError", "Unavailable"),
        ),
        WAIT,
    ),
    **dict.fromkeys(
        ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "Forbidden"), RIGHT
    ),
    **dict.fromkeys(("ProfileNotFound", "ConfigParseError", "ConfigNotFound"), PROFILE),
    "OptInRequired": "turn the region or the service on in the account, or use another region",
    "InvalidRetryConfigurationError": "unset AWS_MAX_ATTEMPTS, or set it to a whole number",
    "InvalidRetryModeError": "unset AWS_RETRY_MODE, or set it to standard",
}
"""AWS's error codes and the names of botocore's exceptions, with what to do about them."""
COMPARE: Final = "compare the account with the stack: sandbox drift; or try again"


def of_aws(error: BaseException) -> bool:
    """Whether *error* comes from AWS, or from the way there."""
    return type(error).__module__.startswith("botocore")


def describe(error: Exception) -> str:
    """*error* in one line: what AWS says, then the cure."""
    names = (error_code(error), *(base.__name__ for base in type(error).__mro__))
    cure = next((CURES[name] for name in names if name in CURES), COMPARE)
    if names[0].isdecimal() and int(names[0]) >= 500:  # noqa: PLR2004 - HTTP's codes of servers
        cure = WAIT
    return f"AWS: {error_reason(error).rstrip('.')}; {cure}"

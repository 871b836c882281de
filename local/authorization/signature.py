"""Read who signed a request. It imports no moto, because it runs for every call."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote
from wsgiref.types import WSGIEnvironment

SCOPE: Final = re.compile(r"Credential=([^/]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")
"""Key id, region and service in the signature of a request.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html"""
CREDENTIALS: Final = re.compile(r"(AKIA|ASIA)[A-Z0-9]{16}")
"""The form of the ids of access keys.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids"""
MODELS: Final = {
    "elasticloadbalancing": "elbv2",
    "elasticfilesystem": "efs",
    "elasticmapreduce": "emr",
    "monitoring": "cloudwatch",
    "servicequotas": "service-quotas",
    "states": "stepfunctions",
    "tagging": "resourcegroupstaggingapi",
}
"""The name of a service's model in botocore by its name in signatures, where the two differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """The facts that the signature of a request states."""

    key_id: str
    region: str
    service: str
    """The name of the service in signatures, for example `monitoring`."""
    content_type: str = ""

    @property
    def of_account(self) -> bool:
        """Whether it has the form of AWS's keys. Others, such as `local`, are the operator's."""
        return CREDENTIALS.fullmatch(self.key_id) is not None

    @property
    def model(self) -> str:
        """The name of the service's model in botocore."""
        return MODELS.get(self.service, self.service)


def signature(environ: WSGIEnvironment) -> Signature | None:
    """The signature in the header or the query of the request; None if it is unsigned."""
    scope = SCOPE.search(environ.get("HTTP_AUTHORIZATION", "")) or SCOPE.search(
        unquote(environ.get("QUERY_STRING", "")).replace("X-Amz-Credential", "Credential")
    )
    if scope is None:
        return None
    key_id, region, service = scope.groups()
    return Signature(
        key_id=key_id,
        region=region,
        service=service,
        content_type=environ.get("CONTENT_TYPE", ""),
    )

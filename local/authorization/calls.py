"""Read a signed request of any AWS protocol into the operation and its parameters."""

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final
from wsgiref.types import WSGIEnvironment

from botocore.exceptions import UnknownServiceError
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.utils import get_service_model
from moto.utilities.utils import get_partition
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException

from local.authorization.signature import Signature

FORM_PROTOCOLS: Final = frozenset({"ec2", "query"})
"""Protocols whose requests are forms."""


class UnreadableCallError(ValueError):
    """The request is not an operation of AWS's published models."""


class MalformedCallError(UnreadableCallError):
    """The operation is known, but the request does not have its form."""


class _AskedValues(MultiDict[str, Any]):
    """The values of a form; they record which names a parser asked for."""

    def __init__(self, values: MultiDict[str, Any]) -> None:
        super().__init__(values)
        self.asked: set[str] = {"Action", "Version"}

    def get(self, key: str, *more: Any, **named: Any) -> Any:
        self.asked.add(key)
        return super().get(key, *more, **named)

    @property
    def unknown(self) -> tuple[str, ...]:
        return tuple(sorted(self.keys() - self.asked))


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request to AWS."""

    signature: Signature
    operation: str
    """The name of the API, for example `RunInstances`."""
    parameters: Mapping[str, Any]
    """By the parameter names of the published model."""
    unknown: tuple[str, ...] = ()
    """Parameters of a form that the model does not have."""
    user_agent: str = ""
    source_ip: str = "127.0.0.1"
    token: str | None = None
    """The session token."""

    @property
    def service(self) -> str:
        return self.signature.service

    @property
    def region(self) -> str:
        return self.signature.region

    @property
    def partition(self) -> str:
        return get_partition(self.region)

    @property
    def dry_run(self) -> bool:
        return self.service == "ec2" and bool(self.parameters.get("DryRun"))


def read(environ: WSGIEnvironment, signed: Signature) -> Call:
    """The call; the request's body can be read again afterwards.

    Raises:
        UnreadableCallError: the models do not know it, or it cannot be parsed.
    """
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = BytesIO(body)
    request = Request({**environ, "wsgi.input": BytesIO(body)})
    where = f"{signed.service}: {request.method} {request.path}"
    try:
        service_model = get_service_model(signed.model)
        operation, path_parameters = get_service_router(signed.model).match(request)
        protocol = determine_request_protocol(service_model, request.content_type)
    except (
        HTTPException,
        NotImplementedError,
        ValueError,
        LookupError,
        UnknownServiceError,
    ) as error:
        raise UnreadableCallError(f"{where}: {error}") from error
    form = _AskedValues(request.values) if protocol in FORM_PROTOCOLS else None
    try:
        parameters = PROTOCOL_PARSERS[protocol](operation).parse(
            {
                "method": request.method,
                "values": request.values if form is None else form,
                "headers": request.headers,
                "body": body,
                "url_path": request.path,
                "url_params": path_parameters,
            }
        )
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise MalformedCallError(f"{where}: {error}") from error
    parameters = {
        name: value
        for name, value in parameters.items()
        if value != [] or not _in_query(operation, name)
    }
    return Call(
        signature=signed,
        operation=operation.name,
        parameters=parameters,
        unknown=form.unknown if form is not None else (),
        user_agent=request.headers.get("User-Agent", ""),
        source_ip=environ.get("REMOTE_ADDR") or "127.0.0.1",
        token=request.headers.get("X-Amz-Security-Token")
        or request.args.get("X-Amz-Security-Token"),
    )


def _in_query(operation: Any, name: str) -> bool:
    """Whether the parameter is in the URL, where an empty list means that it is absent."""
    return operation.input_shape.members[name].serialization.get("location") == "querystring"

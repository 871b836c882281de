"""What the emulated AWS lacks is refused at the first attempt, in each protocol of AWS."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import boto3
import pytest
from botocore.exceptions import ClientError

from local import serve
from local.emulator import Emulator
from local.unimplemented import UnimplementedApplication

CALLS = [
    pytest.param("ec2", "describe_client_vpn_connections", {"ClientVpnEndpointId": "x"}, id="ec2"),
    pytest.param("iam", "list_organizations_features", {}, id="query"),
    pytest.param("logs", "describe_configuration_templates", {}, id="json"),
    pytest.param("cloudfront", "list_vpc_origins", {}, id="rest-xml"),
    pytest.param("guardduty", "list_invitations", {}, id="rest-json"),
    pytest.param("outposts", "list_outposts", {}, id="service"),
    pytest.param(
        "accessanalyzer", "list_analyzers", {}, id="service with another name in signatures"
    ),
]
"""Operations of AWS that moto lacks, by protocol, and services that it lacks."""


@pytest.fixture(scope="module")
def counted() -> Iterator[tuple[Emulator, list[str]]]:
    """The emulated AWS, and the paths of the requests that arrived."""
    requests: list[str] = []

    def counting(application: WSGIApplication) -> WSGIApplication:
        def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Any:
            requests.append(environ["PATH_INFO"])
            return application(environ, start_response)

        return answer

    with serve.answering(counting) as emulator:
        yield emulator, requests


@pytest.mark.parametrize(("service", "operation", "parameters"), CALLS)
def test_a_call_that_is_missing_is_refused_once(
    counted: tuple[Emulator, list[str]], service: str, operation: str, parameters: dict[str, Any]
) -> None:
    emulator, requests = counted
    requests.clear()
    error = refused(emulator, service, operation, parameters)
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert error.response["Error"]["Code"] == "NotImplemented"
    assert "The emulated AWS cannot answer" in error.response["Error"]["Message"]
    assert len(requests) == 1


def test_a_missing_resource_is_not_a_missing_operation(
    counted: tuple[Emulator, list[str]],
) -> None:
    emulator, _ = counted
    for operation in ("head_bucket", "get_bucket_tagging"):
        error = refused(emulator, "s3", operation, {"Bucket": "missing"})
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_a_failure_of_the_emulated_aws_is_refused_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    requests: list[str] = []

    def failing(environ: WSGIEnvironment, _: StartResponse) -> Any:
        requests.append(environ["PATH_INFO"])
        raise KeyError("VpcId")

    with serving(failing) as emulator:
        error = refused(emulator, "ec2", "describe_vpcs", {})
    assert error.response["Error"] == {
        "Code": "NotImplemented",
        "Message": "The emulated AWS cannot answer ec2 DescribeVpcs: "
        "it failed with KeyError: 'VpcId'",
    }
    assert len(requests) == 1
    assert "Traceback" in capsys.readouterr().err


def serving(application: WSGIApplication) -> AbstractContextManager[Emulator]:
    return serve.serving(UnimplementedApplication(application))


def refused(
    emulator: Emulator, service: str, operation: str, parameters: dict[str, Any]
) -> ClientError:
    """The error of the call, with the retries that boto3 has by default."""
    make: Any = boto3.client
    client = make(
        service,
        region_name="us-east-1",
        endpoint_url=emulator.endpoint,
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    with pytest.raises(ClientError) as caught:
        getattr(client, operation)(**parameters)
    return caught.value

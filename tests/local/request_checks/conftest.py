"""One emulated AWS for the tests of a file; the clients do not validate their requests."""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from local import serve

Client = Callable[[str], Any]


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """The operator's clients."""
    with serve.answering() as running:
        known: dict[str, Any] = {}

        def make(service: str) -> Any:
            create: Any = boto3.client
            known[service] = known.get(service) or create(
                service,
                endpoint_url=running.endpoint,
                region_name="us-east-1",
                aws_access_key_id="local",
                aws_secret_access_key="local",
                config=Config(
                    parameter_validation=False,
                    retries={"total_max_attempts": 1},
                    s3={"addressing_style": "path"},
                ),
            )
            return known[service]

        yield make

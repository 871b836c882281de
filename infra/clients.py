"""AWS where a stack is deployed, for the commands beside the program."""

from collections.abc import Mapping
from typing import Any, Final

import boto3

from infra.cli import CommandError

_SINGULAR: Final = frozenset({"describe_nat_gateways"})
"""What calls its filters `Filter`."""


class Aws:
    """Clients of the account and region that the stack is in, each made once."""

    def __init__(self, region: str) -> None:
        self.region: Final = region
        self._clients: dict[str, Any] = {}

    def __call__(self, service: str) -> Any:  # noqa: ANN401 - one type per service
        if service not in self._clients:
            self._clients[service] = boto3.client(service, region_name=self.region)  # pyright: ignore[reportCallIssue, reportArgumentType]
        return self._clients[service]

    def all(self, service: str, operation: str, kind: str, **asked: Any) -> list[Any]:  # noqa: ANN401 - as the call has it
        """What *operation* lists as *kind*, all pages of it."""
        client = self(service)
        if not client.can_paginate(operation):
            return getattr(client, operation)(**asked)[kind]
        return [
            one for page in client.get_paginator(operation).paginate(**asked) for one in page[kind]
        ]

    def ec2(self, operation: str, kind: str, filters: Mapping[str, str]) -> list[dict[str, Any]]:
        """What *operation* lists as *kind*, under EC2's own *filters*."""
        key = "Filter" if operation in _SINGULAR else "Filters"
        asked = {key: [{"Name": name, "Values": [value]} for name, value in filters.items()]}
        return self.all("ec2", operation, kind, **asked)


def of_deployment(deployment: Mapping[str, Any]) -> Aws:
    """Where the provider of *deployment* (as `pulumi stack export` has it) makes things.

    Raises:
        CommandError: it holds none.
    """
    for one in deployment.get("resources", []):
        if one["type"] == "pulumi:providers:aws":
            return Aws(one["inputs"]["region"])
    raise CommandError("its state holds no AWS provider, so nothing was made; run pulumi up")

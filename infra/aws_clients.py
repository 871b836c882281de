"""The only set of AWS clients, for the checks of the program and for every command.

boto3 is imported with the first client: most updates need none, and it takes a quarter of a second.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, cast

from infra.catalogue import POLICY, Finder, Listing

if TYPE_CHECKING:
    from boto3 import Session
    from botocore.config import Config
    from mypy_boto3_budgets import BudgetsClient
    from mypy_boto3_ce import CostExplorerClient
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_pricing import PricingClient
    from mypy_boto3_service_quotas import ServiceQuotasClient
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_sts import STSClient

US_EAST_1: Final = "us-east-1"
"""Cost Explorer, the price list and the budgets of all regions are served there."""
FILTER_PARAMETER: Final = {"describe_nat_gateways": "Filter"}
"""The EC2 operations whose parameter for filters is not named `Filters`."""
CALLS_AT_ONCE: Final = 16
"""How many threads ask AWS, so that nothing waits for thirty answers one after another."""
UNREACHABLE_ATTEMPTS: Final = 3
RAISE_QUOTA: Final = "aws service-quotas request-service-quota-increase"
"""The start of the command that asks AWS for a higher quota."""
NOT_FOUND: Final = frozenset({"NoSuchEntity", "NotFoundException", "ResourceNotFoundException"})
"""Error codes of IAM, Budgets and CloudWatch Logs for a name that does not exist."""


class AwsClients:
    """Clients for one region, each created at its first use, all with the same retries."""

    def __init__(self, region: str, *, profile: str | None = None) -> None:
        self.region: Final = region
        self._profile = profile
        self._creating = Lock()
        self._created: dict[str, Any] = {}
        self._identifying = Lock()
        self._identity: Mapping[str, str] = {}

    @property
    def ec2(self) -> EC2Client:
        return self._client("ec2")

    @property
    def iam(self) -> IAMClient:
        return self._client("iam")

    @property
    def logs(self) -> CloudWatchLogsClient:
        return self._client("logs")

    @property
    def sts(self) -> STSClient:
        return self._client("sts")

    @property
    def ssm(self) -> SSMClient:
        return self._client("ssm")

    @property
    def quotas(self) -> ServiceQuotasClient:
        return self._client("service-quotas")

    @property
    def budgets(self) -> BudgetsClient:
        return self._client("budgets", US_EAST_1)

    @property
    def cost_explorer(self) -> CostExplorerClient:
        return self._client("ce", US_EAST_1)

    @property
    def pricing(self) -> PricingClient:
        """Prices are only for display, so this client gives up early."""
        return self._client("pricing", US_EAST_1, patient=False)

    @cached_property
    def credentials(self) -> Any:  # noqa: ANN401 - botocore's credentials have no type
        """The credentials that the clients use; None if there are none."""
        return self._session.get_credentials()

    @property
    def identity(self) -> Mapping[str, str]:
        """The `account_id` and `partition` that the credentials belong to."""
        with self._identifying:  # threads share the answer
            if not self._identity:
                arn = self.sts.get_caller_identity()["Arn"].split(":")
                self._identity = {"partition": arn[1], "account_id": arn[4]}
            return self._identity

    def list_all(self, service: str, operation: str, items: str, **parameters: Any) -> list[Any]:  # noqa: ANN401 - as the operation has it
        """The *items* (a JMESPath) of all pages of *operation*; a missing owner has none."""
        import jmespath  # noqa: PLC0415

        client: Any = getattr(self, service)
        try:
            if client.can_paginate(operation):
                pages = client.get_paginator(operation).paginate(**parameters)
            else:
                pages = [getattr(client, operation)(**parameters)]
            per_page: list[list[Any] | None] = [jmespath.search(items, page) for page in pages]
        except client.exceptions.ClientError as error:
            if error_code(error) in NOT_FOUND:
                return []
            raise
        return [item for page_items in per_page for item in page_items or []]

    def describe(
        self, operation: str, items: str, filters: Mapping[str, str | Collection[str]]
    ) -> list[dict[str, Any]]:
        """The *items* of an EC2 *operation* under EC2's own *filters*."""
        parameter = FILTER_PARAMETER.get(operation, "Filters")
        return self.list_all("ec2", operation, items, **{parameter: as_filters(filters)})

    def list_items(self, listing: Listing, known: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What *listing* lists, with its templates filled from *known*."""
        if listing.filters:
            return self.describe(listing.operation, listing.items, _filled(listing.filters, known))
        parameters = _filled(listing.parameters, known)
        return self.list_all(listing.service, listing.operation, listing.items, **parameters)

    def is_attached(self, policy_arn: str) -> bool:
        """Whether a policy is attached to any user, role or group."""
        owner = {"id": policy_arn}
        return any(self.list_items(listing, owner) for listing in POLICY.attachments)

    def tags_of(
        self, finder: Finder, known: Mapping[str, Any], item: Mapping[str, Any]
    ) -> Mapping[str, str]:
        """The tags of an *item* that *finder* listed with what is *known*."""
        entries: list[dict[str, str]] = (
            self.list_items(finder.tags, {**known, **item}) if finder.tags else item.get("Tags", [])
        )
        tags: dict[str, str] = {}
        for entry in entries:  # a list of keys and values, or one mapping (CloudWatch Logs)
            tags.update({entry["Key"]: entry["Value"]} if "Key" in entry else entry)
        return tags

    @cached_property
    def _session(self) -> Session:
        """One for all clients: each session reads the list of AWS's services again."""
        import boto3  # noqa: PLC0415 - see the module's docstring

        return boto3.Session(profile_name=self._profile)

    def _client(self, service: str, region: str = "", *, patient: bool = True) -> Any:  # noqa: ANN401 - one type per service
        with self._creating:  # a session makes one client at a time, and threads share it
            if service not in self._created:
                session: Any = self._session
                client = session.client(
                    service, region_name=region or self.region, config=_retries(patient=patient)
                )
                client.meta.events.register_first("needs-retry", _give_up_unreachable)
                client.meta.events.register("before-parse", _refuse_web_page)
                self._created[service] = client
            return self._created[service]


def _give_up_unreachable(
    attempts: int, caught_exception: Exception | None = None, **_: object
) -> None:
    """Try an unreachable endpoint only three times, because a mistyped region has no endpoint."""
    from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError  # noqa: PLC0415

    unreachable = isinstance(caught_exception, (EndpointConnectionError, ConnectTimeoutError))
    if caught_exception and unreachable and attempts >= UNREACHABLE_ATTEMPTS:
        raise caught_exception


def _refuse_web_page(response_dict: Mapping[str, Any], **_: object) -> None:
    """Refuse a web page, for example of a proxy, which would otherwise count as an empty answer.

    This comes before botocore reads the answer, since for some services it fails on a page with a
    KeyError. A stream has not been read yet, and passes.
    """
    from botocore.parsers import ResponseParserError  # noqa: PLC0415 - see the module's docstring

    body = response_dict["body"]
    if isinstance(body, bytes) and body.lstrip()[:14].lower().startswith(
        (b"<!doctype html", b"<html")
    ):
        raise ResponseParserError("a web page came instead of AWS's answer")


def _retries(*, patient: bool) -> Config:
    from botocore.config import Config  # noqa: PLC0415 - see the module's docstring

    if patient:
        return Config(
            retries={"mode": "adaptive", "total_max_attempts": 10},
            connect_timeout=10,
            read_timeout=60,
        )
    return Config(
        retries={"mode": "standard", "total_max_attempts": 2}, connect_timeout=5, read_timeout=15
    )


def _filled(templates: Mapping[str, str], known: Mapping[str, Any]) -> dict[str, str]:
    return {key: template.format_map(known) for key, template in templates.items()}


def as_filters(filters: Mapping[str, str | Collection[str]]) -> list[Any]:
    """*filters* by name, in the form that EC2 takes."""
    return [
        {"Name": name, "Values": [values] if isinstance(values, str) else list(values)}
        for name, values in filters.items()
    ]


def error_code(error: Exception) -> str:
    """AWS's code of the error; "" for an error that never reached AWS."""
    # a connection error has the attribute too, but it is None
    response = cast("Mapping[str, Any]", getattr(error, "response", None) or {})
    return str(response.get("Error", {}).get("Code", ""))


def error_reason(error: Exception) -> str:
    """The error's message in one line."""
    return " ".join(str(error).split())

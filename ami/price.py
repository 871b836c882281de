"""The cost of a build from AWS's price list."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from ami.aws_calls import AWS_ERRORS
from infra.aws_clients import error_reason

if TYPE_CHECKING:
    from ami.plan import BuildPlan
    from infra.aws_clients import AwsClients

TYPICAL_HOURS: Final = 45 / 60
"""The estimated hours of a build, 35 to 50 minutes; its manifest has the measured times."""


@dataclass(frozen=True, slots=True)
class HourlyPrice:
    """The on-demand price of the build machine, without its disk."""

    dollars: float | None
    """US dollars per hour; None if unknown."""
    why_unknown: str = ""

    def __str__(self) -> str:
        if self.dollars is None:
            return f"unknown ({self.why_unknown})"
        build = self.dollars * TYPICAL_HOURS
        return f"${self.dollars:.2f} an hour, about ${build:.2f} for a build, without the disk"


def of_plan(aws: AwsClients, plan: BuildPlan) -> HourlyPrice:
    """The on-demand price of the plan's instance type in its region.

    https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_pricing_GetProducts.html
    """
    fields = {
        "instanceType": plan.instance_type,
        "regionCode": aws.region,
        "operatingSystem": "Linux",
        "preInstalledSw": "NA",
        "tenancy": "Shared",
        "capacitystatus": "Used",
    }
    try:
        answer = aws.pricing.get_products(
            ServiceCode="AmazonEC2",
            Filters=[
                {"Type": "TERM_MATCH", "Field": field, "Value": value}
                for field, value in fields.items()
            ],
        )
    except AWS_ERRORS as error:
        return HourlyPrice(None, f"the price list cannot be read: {error_reason(error)}")
    prices = {
        float(dimension["pricePerUnit"]["USD"])
        for product in answer["PriceList"]
        for term in _on_demand_terms(json.loads(product))
        for dimension in term["priceDimensions"].values()
    }
    if len(prices) != 1:
        return HourlyPrice(None, f"the price list has {len(prices)} prices of {plan.instance_type}")
    return HourlyPrice(prices.pop())


def _on_demand_terms(product: dict[str, Any]) -> list[dict[str, Any]]:
    terms = cast("dict[str, dict[str, Any]]", product.get("terms", {}).get("OnDemand", {}))
    return list(terms.values())

"""What a build will cost, as far as AWS's price list says it; a price is never made up."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from ami.aws import AWS_ERRORS, reason

if TYPE_CHECKING:
    from ami.aws import Aws
    from ami.plan import Plan

USUAL_HOURS: Final = 25 / 60
"""A build with downloads takes 20 to 25 minutes."""


@dataclass(frozen=True, slots=True)
class Price:
    dollars_an_hour: float | None
    why_unknown: str = ""

    def __str__(self) -> str:
        if self.dollars_an_hour is None:
            return f"unknown ({self.why_unknown})"
        build = self.dollars_an_hour * USUAL_HOURS
        return f"${self.dollars_an_hour:.2f} an hour, about ${build:.2f} for a build, disk excluded"


def of(aws: Aws, plan: Plan) -> Price:
    """The on-demand price of the plan's machine."""
    wanted = {
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
                for field, value in wanted.items()
            ],
        )
    except AWS_ERRORS as error:
        return Price(None, f"the price list was not readable: {reason(error)}")
    prices = {
        float(dimension["pricePerUnit"]["USD"])
        for product in answer["PriceList"]
        for term in _terms(json.loads(product))
        for dimension in term["priceDimensions"].values()
    }
    if len(prices) != 1:
        return Price(None, f"the price list has {len(prices)} prices for {plan.instance_type}")
    return Price(prices.pop())


def _terms(product: dict[str, Any]) -> list[dict[str, Any]]:
    on_demand = cast("dict[str, dict[str, Any]]", product.get("terms", {}).get("OnDemand", {}))
    return list(on_demand.values())

"""Limits of requests that list EC2 resources."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from moto.core.utils import get_service_model

from local.authorization.calls import Call
from local.request_checks.limits.limit import limit

FILTERING: Final = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html"
FILTER_VALUES: Final = 200
PAGE: Final = range(5, 1001)
DOCUMENTED: Final = re.compile(r"<li> <p> <code>([^<]+)</code>")
"""The pattern of a filter's name in the model's documentation of an operation."""
OTHER_NAMES: Final = re.compile(r"You can also use (.*?) as the filter names?")
"""The pattern of further names of the filter before."""
UNLISTED: Final = {"DescribeVpcs": frozenset({"isDefault"})}
"""Filters that another page of AWS names, by operation.
https://docs.aws.amazon.com/vpc/latest/userguide/work-with-default-vpc.html"""
CODE: Final = re.compile(r"<code>([^<]+)</code>")


@limit(
    "ec2:DescribeInstances",
    code="InvalidParameterValue",
    source="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html",
)
def page_sizes(call: Call) -> Iterator[str]:
    """A page of instances has 5 to 1,000."""
    size = call.parameters.get("MaxResults")
    if size is not None and size not in PAGE:
        low = size < PAGE.start
        yield (
            f"Value ( {size} ) for parameter maxResults is invalid. Expecting a value "
            f"{'greater' if low else 'less'} than {PAGE.start if low else PAGE.stop - 1}."
        )


@limit("ec2:*", code="FilterLimitExceeded", source=FILTERING)
def filter_values(call: Call) -> Iterator[str]:
    """A request has at most 200 values of filters."""
    if sum(len(entry.get("Values", [])) for entry in _filters(call)) > FILTER_VALUES:
        yield "The maximum number of filter values specified on a single call is 200"


@limit("ec2:*", code="InvalidParameterValue", source=FILTERING)
def filter_names(call: Call) -> Iterator[str]:
    """A filter is one that the operation's page lists."""
    known = _documented(call.operation)
    if known:
        known |= UNLISTED.get(call.operation, frozenset())
    for entry in _filters(call):
        name = entry.get("Name", "")
        if known and name not in known and not name.startswith("tag:"):
            yield f"The filter '{name}' is invalid"


def _filters(call: Call) -> list[Any]:
    return call.parameters.get("Filters") or call.parameters.get("Filter") or []


@cache
def _documented(operation: str) -> frozenset[str]:
    """The names of the filters of the operation; empty if its page lists none."""
    model: Any = get_service_model("ec2")
    members = model.operation_model(operation).input_shape.members
    texts = [members[name].documentation for name in ("Filters", "Filter") if name in members]
    others = (CODE.findall(names) for text in texts for names in OTHER_NAMES.findall(text))
    return frozenset(name for text in texts for name in DOCUMENTED.findall(text)).union(*others)

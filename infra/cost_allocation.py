"""The account's cost allocation tags, and the reasons why AWS does not return them.

Costs are grouped and budgets are counted by a tag only once it is an active cost allocation tag.
The tags belong to the account, or to the payer account that it is linked to. AWS knows a tag about
a day after something that costs money carried it first.
https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/activating-tags.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from infra import names
from infra.aws_clients import error_code, error_reason

if TYPE_CHECKING:
    from mypy_boto3_ce import CostExplorerClient

TAGS: Final = (names.USER_TAG, names.PROJECT_TAG)
"""The tags that costs are grouped by, and that the budget counts by."""
ACTIVE: Final = "Active"
UNKNOWN: Final = "unknown"
"""The status of a tag that AWS has not seen on anything that costs money yet."""
NOT_SEEN: Final = "AWS does not know it yet, which takes about a day after the first launch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why AWS does not answer, and what to do about it."""

    problem: str
    cure: str

    def __str__(self) -> str:
        return f"{self.problem}; {self.cure}"


NOT_ENABLED: Final = Refusal(
    problem="Cost Explorer is not enabled in this account",
    cure="open it once in the billing console as the account's root user, and wait a day",
)
LINKED: Final = Refusal(
    problem="another account pays for this one and keeps its cost allocation tags",
    cure=f"ask its owner to activate {' and '.join(TAGS)} there, and set "
    "sandbox:cost_allocation_tags to off",
)
NO_DATA: Final = Refusal(
    problem="Cost Explorer has no data of this period yet",
    cure="try again a day after it was opened for the first time",
)
NO_RIGHT: Final = Refusal(
    problem="your permissions do not include Cost Explorer",
    cure="ask for ce:ListCostAllocationTags and ce:GetCostAndUsage",
)
PHRASES: Final = (("not enabled for cost explorer", NOT_ENABLED), ("Linked account", LINKED))
"""AWS's wording of a refusal that has the code of a missing right although none is missing."""


def statuses(ce: "CostExplorerClient", tags: Sequence[str] = TAGS) -> Mapping[str, str]:
    """The status of each of *tags*: `ACTIVE`, Inactive or `UNKNOWN`."""
    answer = ce.list_cost_allocation_tags(TagKeys=list(tags))
    known = {tag["TagKey"]: tag["Status"] for tag in answer["CostAllocationTags"]}
    return {tag: known.get(tag, UNKNOWN) for tag in tags}


def known_refusal(error: Exception) -> Refusal | None:
    """The meaning of the *error* of a request to Cost Explorer; None for other errors."""
    reason, code = error_reason(error), error_code(error)
    for phrase, meaning in PHRASES:
        if phrase in reason:
            return meaning
    if "AccessDenied" in code:
        return NO_RIGHT
    return NO_DATA if code == "DataUnavailableException" else None


def refusal(error: Exception) -> Refusal:
    """The same as text, with AWS's own message for other errors."""
    unknown = Refusal(problem=error_reason(error).rstrip("."), cure="try again")
    return known_refusal(error) or unknown

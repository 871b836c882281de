"""Cost allocation tags. moto 5.2.5 can neither list nor activate them.

AWS knows a tag's key a day after a resource with costs carried it; the emulated AWS knows it at
once. It refuses accounts whose bill another account pays, and those that never opened Cost
Explorer.
https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_UpdateCostAllocationTagsStatus.html
https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/activating-tags.html
https://github.com/2i2c-org/infrastructure/pull/4932 (the message to a linked account)
https://github.com/cloudgraphdev/cli/issues/91 (the message to a new one)
"""

import json
from collections.abc import Iterator
from typing import Any, Final

from moto.ce.models import ce_backends
from moto.ce.responses import CostExplorerResponse
from moto.core.exceptions import JsonRESTError
from moto.ec2.models import ec2_backends

from local import emulated_account

REFUSALS: Final = {
    emulated_account.LINKED: "Linked account doesn't have access to cost allocation tags.",
    emulated_account.NEW: "User not enabled for cost explorer access",
}


class AccessDeniedError(JsonRESTError):
    code = 400

    def __init__(self, message: str) -> None:
        super().__init__("AccessDeniedException", message)


class UnknownTagsError(JsonRESTError):
    code = 400

    def __init__(self, keys: list[str]) -> None:
        super().__init__(
            "ValidationException",
            f"Failed to update Cost Allocation Tag: Tag keys not found: {','.join(keys)}",
        )


def install() -> None:
    def update(self: Any) -> str:
        known = _known(self)
        entries = json.loads(self.body)["CostAllocationTagsStatus"]
        if unknown := [entry["TagKey"] for entry in entries if entry["TagKey"] not in known]:
            raise UnknownTagsError(unknown)
        known.update({entry["TagKey"]: entry["Status"] for entry in entries})
        return json.dumps({"Errors": []})

    def list_tags(self: Any) -> str:
        request = json.loads(self.body)
        wanted = request.get("TagKeys")
        tags = [
            {"TagKey": key, "Type": "UserDefined", "Status": state}
            for key, state in _known(self).items()
            if (not wanted or key in wanted) and request.get("Status", state) == state
        ]
        return json.dumps({"CostAllocationTags": tags})

    CostExplorerResponse.update_cost_allocation_tags_status = update
    CostExplorerResponse.list_cost_allocation_tags = list_tags


def billed(account_id: str) -> Iterator[dict[str, str]]:
    """The tags of the resources with costs: the instances in every region."""
    for ec2 in ec2_backends[account_id].values():
        for instance in ec2.all_instances():
            yield {tag["key"]: tag["value"] for tag in instance.get_tags()}


def statuses(account_id: str, partition: str) -> dict[str, str]:
    """The status of each tag that AWS knows in the account."""
    backend = ce_backends[account_id][partition]
    known: dict[str, str] = vars(backend).setdefault("cost_allocation_tags", {})
    for tags in billed(account_id):
        for key in tags:
            known.setdefault(key, "Inactive")
    return known


def _known(response: Any) -> dict[str, str]:
    if response.current_account in REFUSALS:
        raise AccessDeniedError(REFUSALS[response.current_account])
    return statuses(response.current_account, response.partition)

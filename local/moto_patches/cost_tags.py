"""Cost allocation tags. moto 5.2.5 can neither list nor activate them.

The account LINKED is not a payer account, so it is refused, as AWS refuses it.
https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_UpdateCostAllocationTagsStatus.html
"""

import json
from typing import Any

from moto.ce.responses import CostExplorerResponse
from moto.core.exceptions import JsonRESTError

LINKED = "210987654321"


class AccessDeniedError(JsonRESTError):
    code = 400

    def __init__(self) -> None:
        super().__init__(
            "AccessDeniedException", "Linked account doesn't have access to cost allocation tags."
        )


def install() -> None:
    def status(self: Any) -> dict[str, str]:
        if self.current_account == LINKED:
            raise AccessDeniedError
        return self.ce_backend.__dict__.setdefault("cost_allocation_tags", {})

    def update(self: Any) -> str:
        statuses = status(self)
        for entry in json.loads(self.body)["CostAllocationTagsStatus"]:
            statuses[entry["TagKey"]] = entry["Status"]
        return json.dumps({"Errors": []})

    def list_tags(self: Any) -> str:
        request = json.loads(self.body)
        wanted = request.get("TagKeys")
        tags = [
            {"TagKey": key, "Type": "UserDefined", "Status": state}
            for key, state in status(self).items()
            if (not wanted or key in wanted) and request.get("Status", state) == state
        ]
        return json.dumps({"CostAllocationTags": tags})

    CostExplorerResponse.update_cost_allocation_tags_status = update
    CostExplorerResponse.list_cost_allocation_tags = list_tags

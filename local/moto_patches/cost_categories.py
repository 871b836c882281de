"""Cost Explorer lists cost categories. moto 5.2.5 only describes one by its ARN.

https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_ListCostCategoryDefinitions.html
"""

import json
from typing import Any

from moto.ce.responses import CostExplorerResponse


def install() -> None:
    def list_cost_category_definitions(self: Any) -> str:
        references = [
            {
                "CostCategoryArn": category.arn,
                "DefaultValue": category.default_value,
                "EffectiveStart": category.effective_start,
                "Name": category.name,
                "NumberOfRules": len(category.rules),
            }
            for category in self.ce_backend.cost_categories.values()
        ]
        return json.dumps({"CostCategoryReferences": references})

    CostExplorerResponse.list_cost_category_definitions = list_cost_category_definitions

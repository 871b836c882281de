"""Cost Explorer lists cost categories."""

from typing import Any

import boto3
from moto import mock_aws

from local.moto_patches import cost_categories


@mock_aws
def test_a_cost_category_is_listed() -> None:
    cost_categories.install()
    ce = boto3.client("ce", region_name="us-east-1")
    assert ce.list_cost_category_definitions()["CostCategoryReferences"] == []
    rule: Any = {"Value": "a", "Rule": {"Tags": {"Key": "Project", "Values": ["a"]}}}
    created = ce.create_cost_category_definition(
        Name="c",
        RuleVersion="CostCategoryExpression.v1",
        Rules=[rule],
        DefaultValue="rest",
    )
    (listed,) = ce.list_cost_category_definitions()["CostCategoryReferences"]
    assert listed == {
        "CostCategoryArn": created["CostCategoryArn"],
        "DefaultValue": "rest",
        "EffectiveStart": created["EffectiveStart"],
        "Name": "c",
        "NumberOfRules": 1,
    }

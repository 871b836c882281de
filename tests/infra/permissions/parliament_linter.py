"""The findings of parliament, a linter of IAM policies, without those that do not apply here."""

import json
import warnings
from collections.abc import Iterator, Mapping
from typing import Any, Final

from local.iam.evaluator import Document

with warnings.catch_warnings():  # its source code causes warnings of Python
    warnings.simplefilter("ignore")
    import parliament

NOT_APPLICABLE: Final[Mapping[str, str]] = {
    "RESOURCE_MISMATCH": "wants each statement on RunInstances to name all of its resource types;"
    " ours are split by type on purpose, and our own lint checks resources",
    "RESOURCE_STAR": "reports boundaries, and actions without resource types, too",
    "UNKNOWN_CONDITION_FOR_ACTION": "lacks the keys of single resource types and"
    " ec2:RoleDelivery; our own lint checks keys",
}
"""Findings that need no change, with the reason."""


def findings(document: Document) -> Iterator[str]:
    analysis: Any = parliament.analyze_policy_string(json.dumps(document))
    for finding in analysis.findings:
        yield finding.issue

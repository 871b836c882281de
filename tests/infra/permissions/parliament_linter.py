"""parliament, a linter of IAM policies, and its findings that do not apply here."""

import json
import warnings
from collections.abc import Iterator, Mapping
from typing import Any, Final

from local.iam.evaluator import Document

with warnings.catch_warnings():  # Python warns about its source
    warnings.simplefilter("ignore")
    import parliament  # pyright: ignore[reportMissingTypeStubs]

NOT_APPLICABLE: Final[Mapping[str, str]] = {
    "RESOURCE_MISMATCH": "wants each statement on RunInstances to name all of its resource types;"
    " ours are split by type on purpose, and our own lint checks resources",
    "RESOURCE_STAR": "also reports boundaries, and actions without resource types",
    "UNKNOWN_CONDITION_FOR_ACTION": "does not know keys of single resource types, nor"
    " ec2:RoleDelivery; our own lint checks keys",
}
"""Findings that need no change, with the reason."""


def findings(document: Document) -> Iterator[str]:
    analysis: Any = parliament.analyze_policy_string(  # pyright: ignore[reportUnknownMemberType]
        json.dumps(document)
    )
    for finding in analysis.findings:
        yield finding.issue

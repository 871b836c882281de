"""parliament, the field's linter of IAM policies, and what of it is noise here."""

import json
import warnings
from collections.abc import Iterator, Mapping
from typing import Any, Final

from local.iam.evaluator import Document

with warnings.catch_warnings():  # its own source is older than the Python that reads it
    warnings.simplefilter("ignore")
    import parliament  # pyright: ignore[reportMissingTypeStubs]

NOISE: Final[Mapping[str, str]] = {
    "RESOURCE_MISMATCH": "wants each statement on RunInstances to name all of its resource types;"
    " ours are split by type on purpose, and our own lint judges resources",
    "RESOURCE_STAR": "counts calls that know no resource, and boundaries, which are about all",
    "UNKNOWN_CONDITION_FOR_ACTION": "does not know that a key may belong to one of an action's"
    " resource types only, nor ec2:RoleDelivery in every call; our own lint judges keys",
}
"""Findings that are not ours to mend, with the reason."""


def findings(document: Document) -> Iterator[str]:
    found: Any = parliament.analyze_policy_string(  # pyright: ignore[reportUnknownMemberType]
        json.dumps(document)
    )
    for one in found.findings:
        yield one.issue

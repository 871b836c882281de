"""How the second emulated AWS differs from the first, and the cause of each difference."""

from dataclasses import dataclass
from typing import Final

from local.ministack import launcher


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One difference that `make prove-ministack` meets."""

    subject: str
    effect: str
    cause: str
    step: str = ""
    """What a preview with refresh plans because of it: update or replace."""
    properties: tuple[str, ...] = ()
    """The properties that the preview names."""

    @property
    def row(self) -> tuple[str, str, str]:
        return self.subject, self.effect, self.cause


MISSING: Final = ", ".join(f"`{operation}`" for operation in (*launcher.EC2, *launcher.IAM))
DIFFERENCES: Final = (
    Difference(
        subject="flow log",
        effect="its tags, role and aggregation interval are forgotten: each preview replaces it",
        cause="ministack: `CreateFlowLogs` drops `TagSpecification`, `DeliverLogsPermissionArn` "
        "and `MaxAggregationInterval`",
        step="replace",
        properties=("iamRoleArn", "maxAggregationInterval", "tags", "tagsAll"),
    ),
    Difference(
        subject="egress rule",
        effect="its description and tags are forgotten: a preview with refresh updates it",
        cause="ministack: revoking the egress rule of a new group has no effect, so the "
        "authorized rule is not created",
        step="update",
        properties=("description", "tagsAll"),
    ),
    Difference(
        subject=MISSING,
        effect="the check before a destroy, and `sandbox drift`, end with one line that names "
        "the operation; nothing is deleted",
        cause="ministack lacks them; `local/ministack/launcher.py` answers that there is nothing",
    ),
    Difference(
        subject="`DescribeSecurityGroups` with the filter `ip-permission.group-id`",
        effect="the check before a destroy finds an unmanaged rule in each group",
        cause="ministack ignores the filter; `local/ministack/launcher.py` answers with no group",
    ),
)

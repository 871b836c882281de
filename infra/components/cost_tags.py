"""Cost allocation tags: without them Cost Explorer cannot group by ``user_id``.

They belong to the whole account (or its payer), so one stack of an account sets them, they stay
when that stack goes, and AWS knows a tag only about a day after the first thing that carries it.
"""

from collections.abc import Sequence
from typing import Final

import pulumi
from pulumi_aws import costexplorer

from infra import names
from infra.settings import Settings

TAGS: Final = (names.USER_TAG, "Project")
REGION: Final = "us-east-1"
"""Cost Explorer's one endpoint of the standard partition."""


class CostTags(pulumi.ComponentResource):
    """The tags that Cost Explorer groups by."""

    def __init__(
        self, name: str, tags: Sequence[str], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("sandbox:cost_tags:CostTags", name, {}, opts)
        for tag in tags:
            costexplorer.CostAllocationTag(
                f"sandbox-{tag}",
                tag_key=tag,
                status="Active",
                # deactivating would take the grouping from every other report of the account
                opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),
            )
        self.register_outputs({})


def wanted(settings: Settings) -> Sequence[str]:
    """The tags that this stack activates: none, all, or those that AWS lets it activate."""
    match settings.cost_allocation_tags:
        case "off":
            return ()
        case "on":
            return TAGS
        case "auto":
            return _possible()


def _possible() -> Sequence[str]:
    # imported here: only auto asks, and the SDK would cost each preview its import
    import boto3  # noqa: PLC0415
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    try:
        answer = boto3.client("ce", region_name=REGION).list_cost_allocation_tags(
            TagKeys=list(TAGS)
        )
    except ClientError as error:
        if "AccessDenied" not in error.response.get("Error", {}).get("Code", ""):
            raise _unreadable(error) from None
        pulumi.log.info(
            f"cost allocation tags {', '.join(TAGS)}: not this account's to activate, since it is "
            "linked to a payer account, or your rights lack ce:ListCostAllocationTags; ask the "
            "payer's owner to activate them, then set sandbox:cost_allocation_tags to off"
        )
        return ()
    except BotoCoreError as error:
        raise _unreadable(error) from None
    known = {one["TagKey"] for one in answer["CostAllocationTags"]}
    if unknown := [tag for tag in TAGS if tag not in known]:
        pulumi.log.info(
            f"cost allocation tags {', '.join(unknown)}: AWS does not know them yet, which takes "
            "about a day after the first launch; the next update activates them"
        )
    return [tag for tag in TAGS if tag in known]


def _unreadable(error: Exception) -> pulumi.RunError:
    return pulumi.RunError(
        f"sandbox:cost_allocation_tags = auto: the tags could not be read: {error}; "
        "try again, or set it to on or off, which asks nothing"
    )

"""Cost allocation tags: without them Cost Explorer cannot group by ``user_id``.

The tags belong to the account, or to the payer account that it is linked to. So only one stack of
an account sets them, and they stay when that stack is destroyed. AWS knows a tag about a day after
the first resource that carries it.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import pulumi
from pulumi_aws import costexplorer

from infra import catalogue, names
from infra.aws_clients import US_EAST_1, AwsClients, error_code
from infra.context import StackContext
from infra.settings import Settings
from infra.standing import StandingResource

TAGS: Final = (names.USER_TAG, "Project")


class CostTags(pulumi.ComponentResource):
    """The tags that Cost Explorer groups by."""

    def __init__(
        self,
        name: str,
        context: StackContext,
        standing: Iterable[StandingResource],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sandbox:cost_tags:CostTags", name, {}, opts)
        for tag in _tags_to_activate(context.settings, standing):
            costexplorer.CostAllocationTag(
                f"sandbox-{tag}",
                tag_key=tag,
                status="Active",
                # to deactivate it would remove the grouping from all other reports of the account
                opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),
            )
        self.register_outputs({})


def _tags_to_activate(settings: Settings, standing: Iterable[StandingResource]) -> Sequence[str]:
    """The tags that this stack activates: none, all, or those that AWS lets it activate."""
    match settings.cost_allocation_tags:
        case "off":
            return ()
        case "on":
            return TAGS
        case "auto":
            return _tags_that_aws_offers(standing)


def _tags_that_aws_offers(standing: Iterable[StandingResource]) -> Sequence[str]:
    """The tags that AWS knows; if the credentials cannot read them, those that the stack has.

    So a preview is the same for everybody, and a destroy never fails here.
    """
    # imported here: only `auto` asks, and the import would slow every other preview down
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    try:
        answer = AwsClients(US_EAST_1).cost_explorer.list_cost_allocation_tags(TagKeys=list(TAGS))
    except (BotoCoreError, ClientError) as error:
        active = [
            resource.outputs["tagKey"]
            for resource in standing
            if resource.type == catalogue.COST_ALLOCATION_TAG.name
        ]
        if "AccessDenied" not in error_code(error):
            pulumi.log.warn(
                "sandbox:cost_allocation_tags = auto: the tags could not be read and stay as they "
                f"are: {error}; try again, or set it to on or off, which do not read them"
            )
            return active
        pulumi.log.info(
            f"sandbox:cost_allocation_tags = auto: {', '.join(TAGS)}: this account cannot activate "
            "them: it is linked to a payer account, or your rights lack "
            "ce:ListCostAllocationTags; ask the owner of the payer account to activate them, then "
            "set sandbox:cost_allocation_tags to off"
        )
        return active
    known = {tag["TagKey"] for tag in answer["CostAllocationTags"]}
    if unknown := [tag for tag in TAGS if tag not in known]:
        pulumi.log.info(
            f"sandbox:cost_allocation_tags = auto: {', '.join(unknown)}: AWS does not know them "
            "yet; that takes about a day after the first launch. The next update activates them"
        )
    return [tag for tag in TAGS if tag in known]

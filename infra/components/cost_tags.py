"""Activates the cost allocation tags: without them Cost Explorer cannot group by ``user_id``.

They belong to the account, so only one stack of an account sets them, and they stay when that
stack is destroyed.
"""

from collections.abc import Iterable, Sequence

import pulumi
from pulumi_aws import costexplorer

from infra import catalogue, cost_allocation
from infra.aws_clients import US_EAST_1, AwsClients
from infra.context import StackContext
from infra.cost_allocation import NOT_SEEN
from infra.settings import Settings
from infra.standing import StandingResource


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
                opts=pulumi.ResourceOptions(
                    parent=self,
                    # to deactivate it would remove the grouping from all other reports
                    retain_on_delete=True,
                    hooks=pulumi.ResourceHookBinding(before_create=[_known_hook(tag)]),
                ),
            )
        self.register_outputs({})


def _tags_to_activate(settings: Settings, standing: Iterable[StandingResource]) -> Sequence[str]:
    """The tags that this stack activates: none, all, or those that AWS lets it activate."""
    match settings.cost_allocation_tags:
        case "off":
            return ()
        case "on":
            return cost_allocation.TAGS
        case "auto":
            return _tags_that_aws_offers(standing)


def _tags_that_aws_offers(standing: Iterable[StandingResource]) -> Sequence[str]:
    """The tags that AWS knows, and those that stand.

    So a preview plans no deletion where its credentials cannot read them, and a destroy never fails
    here.
    """
    # imported here: only `auto` asks, and the import would slow every other preview down
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    active = {
        resource.outputs["tagKey"]
        for resource in standing
        if resource.type == catalogue.COST_ALLOCATION_TAG.name
    }
    try:
        statuses = cost_allocation.statuses(AwsClients(US_EAST_1).cost_explorer)
    except (BotoCoreError, ClientError) as error:
        reason = cost_allocation.refusal(error)
        log = pulumi.log.info if reason is cost_allocation.LINKED else pulumi.log.warn
        log(f"sandbox:cost_allocation_tags = auto: the tags stay as they are: {reason}")
        return [tag for tag in cost_allocation.TAGS if tag in active]
    unknown = {tag for tag, status in statuses.items() if status == cost_allocation.UNKNOWN}
    if waiting := sorted(unknown - active):
        pulumi.log.info(
            f"sandbox:cost_allocation_tags = auto: {', '.join(waiting)}: AWS does not know them "
            "yet; that takes about a day after the first launch. The next update activates them"
        )
    return [tag for tag in cost_allocation.TAGS if tag not in unknown or tag in active]


def _known_hook(tag: str) -> pulumi.ResourceHook:
    return pulumi.ResourceHook(
        f"{tag}-is-known",
        lambda _: require_known(tag),
        opts=pulumi.ResourceHookOptions(on_dry_run=True),
    )


def require_known(tag: str) -> None:
    """Refuse to activate a tag that AWS does not know: it would fail in the middle of an update.

    Raises:
        pulumi.RunError: it names the tag.
    """
    # imported here: few updates create a tag, and the import would slow the others down
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    try:
        statuses = cost_allocation.statuses(AwsClients(US_EAST_1).cost_explorer, [tag])
    except (BotoCoreError, ClientError) as error:
        raise pulumi.RunError(
            f"cost allocation tag {tag}: cannot be activated: {cost_allocation.refusal(error)}"
        ) from None
    if statuses[tag] == cost_allocation.UNKNOWN:
        raise pulumi.RunError(
            f"cost allocation tag {tag}: {NOT_SEEN}; set sandbox:cost_allocation_tags to auto, "
            "which waits for it"
        )

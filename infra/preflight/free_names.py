"""Refuses to create what already exists under the same name: another stack's, or a killed update's.

The names are fixed and IAM's are global, so two stacks of one account have the same names, in other
regions too. Without this an update creates a part of the second stack before AWS refuses the rest.
The check is a hook of each resource: it runs in a preview too, only where something is created, and
never in a destroy.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final, cast

import pulumi

from infra import catalogue
from infra.aws_clients import AwsClients
from infra.catalogue import CATALOGUE
from infra.settings import Settings
from infra.standing import StandingResource

NAMED: Final = frozenset(
    resource_type.name
    for resource_type in (
        *(catalogue.USER, catalogue.ROLE, catalogue.POLICY, catalogue.INSTANCE_PROFILE),
        *(catalogue.LOG_GROUP, catalogue.BUDGET),
    )
)
"""The types whose names are unique in an account, or in a region of it."""


def transformation(
    settings: Settings, standing: Iterable[StandingResource]
) -> pulumi.ResourceTransformation:
    """Give each resource of these types the hook that checks its name."""
    aws = AwsClients(settings.region)
    own_names = {(resource.type, resource.outputs.get("name")) for resource in standing}
    hook = pulumi.ResourceHook(
        "name-is-free",
        lambda args: require_free(args, aws, settings.environment, own_names),
        opts=pulumi.ResourceHookOptions(on_dry_run=True),
    )

    def add_hook(
        args: pulumi.ResourceTransformationArgs,
    ) -> pulumi.ResourceTransformationResult | None:
        # an adoption previews a stack that does not hold the resources of its environment yet
        if args.type_ not in NAMED or settings.watch_terraform_tags:
            return None
        hooks = pulumi.ResourceOptions(hooks=pulumi.ResourceHookBinding(before_create=[hook]))
        return pulumi.ResourceTransformationResult(
            args.props, pulumi.ResourceOptions.merge(args.opts, hooks)
        )

    return add_hook


def require_free(
    args: pulumi.ResourceHookArgs,
    aws: AwsClients,
    environment: str,
    own_names: Collection[tuple[str, Any]] = (),
) -> None:
    """Refuse to create a resource whose name is taken; the names in *own_names* are this stack's.

    Raises:
        pulumi.RunError: it names the owner by its tag Environment.
    """
    # imported here: few updates create something, and the import would slow the others down
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    inputs = cast("Mapping[str, Any]", args.new_inputs or {})
    if (args.type, inputs.get("name")) in own_names:
        return
    finder = CATALOGUE[args.type].finder
    assert finder is not None  # noqa: S101 - so it is for all types in NAMED
    try:
        known = {**aws.identity, **inputs}
        items = [item for item in aws.list_items(finder, known) if finder.matches(known, item)]
        owners = [aws.tags_of(finder, known, item).get("Environment") for item in items]
    except (BotoCoreError, ClientError):
        return  # who may not read it gets AWS's own answer
    for owner in owners:
        kind = args.type.rsplit(":", 1)[1]
        if owner == environment:
            raise pulumi.RunError(
                f"{kind} {inputs['name']}: exists already, with this stack's tag "
                f"Environment={owner}; if a killed update left it, run: sandbox recover; if it "
                "belongs to another stack, use another account, because the names are fixed"
            )
        owned = f"by the environment {owner}" if owner else "without the tag Environment"
        raise pulumi.RunError(
            f"{kind} {inputs['name']}: exists already, {owned}; the names are fixed, so an account "
            "holds one stack; use another account, or destroy the other stack first"
        )

"""Checks of the settings that need the account or the state.

`require` runs before the first resource is registered, in a destroy too. So it refuses only what
would hurt in a destroy as well. All other checks are a hook of every resource, which the engine
calls before it creates or changes one, in a preview too, and never in a destroy.
"""

import asyncio
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache

import pulumi

from infra.aws_clients import CALLS_AT_ONCE, AwsClients
from infra.catalogue import CATALOGUE
from infra.context import StackContext
from infra.permissions import instance, manager
from infra.permissions.statements import DocumentError, document, documents
from infra.preflight import (
    attached_stop,
    free_names,
    live_key,
    missing_boundary,
    missing_in_region,
    running_sandboxes,
    state_backend,
    terraform_tag_warning,
    uncounted_budget,
)
from infra.settings import Settings
from infra.standing import StandingResource


def require(context: StackContext, standing: Iterable[StandingResource]) -> None:
    """Refuse settings that AWS would refuse in the middle of an update, or that hurt sandboxes.

    *standing* is what the last update left.

    Raises:
        pulumi.RunError: one line that names the setting.
    """
    running_sandboxes.require_no_harm(context, standing)
    attached_stop.require_lifted(context.settings, standing)
    live_key.warn_on_lost_key(context.settings, standing)
    missing_in_region.warn_on_missing(context.settings, standing)
    uncounted_budget.warn_on_uncounted_budget(context.settings, standing)
    terraform_tag_warning.warn_on_terraform_tags(context.settings)
    for identity in (manager, instance):
        try:
            documents(identity.policy(context.policy_context))
            if not context.settings.permissions_boundary:
                document(identity.boundary(context.policy_context))
        except DocumentError as error:
            raise pulumi.RunError(f"the stack's config cannot be used: {error}") from None


def transformation(
    settings: Settings, standing: Iterable[StandingResource]
) -> pulumi.ResourceTransformation:
    """Give each resource of AWS the hook that checks whether it may be created or changed.

    The hooks ask AWS in threads, so that they do not hold up each other and the program.
    """
    aws = AwsClients(settings.region)
    threads = ThreadPoolExecutor(CALLS_AT_ONCE)
    require_free = free_names.check(aws, settings, standing, threads)

    @cache
    def boundary() -> Future[None]:
        return threads.submit(missing_boundary.require, aws, settings)

    async def before_create(args: pulumi.ResourceHookArgs) -> None:
        await before_update(args)
        await require_free(args)

    async def before_update(_: pulumi.ResourceHookArgs) -> None:
        state_backend.require(settings)
        await asyncio.wrap_future(boundary())

    options = pulumi.ResourceHookOptions(on_dry_run=True)
    binding = pulumi.ResourceHookBinding(
        before_create=[pulumi.ResourceHook("creation-check", before_create, options)],
        before_update=[pulumi.ResourceHook("change-check", before_update, options)],
    )

    def add_hooks(
        args: pulumi.ResourceTransformationArgs,
    ) -> pulumi.ResourceTransformationResult | None:
        if args.type_ not in CATALOGUE:
            return None
        opts = pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions(hooks=binding))
        return pulumi.ResourceTransformationResult(args.props, opts)

    return add_hooks

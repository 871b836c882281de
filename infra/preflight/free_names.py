"""Refuses to create a resource whose name another stack, or a killed update, already took.

The names are fixed and IAM's are global, so two stacks of one account have the same names, in other
regions too. Without this an update creates a part of the second stack before AWS refuses the rest.
So before the first resource of any type it looks for those that every stack has. In a new stack it
asks AWS for them while the provider starts.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Any, Final

import pulumi

from infra import catalogue, names
from infra.aws_clients import AwsClients
from infra.catalogue import CATALOGUE, ResourceType
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
IN_EVERY_STACK: Final[Sequence[tuple[ResourceType, str]]] = (
    (catalogue.POLICY, names.MANAGER_BOUNDARY),
    (catalogue.POLICY, names.INSTANCE_BOUNDARY),
    (catalogue.ROLE, names.INSTANCE_ROLE),
    (catalogue.INSTANCE_PROFILE, names.INSTANCE_PROFILE),
)
"""What IAM has of every stack, in the order of its creation."""


def check(
    aws: AwsClients,
    settings: Settings,
    standing: Iterable[StandingResource],
    threads: ThreadPoolExecutor,
) -> Callable[[pulumi.ResourceHookArgs], Coroutine[None, None, None]]:
    """The check of a resource that is about to be created, which asks AWS in *threads*.

    A new stack needs the answers in any case, so this asks for them at once.

    An adoption previews a stack that does not hold the resources of its environment yet, so nothing
    is checked there.
    """
    own_names = {
        (resource.type, name)
        for resource in standing
        for name in (resource.name, resource.outputs.get("name"))
    }

    def require(type_name: str, inputs: Mapping[str, Any]) -> None:
        if (type_name, inputs.get("name")) not in own_names:
            _require_free(aws, type_name, inputs, settings.environment)

    @cache
    def no_other_stack() -> Sequence[Future[None]]:
        return [
            threads.submit(require, resource_type.name, {"name": name})
            for resource_type, name in IN_EVERY_STACK
        ]

    async def check_resource(args: pulumi.ResourceHookArgs) -> None:
        if settings.watch_terraform_tags:
            return
        for answer in no_other_stack():
            await asyncio.wrap_future(answer)
        if args.type in NAMED:
            answer = threads.submit(require, args.type, args.new_inputs or {})
            await asyncio.wrap_future(answer)

    if is_new(own_names) and not settings.watch_terraform_tags:
        no_other_stack()
    return check_resource


def is_new(own_names: set[tuple[str, str | None]]) -> bool:
    """Whether a stack with *own_names*, pairs of type and name, lacks what every stack has."""
    return own_names.isdisjoint((resource.name, name) for resource, name in IN_EVERY_STACK)


def _require_free(
    aws: AwsClients, type_name: str, inputs: Mapping[str, Any], environment: str
) -> None:
    """Refuse to create a resource whose name is taken.

    Raises:
        pulumi.RunError: it names the owner by its tag Environment.
    """
    # imported here: few updates create something, and the import would slow the others down
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    finder = CATALOGUE[type_name].finder
    assert finder is not None  # noqa: S101 - so it is for all types in NAMED
    try:
        known = {**aws.identity, **inputs}
        items = [item for item in aws.list_items(finder, known) if finder.matches(known, item)]
        owners = [aws.tags_of(finder, known, item).get("Environment") for item in items]
    except (BotoCoreError, ClientError):
        return  # without the right to read it, AWS's own error is shown
    for owner in owners:
        kind = type_name.rsplit(":", 1)[1]
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

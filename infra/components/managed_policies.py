"""Customer managed policies from statements, as many as AWS's size limit asks for."""

from __future__ import annotations  # naming a class of pulumi_aws does not import it

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pulumi

from infra.lazy_aws import iam
from infra.permissions.context import PolicyContext
from infra.permissions.statements import Statement, document, documents
from infra.tags import named

Statements = Callable[[PolicyContext], Sequence[Statement]]


def numbered(name: str, number: int) -> str:
    """The names of several things of a kind: *name*, *name*-2, *name*-3."""
    return name if number == 1 else f"{name}-{number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyTarget:
    """Which stack the documents are for, and below which component their policies stand.

    *placeholder* holds a stand-in for the VPC's id, of the same length: where statements are split
    into several documents is known, and shown by a preview, before the VPC is.
    """

    placeholder: PolicyContext
    scope: pulumi.Output[PolicyContext]
    opts: pulumi.ResourceOptions


def target(
    placeholder: PolicyContext, vpc_id: pulumi.Input[str], parent: pulumi.Resource
) -> PolicyTarget:
    """*placeholder*, and the same with the VPC's own id once AWS has given it one."""
    return PolicyTarget(
        placeholder=placeholder,
        scope=pulumi.Output.from_input(vpc_id).apply(lambda own: replace(placeholder, vpc_id=own)),
        opts=pulumi.ResourceOptions(parent=parent),
    )


def policies(
    name: str, description: str, statements: Statements, target: PolicyTarget
) -> Sequence[iam.Policy]:
    """The policies that *statements* fill, in their order."""

    def part(number: int) -> iam.Policy:
        own = numbered(name, number)
        return iam.Policy(
            own,
            name=own,
            description=description,
            policy=target.scope.apply(lambda real: documents(statements(real))[number - 1]),
            tags=named(own),
            opts=target.opts,
        )

    count = len(documents(statements(target.placeholder)))
    return [part(number) for number in range(1, count + 1)]


def boundary(
    name: str, description: str, statements: Statements, target: PolicyTarget
) -> iam.Policy:
    """The one policy that caps what an identity may ever be granted."""
    return iam.Policy(
        name,
        name=name,
        description=description,
        policy=target.scope.apply(lambda real: document(statements(real))),
        tags=named(name),
        opts=target.opts,
    )

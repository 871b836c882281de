"""Customer managed policies from statements: as many as AWS's size limit requires."""

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
    """The name of the first, second and third of a kind: *name*, *name*-2, *name*-3."""
    return name if number == 1 else f"{name}-{number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyTarget:
    """The stack that the documents are for, and the component that owns their policies."""

    provisional: PolicyContext
    """With a placeholder for the VPC's id. The placeholder is as long as a real id, so a preview
    knows how many documents the statements fill before the VPC exists."""
    policy_context: pulumi.Output[PolicyContext]
    """With the VPC's id, once AWS has given it one."""
    opts: pulumi.ResourceOptions


def target(
    provisional: PolicyContext, vpc_id: pulumi.Input[str], parent: pulumi.Resource
) -> PolicyTarget:
    """The target for policies of *parent*, in the VPC *vpc_id*."""
    return PolicyTarget(
        provisional=provisional,
        policy_context=pulumi.Output.from_input(vpc_id).apply(
            lambda real_id: replace(provisional, vpc_id=real_id)
        ),
        opts=pulumi.ResourceOptions(parent=parent),
    )


def policies(
    name: str, description: str, statements: Statements, target: PolicyTarget
) -> Sequence[iam.Policy]:
    """The policies that hold *statements*, in the same order."""

    def policy(number: int) -> iam.Policy:
        policy_name = numbered(name, number)
        return iam.Policy(
            policy_name,
            name=policy_name,
            description=description,
            policy=target.policy_context.apply(
                lambda policy_context: documents(statements(policy_context))[number - 1]
            ),
            tags=named(policy_name),
            opts=target.opts,
        )

    count = len(documents(statements(target.provisional)))
    return [policy(number) for number in range(1, count + 1)]


def boundary(
    name: str, description: str, statements: Statements, target: PolicyTarget
) -> iam.Policy:
    """The permissions boundary of an identity: one policy that caps its rights."""
    return iam.Policy(
        name,
        name=name,
        description=description,
        policy=target.policy_context.apply(
            lambda policy_context: document(statements(policy_context))
        ),
        tags=named(name),
        opts=target.opts,
    )

"""Customer managed policies from statements: as many as AWS's size limit requires."""

from __future__ import annotations  # naming a class of pulumi_aws does not import it

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pulumi

from infra.known_outputs import once_known
from infra.lazy_aws import iam
from infra.permissions.context import PolicyContext
from infra.permissions.statements import TRUST_POLICY_LIMIT, Statement, document, documents
from infra.tags import named

Statements = Callable[[PolicyContext], Sequence[Statement]]


def numbered(name: str, number: int) -> str:
    """The name of policy *number*: *name* for the first, then *name*-2, *name*-3."""
    return name if number == 1 else f"{name}-{number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyTarget:
    """The stack that the documents are for, and the component that owns their policies."""

    provisional: PolicyContext
    """With a placeholder for the VPC's id. The placeholder is as long as a real id, so a preview
    knows how many documents the statements fill before the VPC exists."""
    vpc_id: pulumi.Input[str]
    opts: pulumi.ResourceOptions

    def render(self, write: Callable[[PolicyContext], str]) -> pulumi.Output[str | None]:
        """The text that *write* returns for the real VPC, once AWS has given the VPC an id."""
        return once_known(lambda ids: write(replace(self.provisional, vpc_id=ids[0])), self.vpc_id)


def target(
    provisional: PolicyContext, vpc_id: pulumi.Input[str], parent: pulumi.Resource
) -> PolicyTarget:
    """The target for policies of *parent*, in the VPC *vpc_id*."""
    return PolicyTarget(
        provisional=provisional,
        vpc_id=vpc_id,
        opts=pulumi.ResourceOptions(parent=parent),
    )


def managed_policy(
    name: str, description: str, text: pulumi.Input[str | None], opts: pulumi.ResourceOptions
) -> iam.Policy:
    """The customer managed policy *name* with the document *text*."""
    return iam.Policy(
        name,
        name=name,
        description=description,
        policy=text,
        tags=named(name),
        opts=opts,
    )


def service_role(
    name: str,
    description: str,
    *,
    trust: Sequence[Statement],
    boundary_arn: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> iam.Role:
    """A role that a service of AWS assumes, with the boundary *boundary_arn*."""
    return iam.Role(
        name,
        name=name,
        description=description,
        assume_role_policy=document(trust, limit=TRUST_POLICY_LIMIT),
        permissions_boundary=boundary_arn,
        tags=named(name),
        opts=opts,
    )


def policies(
    name: str, description: str, statements: Statements, target: PolicyTarget
) -> Sequence[iam.Policy]:
    """The policies that hold *statements*, in the same order."""

    def policy(number: int) -> iam.Policy:
        policy_name = numbered(name, number)
        text = target.render(lambda final: documents(statements(final))[number - 1])
        return managed_policy(policy_name, description, text, target.opts)

    count = len(documents(statements(target.provisional)))
    return [policy(number) for number in range(1, count + 1)]


def boundary_arn(
    name: str, description: str, statements: Statements, target: PolicyTarget
) -> pulumi.Input[str]:
    """The permissions boundary of an identity: the organization's, or a policy of the program."""
    if of_the_organization := target.provisional.permissions_boundary:
        return of_the_organization
    text = target.render(lambda final: document(statements(final)))
    return managed_policy(name, description, text, target.opts).arn

"""Checks that need the account. They run before the first resource is created."""

import pulumi

from infra.context import StackContext
from infra.permissions import instance, manager
from infra.permissions.statements import DocumentError, document, documents
from infra.preflight import quotas, state_backend, terraform_tag_warning


def require(context: StackContext) -> None:
    """Refuse settings that AWS would refuse in the middle of an update.

    Raises:
        pulumi.RunError: one line that names the setting.
    """
    state_backend.require(context.settings)
    quotas.require(context.settings)
    terraform_tag_warning.warn_on_terraform_tags(context.settings)
    for identity in (manager, instance):
        try:
            documents(identity.policy(context.policy_context))
            document(identity.boundary(context.policy_context))
        except DocumentError as error:
            raise pulumi.RunError(f"the stack's config cannot be used: {error}") from None

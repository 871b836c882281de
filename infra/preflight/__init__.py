"""What can only be judged with the account at hand, and still before anything is made."""

import pulumi

from infra.permissions import instance, manager
from infra.permissions.context import PolicyContext
from infra.permissions.statements import DocumentError, document, documents
from infra.preflight import quotas, terraform_tag_warning
from infra.settings import Settings


def require(settings: Settings, policy_context: PolicyContext) -> None:
    """Refuse settings that AWS would refuse in the middle of an update.

    Raises:
        pulumi.RunError: one line that names the setting.
    """
    quotas.require(settings)
    terraform_tag_warning.warn_on_terraform_tags(settings)
    for identity in (manager, instance):
        try:
            documents(identity.policy(policy_context))
            document(identity.boundary(policy_context))
        except DocumentError as error:
            raise pulumi.RunError(f"the stack's config cannot be used: {error}") from None

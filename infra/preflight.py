"""What can only be judged with the account at hand, and still before anything is made."""

import pulumi

from infra import adoption, quotas
from infra.permissions import instance, manager
from infra.permissions.scope import Scope
from infra.permissions.statements import DocumentError, document, documents
from infra.settings import Settings


def require(settings: Settings, scope: Scope) -> None:
    """Refuse settings that AWS would refuse in the middle of an update.

    Raises:
        pulumi.RunError: one line that names the setting.
    """
    quotas.require(settings)
    adoption.warn(settings)
    for identity in (manager, instance):
        try:
            documents(identity.policy(scope))
            document(identity.boundary(scope))
        except DocumentError as error:
            raise pulumi.RunError(f"the stack's config cannot be used: {error}") from None

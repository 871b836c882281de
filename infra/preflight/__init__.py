"""Checks of the settings that need more than the settings.

Those of this module run before the first resource is created, in a destroy too. So they must not
depend on what AWS answers: what asks AWS about a resource is a hook of that resource, which runs
only when the resource is created or changed.
"""

from collections.abc import Iterable

import pulumi

from infra.context import StackContext
from infra.permissions import instance, manager
from infra.permissions.statements import DocumentError, document, documents
from infra.preflight import missing, running_sandboxes, state_backend, terraform_tag_warning
from infra.standing import StandingResource


def require(context: StackContext, standing: Iterable[StandingResource]) -> None:
    """Refuse settings that AWS would refuse in the middle of an update, or that hurt sandboxes.

    *standing* is what the last update left.

    Raises:
        pulumi.RunError: one line that names the setting.
    """
    state_backend.require(context.settings)
    running_sandboxes.require_no_harm(context, standing)
    missing.warn_on_missing(context.settings, standing)
    terraform_tag_warning.warn_on_terraform_tags(context.settings)
    for identity in (manager, instance):
        try:
            documents(identity.policy(context.policy_context))
            document(identity.boundary(context.policy_context))
        except DocumentError as error:
            raise pulumi.RunError(f"the stack's config cannot be used: {error}") from None

"""Warns in a preview that a change of the manager's identity deletes the key that is in use."""

from collections.abc import Iterable

import pulumi

from infra import catalogue
from infra.settings import Settings
from infra.standing import StandingResource


def warn_on_lost_key(settings: Settings, standing: Iterable[StandingResource]) -> None:
    """Warn where the manager becomes a role and its user still has a key."""
    if settings.manager_identity == "user" or not pulumi.runtime.is_dry_run():
        return
    if any(resource.type == catalogue.ACCESS_KEY.name for resource in standing):
        pulumi.log.warn(
            f"sandbox:manager_identity = {settings.manager_identity}: this update deletes the "
            "manager's user and its access key at once; let the service stop launching first, and "
            "give its service account the role (output sandbox_manager_role_arn) right after it"
        )

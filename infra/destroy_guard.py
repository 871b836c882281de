"""Refuses to destroy the stack while AWS or the engine would stop halfway.

AWS refuses to delete a subnet that is in use, or a user with a password. The provider then retries
for many minutes, with half of the stack gone. The engine, too, refuses a protected resource only
when its turn comes. The guard depends on every component, so the engine deletes the guard first and
alone. Its hook names everything that blocks the destroy.
"""

from collections.abc import Iterable, Sequence

import pulumi

from infra.attachments import Created, blocking
from infra.aws_clients import AwsClients
from infra.preflight import attached_stop
from infra.settings import Settings


def attach(
    components: Sequence[pulumi.Resource],
    vpc_id: pulumi.Output[str],
    settings: Settings,
    standing: Iterable[Created],
) -> pulumi.Stash:
    """Delete no component while something blocks the deletion of one of *standing*."""

    def refuse(args: pulumi.ResourceHookArgs) -> None:
        if settings.protect:
            raise pulumi.RunError(
                "sandbox:protect = true: protects the stack from a destroy; nothing has been "
                "deleted; to destroy it, run: pulumi config set sandbox:protect false, then "
                "destroy again"
            )
        guarded = (args.old_outputs or {})["output"]
        aws = AwsClients(guarded["region"])
        attached_stop.refuse_if_attached(aws, standing)
        refuse_if_blocked(aws, standing)

    return pulumi.Stash(
        "destroy-guard",
        input={"vpc_id": vpc_id, "region": settings.region},
        opts=pulumi.ResourceOptions(
            depends_on=components,
            hooks=pulumi.ResourceHookBinding(
                before_delete=[pulumi.ResourceHook("nothing-foreign-in-the-vpc", refuse)]
            ),
        ),
    )


def refuse_if_blocked(aws: AwsClients, standing: Iterable[Created]) -> None:
    """Refuse the destroy and name all that blocks it.

    Raises:
        pulumi.RunError: something that the stack did not create is attached to it.
    """
    if blockers := sorted(blocking(aws, standing)):
        raise pulumi.RunError(
            f"others attached this to the stack's resources: {'; '.join(blockers)}; nothing has "
            "been deleted; remove it, then destroy again"
        )

"""Run `sandbox adopt check` or `apply`: read the state, map it, rehearse, and write."""

from typing import Final

from infra.aws_clients import AwsClients
from sandbox.adopt import adopted_settings, terraform_state
from sandbox.adopt.account import require_account
from sandbox.adopt.adoption import Adoption, adopt
from sandbox.adopt.mapping import plan_adoption
from sandbox.core import output
from sandbox.core.errors import RefusedError
from sandbox.core.stack import Stack

MAX_SHOWN: Final = 3
"""Objections in the error; the report lists all of them."""


def adopt_state(statefile: str, stack: Stack, *, rotate_key: bool, check_only: bool) -> Adoption:
    """Adopt *statefile* into *stack*; with *check_only* write nothing.

    Raises:
        RefusedError: the state does not fit the stack, the account or the program.
        SandboxError: the state cannot be read, or Pulumi or AWS answered with an error.
    """
    with output.progress(f"reading Terraform's state from {terraform_state.label(statefile)}"):
        state = terraform_state.read(statefile)
    plan = plan_adoption(state, rotate_key=rotate_key)
    region, account = adopted_settings.region_and_account(state, plan)
    aws = AwsClients(region)
    with output.progress(f"account {account}: checking the credentials"):
        require_account(aws, account, state.where)
    return adopt(state, plan, stack, aws, check_only=check_only)


def require_sound(adoption: Adoption, stack: str) -> None:
    """Refuse an update that would disturb the running environment.

    Raises:
        RefusedError: the message lists the first objections.
    """
    if not adoption.verdict.sound:
        cure = (
            "restore these with Terraform first; nothing was written"
            if adoption.missing and not adoption.written
            else f"look at them with: pulumi preview --diff --stack {stack}"
        )
        objections = adoption.verdict.objections
        more = len(objections) - MAX_SHOWN
        listed = [*objections[:MAX_SHOWN], *([f"{more} more, listed above"] if more > 0 else [])]
        raise RefusedError(
            f"stack {stack}: the next update is not sound: {'; '.join(listed)}; {cure}"
        )

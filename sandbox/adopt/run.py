"""Run `sandbox adopt check` or `apply`: read the state, map it, rehearse, and write."""

from collections.abc import Sequence
from typing import Final

from infra.aws_clients import AwsClients
from sandbox.adopt import adopted_settings, terraform_state
from sandbox.adopt.account import require_account
from sandbox.adopt.adoption import Adoption, adopt
from sandbox.adopt.mapping import plan_adoption
from sandbox.adopt.questions import Answers
from sandbox.core import output
from sandbox.core.errors import RefusedError
from sandbox.core.stack import Stack

MAX_SHOWN: Final = 3
"""Objections in the error; the report lists all of them."""


def adopt_state(
    statefiles: Sequence[str],
    stack: Stack,
    *,
    rotate_key: bool,
    answers: Answers,
    check_only: bool,
) -> Adoption:
    """Adopt *statefiles* into *stack*; with *check_only* write nothing.

    Raises:
        RefusedError: the state does not fit the stack, the account or the program.
        SandboxError: the state cannot be read, or Pulumi or AWS answered with an error.
    """
    where = " and ".join(map(terraform_state.label, statefiles))
    with output.progress(f"reading Terraform's state from {where}"):
        state = terraform_state.read(statefiles)
    plan = plan_adoption(state, rotate_key=rotate_key)
    region, account = adopted_settings.region_and_account(state, plan)
    aws = AwsClients(region)
    with output.progress(f"account {account}: checking the credentials"):
        require_account(aws, account, state.where)
    return adopt(state, plan, stack, aws, answers=answers, check_only=check_only)


def forgettable(statefiles: Sequence[str]) -> Sequence[str]:
    """The addresses that Terraform may forget of the first of *statefiles*, once it is adopted.

    Raises:
        RefusedError: the state does not fit the program.
        UsageError: the state cannot be read.
    """
    state = terraform_state.read(statefiles)
    plan = plan_adoption(state, rotate_key=True)
    first = terraform_state.label(statefiles[0])
    taken = [*plan.adopted, *(item for item in plan.left_alone if item.of_module)]
    return [item.address for item in taken if item.where == first]


def require_sound(adoption: Adoption, stack: str) -> None:
    """Refuse an update that would disturb the running environment, or that nobody decided on.

    Raises:
        RefusedError: the message lists the first objections, or the open questions.
    """
    if adoption.verdict.sound and adoption.open_questions:
        about = "; ".join(question.about for question in adoption.open_questions)
        options = " ".join(question.answer.option for question in adoption.open_questions)
        raise RefusedError(
            f"stack {stack}: questions are open: {about}; answer them as listed above: yes to all "
            f"is {options}"
        )
    if not adoption.verdict.sound:
        cure = (
            "nothing was written; restore these with Terraform first"
            if adoption.missing and not adoption.written
            else f"look at them with: pulumi preview --diff --stack {stack}"
        )
        objections = adoption.verdict.objections
        more = len(objections) - MAX_SHOWN
        listed = [*objections[:MAX_SHOWN], *([f"{more} more, listed above"] if more > 0 else [])]
        raise RefusedError(
            f"stack {stack}: the next update is not sound: {'; '.join(listed)}; {cure}"
        )

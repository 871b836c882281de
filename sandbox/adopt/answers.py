"""The kinds of questions to the operator, with what each answer means.

The options of the commands are made of them, so this imports nothing else.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A question of one kind, as an option of the commands answers it."""

    option: str
    action: str
    """What yes does: "drop these tags"."""
    yes: str
    """What the option means."""
    no: str
    """What to do instead, so that the question does not arise."""


TAGS: Final = Answer(
    option="--drop-tags",
    action="drop these tags",
    yes="The next update removes the tags that are not the module's.",
    no="put them on everything with Terraform's default_tags, then the program keeps them",
)
PERMISSIONS: Final = Answer(
    option="--drop-permissions",
    action="drop these permissions",
    yes="The next update removes the actions that somebody added to the module's policies.",
    no="move them to a policy of their own",
)
MACHINES: Final = Answer(
    option="--leave-machines",
    action="leave these machines to an operator",
    yes="Go on although the manager could no longer stop some of the running machines.",
    no="run the commands that the check lists as an operator",
)
ANSWERS: Final = (TAGS, PERMISSIONS, MACHINES)

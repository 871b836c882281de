"""The facts about a stack that a build needs, and the one setting that it writes."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildTarget:
    """The stack that the image is for, and the network in which the build machine runs."""

    stack: str
    """Its name, for the commands in messages."""
    environment: str
    region: str
    vpc_id: str
    subnet_ids: tuple[str, ...]
    """In the order of the launch: if the first zone has no capacity, the next is tried."""
    instance_type: str
    """The stack's default instance type; the build uses it unless an option names another."""


class StackImage(Protocol):
    """The setting of a stack that names its machine image."""

    def configure(self, image_id: str) -> None:
        """Set the stack's image to *image_id*.

        Raises:
            NotConfiguredError: the stack could not be changed; the image itself is finished.
        """
        ...

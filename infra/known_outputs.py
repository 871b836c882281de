"""Functions of resource outputs that may have no value."""

from collections.abc import Callable, Sequence

import pulumi


def once_known(
    function: Callable[[Sequence[str]], str], *values: pulumi.Input[str]
) -> pulumi.Output[str | None]:
    """The result of *function* for *values*; None while one of them has no value.

    The engine skips a resource that does not exist yet in `destroy --run-program` and in an update
    with `--target`, and older engines then give the program None for each of its outputs.
    """

    def apply(resolved: Sequence[str]) -> str | None:
        return None if None in resolved else function(resolved)

    return pulumi.Output.all(*values).apply(apply)

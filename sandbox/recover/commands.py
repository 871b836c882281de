"""`sandbox recover`: repair a stack whose update was killed."""

from sandbox.core.options import QuietOption, StackOption, YesOption


def recover(
    *, stack: StackOption = None, yes: YesOption = False, _quiet: QuietOption = False
) -> None:
    """Adopt what a killed update created and the state does not know.

    If the engine dies after AWS created a resource but before the state is saved, the next update
    would create it again. This finds such resources and adds them to the state.
    """
    from sandbox.core.stack import Stack
    from sandbox.recover import recovery

    recovery.recover(Stack.select(stack), yes=yes)

"""What ends a command: one line that says where, what was found, and what to do."""


class HandoverError(RuntimeError):
    """The command cannot go on; its text is all that the user is shown."""


class NotYetError(HandoverError):
    """Nothing is wrong, but time has to pass: the same command goes on later."""

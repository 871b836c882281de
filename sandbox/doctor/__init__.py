"""Check whether this machine, the stack and the account are ready."""

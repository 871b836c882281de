"""The error of Pulumi's self-managed backend for a locked stack (pkg/backend/diy/lock.go)."""


def lock(
    file: str = "file:///b/lock.json",
    owner: str = "ann@elsewhere",
    pid: int = 4242,
    since: str = "2026-11-24T10:00:00Z",
) -> str:
    """The line for one lock: its file, the user and host of its owner, a process id and a time."""
    return f"  {file}: created by {owner} (pid {pid}) at {since}\n"


def lock_error(*locks: str) -> str:
    """The error that lists *locks*."""
    return (
        f"error: the stack is currently locked by {len(locks)} lock(s). Either wait for the other "
        f"process(es) to end or delete the lock file with `pulumi cancel`.\n{''.join(locks)}"
    )

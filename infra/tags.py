"""The tags that everything of a stack carries, and those that tell one thing from another."""

from infra import names


def common(environment: str) -> dict[str, str]:
    """What the provider puts on every resource that can carry tags."""
    return {"Project": names.PROJECT, "Environment": environment, "Purpose": names.PURPOSE}


def named(name: str, **more: str) -> dict[str, str]:
    """The Name tag, as the consoles show it, and *more*."""
    return {"Name": name, **more}

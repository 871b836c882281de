"""The tags that all resources of a stack carry, and the tags that tell resources apart."""

from infra import names


def common(environment: str) -> dict[str, str]:
    """The tags that the provider puts on every resource that can carry tags."""
    return {names.PROJECT_TAG: names.PROJECT, "Environment": environment, "Purpose": names.PURPOSE}


def named(name: str, **others: str) -> dict[str, str]:
    """The Name tag, which the AWS console shows, and *others*."""
    return {"Name": name, **others}

"""The tags that all resources of a stack carry, and the tags that tell resources apart."""

from collections.abc import Mapping

from infra import names


def common(environment: str) -> dict[str, str]:
    """The program's tags, which the provider puts on every resource that can carry tags."""
    return {names.PROJECT_TAG: names.PROJECT, "Environment": environment, "Purpose": names.PURPOSE}


def default(environment: str, organization: Mapping[str, str]) -> dict[str, str]:
    """All tags that the provider puts on a resource; the program's win over *organization*'s."""
    return {**organization, **common(environment)}


def named(name: str, **others: str) -> dict[str, str]:
    """The Name tag, which the AWS console shows, and *others*."""
    return {"Name": name, **others}

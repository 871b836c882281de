"""Tags: every resource has those of the project, the environment and the purpose.

The version of the provider decides when it merges its default tags into ``tagsAll`` of a resource:
when it checks the inputs, or when it plans the outputs. So this rule also reads the default tags
from the provider's config. A resource's own tags override them, as in AWS.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from infra import catalogue, names
from policies import resource_types
from policies.config import Parameters
from policies.rule import (
    ALL_TYPES,
    CheckedResource,
    Finding,
    Props,
    Provider,
    ResourceRule,
    Rule,
    given,
    text,
)
from policies.shown_values import show

IDENTITIES: Final = (catalogue.USER.name, catalogue.ROLE.name)


def required_tags(resource: CheckedResource, parameters: Parameters) -> Iterator[Finding]:
    resource_type = resource.resource_type
    if not (resource_types.is_aws(resource_type) and resource_types.is_taggable(resource_type)):
        return
    required = {
        "Project": names.PROJECT,
        "Environment": parameters.environment,
        "Purpose": names.PURPOSE,
    }
    tags = {**_default_tags(resource.provider), **_own_tags(resource.props)}
    for key, value in required.items():
        if tags.get(key) != value:
            state = "" if key in tags else "not set"
            yield Finding(property=f"tags.{key}", value=state, problem=f"is not {value}")
    if resource_type in IDENTITIES and text(resource.props, "name") == names.MANAGER:
        yield from _image_findings(tags.get(names.IMAGE_TAG, ""), parameters)


def _image_findings(image: str, parameters: Parameters) -> Iterator[Finding]:
    """Check the tag of the manager that names the image for its boundary."""
    if image != parameters.sandbox_ami_id:
        yield Finding(
            property=f"tags.{names.IMAGE_TAG}",
            value=show(image) if image else "not set",
            problem="is not sandbox:sandbox_ami_id",
            fix="Leave this tag of the manager as the program sets it.",
        )


def _own_tags(props: Props) -> dict[str, Any]:
    tags: dict[str, Any] = {}
    for key in ("tagsAll", "tags"):
        tags.update(given(props, key) or {})
    return tags


def _default_tags(provider: Provider | None) -> Mapping[str, Any]:
    if provider is None:
        return {}
    raw = given(provider.props, "defaultTags")
    content = json.loads(raw) if isinstance(raw, str) else raw  # a provider's config is JSON text
    return (given(content, "tags") or {}) if content else {}


RULES: Final[tuple[Rule, ...]] = (
    ResourceRule(
        id="required-tags",
        why="Cost reports, clean-up and the manager's permissions all rely on these tags.",
        fix="Give it the program's provider, which sets them as default tags.",
        references=("Tagging EC2.46", "Tagging IAM.24", "Tagging IAM.25"),
        parameters=("environment",),
        types=ALL_TYPES,
        check=required_tags,
    ),
)

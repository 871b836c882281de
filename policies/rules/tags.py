"""Everything says whose it is and what for.

Where default tags are seen depends on the provider: Pulumi's own merges them into ``tagsAll`` when
it checks the inputs, its bridge alone only when it plans the outputs. So this takes them from the
provider's own config as well, which both show, and lets the resource's tags win, as AWS sees them.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from infra import names
from policies import resource_types as kinds
from policies.config import Parameters
from policies.rule import EVERY, Finding, Props, Provider, Resource, ResourceRule, Rule, given


def tagged(resource: Resource, parameters: Parameters) -> Iterator[Finding]:
    carries = kinds.TAGGABLE.get(
        resource.resource_type, resource.resource_type in parameters.other_types
    )
    if not carries or not kinds.is_aws(resource.resource_type):
        return
    wanted = {
        "Project": names.PROJECT,
        "Environment": parameters.environment,
        "Purpose": names.PURPOSE,
    }
    tags = {**_defaults(resource.provider), **_own(resource.props)}
    for key, value in wanted.items():
        if key not in tags:
            yield Finding(at=f"tags.{key}", value="not set", wrong=f"is not {value}")
        elif tags[key] != value:
            yield Finding(at=f"tags.{key}", wrong=f"is not {value}")


def _own(props: Props) -> dict[str, Any]:
    tags: dict[str, Any] = {}
    for name in ("tagsAll", "tags"):
        tags.update(given(props, name) or {})
    return tags


def _defaults(provider: Provider | None) -> Mapping[str, Any]:
    if provider is None:
        return {}
    raw = given(provider.props, "defaultTags")
    content = json.loads(raw) if isinstance(raw, str) else raw  # providers take JSON in text
    return (given(content, "tags") or {}) if content else {}


RULES: Final[tuple[Rule, ...]] = (
    ResourceRule(
        id="tagged",
        why="Costs, clean-up and the manager's permissions all go by these tags.",
        fix="Give it the program's provider, which has them as default tags.",
        references=("FSBP EC2.40", "FSBP IAM.24"),
        takes=("environment", "other_types"),
        on=EVERY,
        check=tagged,
    ),
)

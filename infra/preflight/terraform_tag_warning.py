"""Warns after an adoption while resources in the account still carry Terraform's tag.

While the tag is there, somebody may still run the old Terraform module, which would undo what this
program does. Only an adopted stack checks it (`sandbox:watch_terraform_tags`), so that no other
preview takes longer.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import pulumi

from infra import tags
from infra.aws_clients import AwsClients
from infra.settings import Settings

TERRAFORM_TAG: Final = {"Terraform": "true"}
MAX_SHOWN: Final = 5


def warn_on_terraform_tags(settings: Settings) -> None:
    """Warn in a preview about the resources that still carry the tag."""
    if not settings.watch_terraform_tags or not pulumi.runtime.is_dry_run():
        return
    # imported here: few stacks need it, and the import would slow every preview down
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    try:
        tagged = tagged_resources(settings.region, settings.environment)
    except (BotoCoreError, ClientError) as error:
        pulumi.log.warn(
            f"sandbox:watch_terraform_tags = true: the tags could not be read: {error}; allow "
            "ec2:DescribeTags"
        )
        return
    if tagged:
        pulumi.log.warn(message(tagged))


def message(tagged: Sequence[str]) -> str:
    """The warning about the resource ids *tagged*, in one line."""
    shown = ", ".join(tagged[:MAX_SHOWN]) + (" and more" if len(tagged) > MAX_SHOWN else "")
    return (
        f"{len(tagged)} resources of the stack still carry Terraform=true ({shown}): do not run "
        "terraform apply or destroy; update this stack, retire Terraform's state "
        "(docs/adoption.md), then run: sandbox adopt finish"
    )


def tagged_resources(region: str, environment: str) -> list[str]:
    """The ids of the environment's EC2 resources that still carry the tag."""
    wanted = {**tags.common(environment), **TERRAFORM_TAG}
    tags_of: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for tag in AwsClients(region).describe("describe_tags", "Tags", {"key": list(wanted)}):
        tags_of[tag["ResourceId"]][tag["Key"]] = tag["Value"]
    return sorted(resource_id for resource_id, its_tags in tags_of.items() if its_tags == wanted)

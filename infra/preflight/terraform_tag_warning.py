"""After an adoption: previews warn while the account still says that Terraform owns something.

As long as the tag stands, somebody may run the old module, which would undo what this program does.
Only a stack that was adopted looks (`sandbox:watch_terraform_tags`), so no other preview pays.
"""

from collections import defaultdict
from typing import Final

import pulumi

from infra import tags
from infra.settings import Settings

TERRAFORM_TAG: Final = {"Terraform": "true"}
MAX_SHOWN: Final = 5


def warn_on_terraform_tags(settings: Settings) -> None:
    """Say at a preview what still carries the mark."""
    if not settings.watch_terraform_tags or not pulumi.runtime.is_dry_run():
        return
    # imported here: most stacks never ask, and the SDK would cost each preview its import
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    try:
        found = marked(settings.region, settings.environment)
    except (BotoCoreError, ClientError) as error:
        pulumi.log.warn(
            f"sandbox:watch_terraform_tags: the tags could not be read: {error}; allow "
            "ec2:DescribeTags"
        )
        return
    if found:
        pulumi.log.warn(message(found))


def message(found: list[str]) -> str:
    """*found* in one line, with what to do."""
    some = ", ".join(found[:MAX_SHOWN]) + (" and more" if len(found) > MAX_SHOWN else "")
    return (
        f"{len(found)} of the stack's resources still carry Terraform=true ({some}): run no "
        "terraform apply or destroy; update this stack, retire Terraform's state "
        "(docs/adoption.md), then: sandbox adopt finish"
    )


def marked(region: str, environment: str) -> list[str]:
    """The ids of the environment's EC2 resources that still carry the mark."""
    import boto3  # noqa: PLC0415 - see above

    wanted = {**tags.common(environment), **TERRAFORM_TAG}
    seen: defaultdict[str, dict[str, str]] = defaultdict(dict)
    ec2 = boto3.client("ec2", region_name=region)
    pages = ec2.get_paginator("describe_tags").paginate(
        Filters=[{"Name": "key", "Values": list(wanted)}]
    )
    for one in (tag for page in pages for tag in page["Tags"]):
        seen[one["ResourceId"]][one["Key"]] = one["Value"]
    return sorted(identifier for identifier, own in seen.items() if own == wanted)

"""End the warning about the tag Terraform=true, after Terraform's state is retired.

`pulumi up` removes the tag from the resources of the stack. Resources that Terraform created and
that the program leaves alone keep it, until `--untag` removes the tag and nothing else.
"""

from typing import Final

from infra.preflight import terraform_tag_warning
from sandbox.adopt import adopted_settings, deployment
from sandbox.core import output
from sandbox.core.errors import RefusedError
from sandbox.core.stack import Stack

DONE: Final = "Nothing carries Terraform=true any more, and previews no longer look for it."


def finish(stack: Stack, *, untag: bool) -> None:
    """Turn the setting `watch_terraform_tags` off.

    Raises:
        RefusedError: a resource still carries the tag.
    """
    with output.progress(f"stack {stack.name}: looking for resources that carry Terraform=true"):
        aws, settings = stack.aws(), stack.settings()
        tagged = set(terraform_tag_warning.tagged_resources(settings.region, settings.environment))
        managed = tagged & set(deployment.ids(stack.export()).values())
    if managed:
        raise RefusedError(
            f"stack {stack.name}: {', '.join(sorted(managed))} still carry Terraform=true, since "
            f"the stack was not updated yet; run: pulumi up --stack {stack.name}"
        )
    if tagged and not untag:
        raise RefusedError(
            f"stack {stack.name}: {', '.join(sorted(tagged))}, which the stack does not manage, "
            "still carry Terraform=true; when Terraform's state is retired, add --untag"
        )
    if tagged:
        with output.progress(f"removing the tag from {', '.join(sorted(tagged))}"):
            aws.ec2.delete_tags(
                Resources=sorted(tagged),
                Tags=[
                    {"Key": key, "Value": value}
                    for key, value in terraform_tag_warning.TERRAFORM_TAG.items()
                ],
            )
    stack.set_config({f"{adopted_settings.NAMESPACE}:{adopted_settings.WATCH}": False})

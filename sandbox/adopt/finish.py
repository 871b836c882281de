"""End the warning about Terraform's tag, once its state is retired.

`pulumi up` removes the tag from what the stack manages. What Terraform created and this program
leaves alone keeps it until --untag removes it, and nothing but it.
"""

from infra.aws_clients import AwsClients
from infra.preflight import terraform_tag_warning
from sandbox.adopt import adopted_settings as config
from sandbox.adopt import deployment
from sandbox.core.errors import SandboxError
from sandbox.core.stack import Stack


def finish(stack: Stack, *, untag: bool) -> str:
    """Turn the watch off, or say what still stands in its way.

    Raises:
        SandboxError: something still carries the mark.
    """
    settings = stack.config_values()
    marked = set(terraform_tag_warning.tagged_resources(settings["region"], settings["environment"]))
    managed = marked & set(deployment.ids(stack.export()).values())
    if managed:
        raise SandboxError(
            f"stack {stack.name}: {', '.join(sorted(managed))} still carry Terraform=true; the "
            f"stack is not updated yet: pulumi up --stack {stack.name}"
        )
    if marked and not untag:
        raise SandboxError(
            f"stack {stack.name}: {', '.join(sorted(marked))}, which the stack leaves alone, still "
            "carry Terraform=true; if Terraform's state is retired, add --untag"
        )
    if marked:
        ec2 = AwsClients(settings["region"]).ec2
        ec2.delete_tags(
            Resources=sorted(marked),
            Tags=[
                {"Key": key, "Value": value}
                for key, value in terraform_tag_warning.TERRAFORM_TAG.items()
            ],
        )
    stack.set_config({f"{config.NAMESPACE}:{config.WATCH}": False})
    return f"Nothing carries Terraform=true; previews of {stack.name} no longer look for it."

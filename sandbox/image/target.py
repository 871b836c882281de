"""The stack of an image build: what the build reads of it, and the setting that it writes."""

from ami.errors import NotConfiguredError
from ami.target import BuildTarget
from infra.aws_clients import AwsClients
from sandbox.core.errors import SandboxError
from sandbox.core.stack import IMAGE_ID, PREFIX, Stack, stack_names

SETTING = IMAGE_ID.removeprefix(PREFIX)


def read(stack: Stack) -> tuple[AwsClients, BuildTarget]:
    """The account of a stack that is up, its network and its defaults.

    Raises:
        SandboxError: the stack does not exist, it was never updated, or the credentials belong to
            another account.
    """
    deployed = stack.sandbox_config()
    return stack.aws_of(deployed), BuildTarget(
        stack=stack.name,
        environment=stack.config().get("environment", deployed.environment),
        region=deployed.region,
        vpc_id=deployed.vpc_id,
        subnet_ids=deployed.subnet_ids,
        instance_type=deployed.default_instance_type,
    )


def configured_image(stack: Stack) -> frozenset[str]:
    """The image that the stack's config names: one id, or none."""
    return frozenset({stack.config().get(SETTING, "")} - {""})


def configured_images(stack: Stack) -> frozenset[str]:
    """The images that the configs of all stacks of the project name."""
    return frozenset(
        image_id
        for name in stack_names(stack.folder, stack.environment)
        for image_id in configured_image(Stack(name, stack.folder, stack.environment))
    )


class ConfiguredImage:
    """The setting `sandbox:sandbox_ami_id` of a stack."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def configure(self, image_id: str) -> None:
        try:
            self._stack.set_config({IMAGE_ID: image_id})
        except SandboxError as error:
            raise NotConfiguredError(
                f"{image_id} is finished, but the stack does not name it: {error}; run: "
                f"pulumi config set {IMAGE_ID} {image_id} --stack {self._stack.name}"
            ) from error

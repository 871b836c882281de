"""Warns in a preview about a key pair, an image or an instance type that launches could not use.

It asks AWS only about settings that differ from what the last update left, so that no other preview
takes longer. These are warnings, because the stack itself needs none of the three.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import pulumi

from infra.aws_clients import RAISE_QUOTA, AwsClients
from infra.settings import Settings
from infra.standing import StandingResource

VCPU_QUOTAS: Final = {"g": "L-DB2E81BA", "p": "L-417A185B"}
"""The quota of on-demand vCPUs by the family's first letter.
https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html"""
OUTPUTS: Final = {
    "region": "region",
    "key_name": "key_name",
    "sandbox_ami_id": "ami_id",
    "default_instance_type": "default_instance_type",
}
"""The settings that are checked, and their fields in the output sandbox_config."""


def warn_on_missing(settings: Settings, standing: Iterable[StandingResource]) -> None:
    """Warn in a preview about changed settings that name what the region does not have."""
    if not pulumi.runtime.is_dry_run():
        return
    config: Mapping[str, Any] = {}
    for resource in standing:
        config = resource.outputs.get("sandbox_config") or config
    changed = {
        name for name, field in OUTPUTS.items() if getattr(settings, name) != config.get(field, "")
    }
    if not changed:
        return
    for warning in warnings(AwsClients(settings.region), settings, changed):
        pulumi.log.warn(warning)


def warnings(aws: AwsClients, settings: Settings, changed: Iterable[str]) -> Iterator[str]:
    """A line for each setting in *changed* that names something that does not exist."""
    # imported here: few previews need it, and the import would slow the others down
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    changed = set(changed)
    checks = (
        ("key_name", _key_pair),
        ("sandbox_ami_id", _image),
        ("default_instance_type", _instance_type),
    )
    for name, check in checks:
        if not changed.isdisjoint({name, "region"}) and getattr(settings, name):
            try:
                yield from check(aws, settings)
            except (BotoCoreError, ClientError):
                continue  # without the right to read it, there is no warning


def _key_pair(aws: AwsClients, settings: Settings) -> Iterator[str]:
    names = {"key-name": settings.key_name}
    if not aws.describe("describe_key_pairs", "KeyPairs", names):
        yield (
            f"sandbox:key_name = {settings.key_name}: {settings.region} has no such key pair, so "
            "launches will fail; import it: aws ec2 import-key-pair, or correct the name"
        )


def _image(aws: AwsClients, settings: Settings) -> Iterator[str]:
    ids = {"image-id": settings.sandbox_ami_id}
    if not aws.describe("describe_images", "Images", ids):
        yield (
            f"sandbox:sandbox_ami_id = {settings.sandbox_ami_id}: {settings.region} has no such "
            "image for this account, so launches will fail; build one: sandbox image build, or "
            "correct the id"
        )


def _instance_type(aws: AwsClients, settings: Settings) -> Iterator[str]:
    name = settings.default_instance_type
    types = aws.describe("describe_instance_types", "InstanceTypes", {"instance-type": name})
    if not types:
        yield (
            f"sandbox:default_instance_type = {name}: {settings.region} does not offer it, so "
            "launches will fail; use a type that it offers"
        )
        return
    vcpus = types[0]["VCpuInfo"]["DefaultVCpus"]
    code = VCPU_QUOTAS[name[0]]
    answer = aws.quotas.get_service_quota(ServiceCode="ec2", QuotaCode=code)
    quota = int(answer["Quota"]["Value"])
    if quota < vcpus:
        yield (
            f"sandbox:default_instance_type = {name}: needs {vcpus} vCPUs, but quota {code} allows "
            f"{quota}, so launches will fail; ask for more: {RAISE_QUOTA} "
            f"--service-code ec2 --quota-code {code} "
            f"--desired-value {vcpus} --region {settings.region}"
        )

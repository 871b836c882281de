"""The stack's config, parsed once into one frozen object.

Everything that can be wrong with it is reported at once, before any resource is registered; nobody
else reads ``pulumi.Config``. The keys are declared, with the same defaults, in ``Pulumi.yaml``.
"""

from ipaddress import IPv4Network
from typing import Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
)

from infra import addresses
from infra.access_keys import INITIAL_STAGES, Slot, Stage
from infra.settings import checks

NAMESPACE: Final = "sandbox"


class Settings(BaseModel):
    """What a stack may choose. Field names are the config keys below ``sandbox:``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    region: Annotated[str, AfterValidator(checks.region)] = "us-east-1"
    environment: Annotated[str, AfterValidator(checks.environment)] = "production"
    protect: StrictBool = False
    watch_terraform_tags: StrictBool = False
    """Whether previews look for the replaced module's mark (``infra.preflight.terraform_tag_warning``)."""

    vpc_cidr: Annotated[IPv4Network, BeforeValidator(checks.vpc_network)] = IPv4Network(
        "10.100.0.0/16"
    )
    main_vpc_cidr: Annotated[IPv4Network, BeforeValidator(checks.ipv4_network)] = IPv4Network(
        "10.0.0.0/16"
    )
    zones: Annotated[dict[str, StrictInt], AfterValidator(checks.zones)] = Field(
        default_factory=dict[str, int]
    )
    """Slot by availability zone; empty stands for the first three zones that need no opt-in."""
    allowed_ssh_cidrs: Annotated[
        tuple[addresses.IPNetwork, ...], BeforeValidator(checks.ssh_ranges)
    ] = (IPv4Network("0.0.0.0/0"),)
    flow_logs: StrictBool = True
    flow_log_retention_days: Annotated[StrictInt, AfterValidator(checks.retention)] = 365

    default_instance_type: Annotated[str, AfterValidator(checks.instance_type)] = "g5.12xlarge"
    allowed_instance_types: Annotated[
        tuple[str, ...],
        BeforeValidator(checks.not_empty),
        AfterValidator(checks.instance_type_patterns),
    ] = ("g5.*", "g6.*")
    sandbox_ami_id: Annotated[str, AfterValidator(checks.ami_id)] = ""
    key_name: Annotated[str, AfterValidator(checks.key_name)] = ""

    s3_read_buckets: Annotated[
        tuple[str, ...], BeforeValidator(checks.not_empty), AfterValidator(checks.bucket_patterns)
    ] = ("softmax-*",)
    s3_output_bucket: Annotated[str, AfterValidator(checks.bucket)] = "softmax-sandbox-outputs"
    instances_read_outputs: StrictBool = False
    log_prefix: Annotated[str, AfterValidator(checks.log_prefix)] = "/aws/ec2/sandbox/"
    instance_log_retention_days: Annotated[StrictInt, AfterValidator(checks.retention)] = 365

    manager_keys: Annotated[dict[Slot, Stage], AfterValidator(checks.manager_keys)] = Field(
        default_factory=lambda: dict(INITIAL_STAGES)
    )
    """Stage by slot of the manager's access keys; `sandbox keys rotate` writes it."""
    manager_identity: Literal["user", "irsa", "pod-identity"] = "user"
    oidc_provider_arn: Annotated[str, AfterValidator(checks.oidc_provider)] = ""
    service_account: Annotated[str, AfterValidator(checks.service_account)] = ""

    cost_allocation_tags: Literal["auto", "on", "off"] = "off"
    monthly_budget_usd: Annotated[StrictInt, AfterValidator(checks.budget)] = 0
    """At which the manager can no longer launch; 0 for no such stop."""
    budget_email: Annotated[str, AfterValidator(checks.email)] = ""

    @property
    def launchable_types(self) -> tuple[str, ...]:
        """What the manager may launch: the allowed patterns, and always the default type."""
        return tuple(dict.fromkeys((*self.allowed_instance_types, self.default_instance_type)))

    @property
    def flow_log_days(self) -> int:
        """For how long flow logs are kept; 0 where there are none."""
        return self.flow_log_retention_days if self.flow_logs else 0

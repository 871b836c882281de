"""The settings of a stack: every config key with its type, default and check.

`Pulumi.yaml` declares the same keys and defaults, with a description of each.
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
VolumeType = Literal["gp2", "gp3", "io1", "io2", "sc1", "st1", "standard"]
"""Types of EBS volumes (EBS User Guide, EBS volume types)."""


class Settings(BaseModel):
    """The settings of one stack. A field's name is its config key below ``sandbox:``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    region: Annotated[str, AfterValidator(checks.region)] = "us-east-1"
    environment: Annotated[str, AfterValidator(checks.environment)] = "production"
    account_id: Annotated[str, AfterValidator(checks.account_id)] = ""
    tags: Annotated[dict[str, str], AfterValidator(checks.own_tags)] = Field(
        default_factory=dict[str, str]
    )
    """Tags of the organization, which every resource carries besides those of this program."""
    protect: StrictBool = False
    watch_terraform_tags: StrictBool = False
    """Whether previews warn about Terraform's tag (``infra.preflight.terraform_tag_warning``)."""

    vpc_cidr: Annotated[IPv4Network, BeforeValidator(checks.vpc_network)] = IPv4Network(
        "10.100.0.0/16"
    )
    main_vpc_cidr: Annotated[IPv4Network, BeforeValidator(checks.ipv4_network)] = IPv4Network(
        "10.0.0.0/16"
    )
    zones: Annotated[dict[str, StrictInt], AfterValidator(checks.zones)] = Field(
        default_factory=dict[str, int]
    )
    """Slot by availability zone; empty means the first three zones that need no opt-in."""
    allowed_ssh_cidrs: Annotated[
        tuple[addresses.IPNetwork, ...], BeforeValidator(checks.ssh_ranges)
    ] = (IPv4Network("0.0.0.0/0"),)
    allowed_egress: Annotated[
        tuple[str, ...], BeforeValidator(checks.not_empty), AfterValidator(checks.egress)
    ] = ("all 0.0.0.0/0",)
    """Outbound rules, as `infra.egress` reads them."""
    flow_logs: StrictBool = True
    flow_log_retention_days: Annotated[StrictInt, AfterValidator(checks.retention)] = 365

    default_instance_type: Annotated[str, AfterValidator(checks.instance_type)] = "g5.12xlarge"
    allowed_instance_types: Annotated[
        tuple[str, ...],
        BeforeValidator(checks.not_empty),
        AfterValidator(checks.instance_type_patterns),
    ] = ("g5.*", "g6.*")
    volume_types: Annotated[
        tuple[VolumeType, ...], BeforeValidator(checks.not_empty), AfterValidator(checks.distinct)
    ] = ("gp2", "gp3")
    max_volume_gib: Annotated[StrictInt, AfterValidator(checks.volume_size)] = 2_048
    """GiB of one volume of a sandbox."""
    capacity_reservations: Annotated[
        tuple[str, ...], AfterValidator(checks.capacity_reservations)
    ] = ()
    instance_tags: Annotated[tuple[str, ...], AfterValidator(checks.tag_keys)] = ("Name",)
    """Keys of tags that a launch may add to those of this program."""
    sandbox_ami_id: Annotated[str, AfterValidator(checks.ami_id)] = ""
    key_name: Annotated[str, AfterValidator(checks.key_name)] = ""

    s3_read_buckets: Annotated[
        tuple[str, ...], BeforeValidator(checks.not_empty), AfterValidator(checks.bucket_patterns)
    ] = ("softmax-*",)
    s3_output_bucket: Annotated[str, AfterValidator(checks.bucket)] = "softmax-sandbox-outputs"
    instances_read_outputs: StrictBool = False
    results_per_instance: StrictBool = False
    """Whether a sandbox has a prefix of its own in the results bucket, which it may also read."""
    instances_only_from_vpc: StrictBool = False
    ecr_repositories: Annotated[
        tuple[str, ...],
        BeforeValidator(checks.not_empty),
        AfterValidator(checks.repository_patterns),
    ] = ("*",)
    log_prefix: Annotated[str, AfterValidator(checks.log_prefix)] = "/aws/ec2/sandbox/"
    logs_per_instance: StrictBool = False
    """Whether a sandbox writes only to log streams whose name begins with its own address."""
    instance_log_retention_days: Annotated[StrictInt, AfterValidator(checks.retention)] = 365

    manager_keys: Annotated[dict[Slot, Stage], AfterValidator(checks.manager_keys)] = Field(
        default_factory=lambda: dict(INITIAL_STAGES)
    )
    """Stage of the manager's access keys by slot; `sandbox keys rotate` writes it."""
    manager_identity: Literal["user", "irsa", "pod-identity"] = "user"
    manager_path: Literal["/service/", "/"] = "/service/"
    """Of the manager's identity; IAM cannot change it, so an adopted one keeps its own."""
    oidc_provider_arn: Annotated[str, AfterValidator(checks.oidc_provider)] = ""
    service_account: Annotated[str, AfterValidator(checks.service_account)] = ""
    permissions_boundary: Annotated[str, AfterValidator(checks.permissions_boundary)] = ""
    """The organization's boundary, in the place of the program's own."""

    cost_allocation_tags: Literal["auto", "on", "off"] = "off"
    monthly_budget_usd: Annotated[StrictInt, AfterValidator(checks.budget)] = 0
    """US dollars a month at which the manager can no longer launch; 0 disables the stop."""
    budget_email: Annotated[str, AfterValidator(checks.email)] = ""

    @property
    def launchable_types(self) -> tuple[str, ...]:
        """The types that the manager may launch: the allowed patterns and the default type."""
        return tuple(dict.fromkeys((*self.allowed_instance_types, self.default_instance_type)))

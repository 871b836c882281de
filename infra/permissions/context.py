"""The values that a policy document depends on."""

from collections.abc import Sequence
from dataclasses import dataclass

from infra import names
from infra.permissions.statements import Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyContext:
    """One stack in one account; equal contexts give equal documents."""

    partition: str
    region: str
    account_id: str
    environment: str
    vpc_id: str
    ami_id: str
    """The configured image; "" if there is none yet."""
    instance_types: tuple[str, ...]
    """Patterns for the operator StringLike: `g5.*`."""
    volume_types: tuple[str, ...]
    max_volume_gib: int
    capacity_reservations: tuple[str, ...]
    instance_tags: tuple[str, ...]
    """Keys of tags that a launch may add to those of this program."""
    manager_has_keys: bool
    """Whether the manager is a user with access keys, and not a role."""
    s3_read_buckets: tuple[str, ...]
    """Names or patterns of buckets in this account."""
    s3_output_bucket: str
    instances_read_outputs: bool
    results_per_instance: bool
    instances_only_from_vpc: bool
    ecr_repositories: tuple[str, ...]
    """Names or patterns of repositories in this account."""
    log_prefix: str
    logs_per_instance: bool
    permissions_boundary: str
    """The ARN of the organization's boundary, in the place of the program's own; "" if none."""

    def held(
        self, policy: Sequence[Statement], boundary: Sequence[Statement]
    ) -> tuple[Statement, ...]:
        """*policy*, with the denials of *boundary* where the organization's takes its place."""
        if not self.permissions_boundary:
            return tuple(policy)
        known = {item.sid for item in policy}
        denials = (item for item in boundary if item.effect == "Deny" and item.sid not in known)
        return (*policy, *denials)

    def ec2(self, resource: str) -> str:
        """An EC2 resource of this account and region: `instance/*`."""
        return f"arn:{self.partition}:ec2:{self.region}:{self.account_id}:{resource}"

    def iam(self, resource: str) -> str:
        """An IAM resource of this account: `role/name`."""
        return f"arn:{self.partition}:iam::{self.account_id}:{resource}"

    def log_group(self, name: str) -> str:
        """A log group of this account and region."""
        return f"arn:{self.partition}:logs:{self.region}:{self.account_id}:log-group:{name}"

    def image(self, image_id: str) -> str:
        """An image. Its ARN names no account, so a condition has to name the owner."""
        return f"arn:{self.partition}:ec2:{self.region}::image/{image_id}"

    def bucket(self, name: str) -> str:
        return f"arn:{self.partition}:s3:::{name}"

    def objects(self, bucket: str) -> str:
        return f"{self.bucket(bucket)}/*"

    @property
    def vpc_arn(self) -> str:
        return self.ec2(f"vpc/{self.vpc_id}")

    @property
    def instance_role_arn(self) -> str:
        return self.iam(f"role/{names.INSTANCE_ROLE}")

    @property
    def instance_profile_arn(self) -> str:
        return self.iam(f"instance-profile/{names.INSTANCE_PROFILE}")

    @property
    def launch_tag_keys(self) -> tuple[str, ...]:
        """Every tag that a launch may set."""
        return ("Environment", "Project", "Purpose", names.USER_TAG, *self.instance_tags)

    def repository(self, name: str) -> str:
        """A container repository of this account and region."""
        return f"arn:{self.partition}:ecr:{self.region}:{self.account_id}:repository/{name}"

    @property
    def log_groups_arn(self) -> str:
        """The instances' log groups; the star also covers `:log-stream:…` after the name."""
        return self.log_group(f"{self.log_prefix}*")

"""The sandbox manager: what it may do, and what no later policy can add.

EC2 asks IAM about a launch once per resource (instance, volume, interface, subnet, group, image,
key pair), and all answers must be yes. Each resource type has its own condition keys: an instance
has its profile but not its VPC, an interface has its VPC but not the profile. So the launch needs
one statement per resource type. A launch cannot name a resource type without a statement, such as
a snapshot or a launch template.

EC2 names the market, the tenancy and the hop limit of every instance, also where the request does
not (decoded authorization messages show it). The limits use ...IfExists, so that a launch is not
refused where EC2 leaves a key out.
"""

from typing import Final

from infra import names
from infra.permissions.context import PolicyContext
from infra.permissions.statements import Condition, Statement, allow, deny, statement

CONTROL: Final = (
    "ec2:StartInstances",
    "ec2:StopInstances",
    "ec2:RebootInstances",
    "ec2:TerminateInstances",
    "ec2:GetConsoleOutput",
    "ec2:GetConsoleScreenshot",
)
READS: Final = (
    "ec2:DescribeAvailabilityZones",
    "ec2:DescribeImages",
    "ec2:DescribeInstanceStatus",
    "ec2:DescribeInstanceTypeOfferings",
    "ec2:DescribeInstanceTypes",
    "ec2:DescribeInstances",
    "ec2:DescribeKeyPairs",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeTags",
    "ec2:DescribeVolumes",
    "ec2:DescribeVpcs",
)
"""Named one by one, because some Describe calls return secrets (user data, launch templates)."""
COSTS: Final = (
    "ce:GetCostAndUsage",
    "ce:GetCostForecast",
    "ce:GetDimensionValues",
    "ce:GetTags",
)
FACTS: Final = (
    "cloudwatch:GetMetricData",
    "pricing:GetProducts",
    "servicequotas:GetServiceQuota",
    "sts:DecodeAuthorizationMessage",
)
MAX_HOPS: Final = 2
"""Hops of an answer of the metadata service: 2 reach a container, more serve nobody."""
MAX_IOPS: Final = 16_000
"""Operations per second that a volume may be provisioned with."""
MAX_THROUGHPUT: Final = 1_000
"""MiB per second that a volume may be provisioned with."""
VOLUME_KEYS: Final = (
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)
"""Actions of EC2 on the key of a volume, in the caller's name; the key's policy grants them."""
CEILING: Final = (
    "ec2:RunInstances",
    "ec2:CreateTags",
    "ec2:DeleteVolume",
    *CONTROL,
    *READS,
    *COSTS,
    *FACTS,
    "iam:PassRole",
    *VOLUME_KEYS,
)


def policy(context: PolicyContext) -> tuple[Statement, ...]:
    """What the manager may do."""
    allowed = (
        *_changes(context, context.ami_id),
        read_the_state_of_ec2(context),
        read_costs(),
        read_metrics_quotas_and_prices(),
    )
    return context.held(allowed, boundary(context))


def boundary(context: PolicyContext) -> tuple[Statement, ...]:
    """What the manager can never do, whatever policies are attached to it later.

    It allows the same changes as the policy, so an attached policy adds none. The configured image
    is named by a tag of the manager: a new image needs no new version of the boundary.

    The denial of all else is explicit: a boundary that does not mention an action would not stop a
    resource policy (of a bucket or a key) that names the user.
    """
    return (
        *_changes(context, f"${{aws:PrincipalTag/{names.IMAGE_TAG}}}"),
        at_most_the_managers_work(),
        nothing_else_ever(),
        no_other_region(context),
        no_key_except_through_ec2(context),
        *([no_session_of_a_key()] if context.manager_has_keys else []),
    )


def _changes(context: PolicyContext, image_id: str) -> tuple[Statement, ...]:
    """Launches, and the control of what they launched."""
    reservations = context.capacity_reservations
    return (
        launch_sandbox_instances(context),
        launch_with_encrypted_volumes(context),
        launch_into_the_sandbox_network(context),
        launch_with_interfaces_of_the_sandbox_network(context),
        launch_images_of_the_project(context),
        *([launch_the_configured_image(context, image_id)] if image_id else []),
        *([launch_into_capacity_reservations(context)] if reservations else []),
        name_key_pairs_at_launch(context),
        tag_while_launching(context),
        control_sandbox_instances(context),
        delete_volumes_of_sandboxes(context),
        pass_the_sandbox_role(context),
    )


@statement
def launch_sandbox_instances(context: PolicyContext) -> Statement:
    """Launch instances of an allowed type, with the sandbox profile, IMDSv2 and three tags.

    The tags are a non-empty `user_id`, and the Project and Environment of this stack. The instances
    are on demand (or in a block of `capacity_reservations`), on shared hardware, and their metadata
    service answers over at most 2 hops.
    """
    # Names of condition keys ignore case, so a tag `User_Id` would also match
    # aws:RequestTag/user_id. The values of aws:TagKeys do not ignore case.
    tags = _launch_tags(context)
    blocks = ["capacity-block"] if context.capacity_reservations else []
    return allow(
        "ec2:RunInstances",
        on=context.ec2("instance/*"),
        when={
            **tags,
            "StringEquals": {**tags["StringEquals"], "ec2:MetadataHttpTokens": "required"},
            "StringLike": {**tags["StringLike"], "ec2:InstanceType": context.instance_types},
            "ArnEquals": {"ec2:InstanceProfile": context.instance_profile_arn},
            "StringEqualsIfExists": {
                # EC2 renews a persistent spot request itself, past the spending stop
                "ec2:InstanceMarketType": ["on-demand", *blocks],
                "ec2:Tenancy": "default",
            },
            "NumericLessThanEqualsIfExists": {"ec2:MetadataHttpPutResponseHopLimit": str(MAX_HOPS)},
        },
    )


@statement
def launch_with_encrypted_volumes(context: PolicyContext) -> Statement:
    """Create the volumes of such an instance, encrypted and with the same three tags.

    Their types are those in `volume_types`, their size is at most `max_volume_gib`, and they have
    at most 16,000 provisioned IOPS and 1,000 MiB/s.
    """
    return allow(
        "ec2:RunInstances",
        on=context.ec2("volume/*"),
        when={
            **_launch_tags(context),
            "Bool": {"ec2:Encrypted": "true"},
            "StringEqualsIfExists": {"ec2:VolumeType": context.volume_types},
            "NumericLessThanEqualsIfExists": {
                "ec2:VolumeSize": str(context.max_volume_gib),
                "ec2:VolumeIops": str(MAX_IOPS),
                "ec2:VolumeThroughput": str(MAX_THROUGHPUT),
            },
        },
    )


@statement
def launch_into_the_sandbox_network(context: PolicyContext) -> Statement:
    """Launch into the subnets `sandbox-public` of the VPC, with the group `sandbox-instances`."""
    # By name, so that a new zone needs no new version of the boundary; the manager cannot tag them.
    return allow(
        "ec2:RunInstances",
        on=[context.ec2("subnet/*"), context.ec2("security-group/*")],
        when={
            "ArnEquals": {"ec2:Vpc": context.vpc_arn},
            "StringEquals": {"aws:ResourceTag/Name": [names.SUBNET, names.SECURITY_GROUP]},
        },
    )


@statement
def launch_with_interfaces_of_the_sandbox_network(context: PolicyContext) -> Statement:
    """Launch with network interfaces of the sandbox VPC only."""
    # For a request without a subnet EC2 uses the default VPC and asks only about the interface; for
    # a request with an interface it asks only about that.
    return allow(
        "ec2:RunInstances",
        on=context.ec2("network-interface/*"),
        when={"ArnEquals": {"ec2:Vpc": context.vpc_arn}},
    )


@statement
def launch_images_of_the_project(context: PolicyContext) -> Statement:
    """Launch images of this account and Environment that carry the tags of the image build."""
    return allow(
        "ec2:RunInstances",
        on=context.image("*"),
        when={
            "StringEquals": {
                "ec2:Owner": context.account_id,
                "aws:ResourceTag/Project": names.PROJECT,
                "aws:ResourceTag/Environment": context.environment,
                "aws:ResourceTag/Purpose": names.IMAGE_PURPOSE,
            }
        },
    )


@statement
def launch_the_configured_image(context: PolicyContext, image_id: str) -> Statement:
    """Launch the image in `sandbox_ami_id`, from any owner."""
    return allow("ec2:RunInstances", on=context.image(image_id))


@statement
def launch_into_capacity_reservations(context: PolicyContext) -> Statement:
    """Launch into the reservations in `capacity_reservations`; by default there are none."""
    return allow(
        "ec2:RunInstances",
        on=[context.ec2(f"capacity-reservation/{id_}") for id_ in context.capacity_reservations],
    )


@statement
def name_key_pairs_at_launch(context: PolicyContext) -> Statement:
    """Use any key pair of the account and region in a launch."""
    return allow("ec2:RunInstances", on=context.ec2("key-pair/*"))


@statement
def tag_while_launching(context: PolicyContext) -> Statement:
    """Tag instances, volumes and network interfaces while launching them.

    The tags are `user_id`, Project, Environment, Purpose and those in `instance_tags` (`Name`).
    """
    return allow(
        "ec2:CreateTags",
        on=[context.ec2(f"{kind}/*") for kind in ("instance", "volume", "network-interface")],
        when={
            "StringEquals": {"ec2:CreateAction": "RunInstances"},
            "ForAllValues:StringEquals": {"aws:TagKeys": context.launch_tag_keys},
        },
    )


@statement
def control_sandbox_instances(context: PolicyContext) -> Statement:
    """Start, stop, reboot and terminate this stack's instances, and read their console output.

    The sandbox profile and the tags Project and Environment identify them.
    """
    return allow(
        *CONTROL,
        on=context.ec2("instance/*"),
        when={
            "ArnEquals": {"ec2:InstanceProfile": context.instance_profile_arn},
            "StringEquals": {
                "aws:ResourceTag/Project": names.PROJECT,
                "aws:ResourceTag/Environment": context.environment,
            },
        },
    )


@statement
def delete_volumes_of_sandboxes(context: PolicyContext) -> Statement:
    """Delete volumes with the tags of a launch of this stack; EC2 refuses one that is attached."""
    return allow(
        "ec2:DeleteVolume",
        on=context.ec2("volume/*"),
        when={
            "StringEquals": {
                "aws:ResourceTag/Project": names.PROJECT,
                "aws:ResourceTag/Environment": context.environment,
            },
            "StringLike": {f"aws:ResourceTag/{names.USER_TAG}": "?*"},
        },
    )


@statement
def read_the_state_of_ec2(context: PolicyContext) -> Statement:
    """List instances, types, images, key pairs, networks, volumes and tags of the region."""
    return allow(*READS, on="*", when={"StringEquals": {"ec2:Region": context.region}})


@statement
def read_costs() -> Statement:
    """Read the costs, their forecast and the cost tags of the whole account in Cost Explorer."""
    return allow(*COSTS, on="*")


@statement
def read_metrics_quotas_and_prices() -> Statement:
    """Read the CloudWatch metrics and the quotas of the whole account, and AWS's prices.

    It may also decode the reason that EC2 gives for a refused call.
    """
    return allow(*FACTS, on="*")


@statement
def pass_the_sandbox_role(context: PolicyContext) -> Statement:
    """Pass the role `sandbox-instance-role` to EC2."""
    return allow(
        "iam:PassRole",
        on=context.instance_role_arn,
        when={"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
    )


@statement
def at_most_the_managers_work() -> Statement:
    """Use the KMS keys of its encrypted volumes through EC2, where the policy of the key allows it.

    This is the only permission that the boundary adds to the policy.
    """
    # NothingElseEver lists the actions of EC2 and Cost Explorer one by one.
    return allow("ec2:Describe*", "ce:Get*", *FACTS, *VOLUME_KEYS, on="*")


@statement
def nothing_else_ever() -> Statement:
    """Deny all other actions and services.

    Among them are changes of IAM, access keys, networks and key pairs.
    """
    return Statement(effect="Deny", all_actions_but=CEILING, resources=("*",))


@statement
def no_other_region(context: PolicyContext) -> Statement:
    """Deny EC2 in any other region."""
    # Only EC2: Cost Explorer and IAM have one endpoint for all regions.
    return deny("ec2:*", on="*", when={"StringNotEquals": {"ec2:Region": context.region}})


@statement
def no_key_except_through_ec2(context: PolicyContext) -> Statement:
    """Deny using KMS keys directly, or through another service than EC2."""
    return deny(
        "kms:*",
        on="*",
        when={"StringNotEquals": {"kms:ViaService": f"ec2.{context.region}.amazonaws.com"}},
    )


@statement
def no_session_of_a_key() -> Statement:
    """Deny all calls with temporary credentials, if the manager is a user.

    Its access key can make some without any permission, and they would outlive the key by up to 36
    hours. Calls that AWS makes for it, as to the keys of volumes, stay allowed.
    """
    return deny(
        "*",
        on="*",
        when={
            "Null": {"aws:TokenIssueTime": "false"},
            "BoolIfExists": {"aws:ViaAWSService": "false"},
        },
    )


def _launch_tags(context: PolicyContext) -> Condition:
    """The tags that a launch must give to the instance and its volumes.

    RunInstances requires them, not CreateTags: AWS does not evaluate CreateTags for a request
    without tags.
    """
    return {
        "StringEquals": {
            "aws:RequestTag/Project": names.PROJECT,
            "aws:RequestTag/Environment": context.environment,
        },
        "StringLike": {f"aws:RequestTag/{names.USER_TAG}": "?*"},
        "ForAnyValue:StringEquals": {"aws:TagKeys": names.USER_TAG},
    }

"""The sandbox manager: what it may do, and what no later policy can add.

EC2 asks IAM about a launch once per resource (instance, volume, interface, subnet, group, image,
key pair), and all answers must be yes. Each resource type has its own condition keys: an instance
has its profile but not its VPC, an interface has its VPC but not the profile. So the launch needs
one statement per resource type. A launch cannot name a resource type without a statement, such as
a snapshot or a launch template.
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
)
READS: Final = (
    "ec2:DescribeAvailabilityZones",
    "ec2:DescribeImages",
    "ec2:DescribeInstanceStatus",
    "ec2:DescribeInstanceTypeOfferings",
    "ec2:DescribeInstanceTypes",
    "ec2:DescribeInstances",
    "ec2:DescribeKeyPairs",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeTags",
    "ec2:DescribeVolumes",
    "ec2:DescribeVpcs",
)
"""Named one by one, because some Describe calls return secrets (user data, launch templates)."""
COSTS: Final = ("ce:GetCostAndUsage", "ce:GetCostForecast", "ce:GetTags")
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
    *CONTROL,
    *READS,
    *COSTS,
    "iam:PassRole",
    *VOLUME_KEYS,
)


def policy(context: PolicyContext) -> tuple[Statement, ...]:
    """What the manager may do."""
    return (
        launch_sandbox_instances(context),
        launch_with_encrypted_volumes(context),
        launch_into_the_sandbox_network(context),
        launch_images_of_the_project(context),
        *([launch_the_configured_image(context)] if context.ami_id else []),
        name_key_pairs_at_launch(context),
        tag_while_launching(context),
        control_sandbox_instances(context),
        read_the_state_of_ec2(context),
        read_costs(),
        pass_the_sandbox_role(context),
    )


def boundary(context: PolicyContext) -> tuple[Statement, ...]:
    """What the manager can never do, whatever policies are attached to it later.

    The denials are explicit: a boundary that does not mention an action would not stop a resource
    policy (of a bucket or a key) that names the user.
    """
    return (
        at_most_the_managers_work(),
        nothing_else_ever(),
        no_other_region(context),
        no_launch_outside_the_sandbox_network(context),
        no_instance_without_the_sandbox_profile(context),
        no_launch_with_metadata_v1(),
        no_tagging_after_launch(),
        no_other_role(context),
        no_role_for_another_service(),
        no_key_except_through_ec2(context),
    )


@statement
def launch_sandbox_instances(context: PolicyContext) -> Statement:
    """Launch instances of an allowed type, with the sandbox profile, IMDSv2 and three tags.

    The tags are a non-empty `user_id`, and the Project and Environment of this stack.
    """
    # Names of condition keys ignore case, so a tag `User_Id` would also match
    # aws:RequestTag/user_id. The values of aws:TagKeys do not ignore case.
    tags = _launch_tags(context)
    return allow(
        "ec2:RunInstances",
        on=context.ec2("instance/*"),
        when={
            **tags,
            "StringEquals": {**tags["StringEquals"], "ec2:MetadataHttpTokens": "required"},
            "StringLike": {**tags["StringLike"], "ec2:InstanceType": context.instance_types},
            "ArnEquals": {"ec2:InstanceProfile": context.instance_profile_arn},
        },
    )


@statement
def launch_with_encrypted_volumes(context: PolicyContext) -> Statement:
    """Create the volumes of such an instance, encrypted and with the same three tags."""
    return allow(
        "ec2:RunInstances",
        on=context.ec2("volume/*"),
        when={**_launch_tags(context), "Bool": {"ec2:Encrypted": "true"}},
    )


@statement
def launch_into_the_sandbox_network(context: PolicyContext) -> Statement:
    """Launch into the sandbox VPC only: its subnets, security groups and network interfaces."""
    # All three are needed: for a request without a subnet EC2 uses the default VPC and asks only
    # about the interface; for a request with an interface it asks only about that.
    return allow(
        "ec2:RunInstances",
        on=[context.ec2(f"{kind}/*") for kind in ("subnet", "security-group", "network-interface")],
        when={"ArnEquals": {"ec2:Vpc": context.vpc_arn}},
    )


@statement
def launch_images_of_the_project(context: PolicyContext) -> Statement:
    """Launch images that this account owns and that carry the tags of the image build."""
    return allow(
        "ec2:RunInstances",
        on=context.image("*"),
        when={
            "StringEquals": {
                "ec2:Owner": context.account_id,
                "aws:ResourceTag/Project": names.PROJECT,
                "aws:ResourceTag/Purpose": names.IMAGE_PURPOSE,
            }
        },
    )


@statement
def launch_the_configured_image(context: PolicyContext) -> Statement:
    """Launch the image in `sandbox_ami_id`, from any owner."""
    return allow("ec2:RunInstances", on=context.image(context.ami_id))


@statement
def name_key_pairs_at_launch(context: PolicyContext) -> Statement:
    """Use any key pair of the account and region in a launch."""
    return allow("ec2:RunInstances", on=context.ec2("key-pair/*"))


@statement
def tag_while_launching(context: PolicyContext) -> Statement:
    """Tag instances, volumes and network interfaces while launching them."""
    return allow(
        "ec2:CreateTags",
        on=[context.ec2(f"{kind}/*") for kind in ("instance", "volume", "network-interface")],
        when={"StringEquals": {"ec2:CreateAction": "RunInstances"}},
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
def read_the_state_of_ec2(context: PolicyContext) -> Statement:
    """List instances, types, images, key pairs, networks, volumes and tags of the region."""
    return allow(*READS, on="*", when={"StringEquals": {"ec2:Region": context.region}})


@statement
def read_costs() -> Statement:
    """Read the costs, their forecast and the cost tags of the whole account in Cost Explorer."""
    return allow(*COSTS, on="*")


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
    return allow(*CEILING, on="*")


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
    return deny("ec2:*", on="*", when={"StringNotEquals": {"aws:RequestedRegion": context.region}})


@statement
def no_launch_outside_the_sandbox_network(context: PolicyContext) -> Statement:
    """Deny launches into any other VPC."""
    # A negated operator also matches if the key is absent, so the denial fails closed.
    return deny(
        "ec2:RunInstances",
        on=[
            f"arn:{context.partition}:ec2:*:*:{kind}/*"
            for kind in ("subnet", "security-group", "network-interface")
        ],
        when={"ArnNotEquals": {"ec2:Vpc": context.vpc_arn}},
    )


@statement
def no_instance_without_the_sandbox_profile(context: PolicyContext) -> Statement:
    """Deny launching, controlling and reading the console of instances without the profile."""
    return deny(
        "ec2:RunInstances",
        *CONTROL,
        on=f"arn:{context.partition}:ec2:*:*:instance/*",
        when={"ArnNotEquals": {"ec2:InstanceProfile": context.instance_profile_arn}},
    )


@statement
def no_launch_with_metadata_v1() -> Statement:
    """Deny launches of instances whose metadata service answers without a token (IMDSv1)."""
    return deny(
        "ec2:RunInstances",
        on="arn:*:ec2:*:*:instance/*",
        when={"StringNotEquals": {"ec2:MetadataHttpTokens": "required"}},
    )


@statement
def no_tagging_after_launch() -> Statement:
    """Deny changes of tags on existing resources. So `user_id` keeps its value from the launch."""
    return deny(
        "ec2:CreateTags", on="*", when={"StringNotEquals": {"ec2:CreateAction": "RunInstances"}}
    )


@statement
def no_other_role(context: PolicyContext) -> Statement:
    """Deny passing any other role."""
    return Statement(
        effect="Deny", actions=("iam:PassRole",), all_resources_but=(context.instance_role_arn,)
    )


@statement
def no_role_for_another_service() -> Statement:
    """Deny passing a role to any other service."""
    return deny(
        "iam:PassRole",
        on="*",
        when={"StringNotEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
    )


@statement
def no_key_except_through_ec2(context: PolicyContext) -> Statement:
    """Deny every use of KMS keys except through EC2, for a volume."""
    return deny(
        "kms:*",
        on="*",
        when={"StringNotEquals": {"kms:ViaService": f"ec2.{context.region}.amazonaws.com"}},
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

"""The service that launches sandboxes: what it may do, and what nobody can give it later.

One launch is asked of IAM once per resource (instance, volume, interface, subnet, group, image, key
pair) and needs every answer to be yes. Each resource type knows condition keys of its own: an
instance knows its profile but not its VPC, an interface its VPC but not its tags' meaning. So the
launch is spelt out in one statement per resource type, and what is in no statement (snapshots,
launch templates) cannot be named in a launch.
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
"""Named one by one: some Describe calls (user data, launch templates) read out secrets."""
COSTS: Final = ("ce:GetCostAndUsage", "ce:GetCostForecast", "ce:GetTags")
VOLUME_KEYS: Final = (
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)
"""What EC2 asks of a volume's key in the caller's name; a key's own policy grants it."""
CEILING: Final = (
    "ec2:RunInstances",
    "ec2:CreateTags",
    *CONTROL,
    *READS,
    *COSTS,
    "iam:PassRole",
    *VOLUME_KEYS,
)


def policy(scope: PolicyContext) -> tuple[Statement, ...]:
    """What the manager may do."""
    return (
        launch_sandbox_instances(scope),
        launch_with_encrypted_volumes(scope),
        launch_into_the_sandbox_network(scope),
        launch_images_of_the_project(scope),
        *([launch_the_configured_image(scope)] if scope.ami_id else []),
        name_key_pairs_at_launch(scope),
        tag_while_launching(scope),
        control_sandbox_instances(scope),
        read_the_state_of_ec2(scope),
        read_costs(),
        pass_the_sandbox_role(scope),
    )


def boundary(scope: PolicyContext) -> tuple[Statement, ...]:
    """What the manager can never do, whatever is attached to it later.

    The denials are explicit, since a boundary's silence does not stop a resource (a bucket, a key)
    whose own policy names the user.
    """
    return (
        at_most_the_managers_work(),
        nothing_else_ever(),
        no_other_region(scope),
        no_launch_outside_the_sandbox_network(scope),
        no_instance_without_the_sandbox_profile(scope),
        no_launch_with_metadata_v1(),
        no_tagging_after_launch(),
        no_other_role(scope),
        no_role_for_another_service(),
        no_key_except_through_ec2(scope),
    )


@statement
def launch_sandbox_instances(scope: PolicyContext) -> Statement:
    """Launch instances of an allowed type, with the sandbox profile, IMDSv2 and three tags.

    The tags are a `user_id` that is not empty, and Project and Environment of this stack.
    """
    # Condition keys ignore case, so a tag `User_Id` would also do for aws:RequestTag/user_id; the
    # values of aws:TagKeys do not.
    tags = _launch_tags(scope)
    return allow(
        "ec2:RunInstances",
        on=scope.ec2("instance/*"),
        when={
            **tags,
            "StringEquals": {**tags["StringEquals"], "ec2:MetadataHttpTokens": "required"},
            "StringLike": {**tags["StringLike"], "ec2:InstanceType": scope.instance_types},
            "ArnEquals": {"ec2:InstanceProfile": scope.instance_profile_arn},
        },
    )


@statement
def launch_with_encrypted_volumes(scope: PolicyContext) -> Statement:
    """Create a launched instance's volumes, encrypted and with the same three tags."""
    return allow(
        "ec2:RunInstances",
        on=scope.ec2("volume/*"),
        when={**_launch_tags(scope), "Bool": {"ec2:Encrypted": "true"}},
    )


@statement
def launch_into_the_sandbox_network(scope: PolicyContext) -> Statement:
    """Launch into subnets, security groups and interfaces of the sandbox VPC only."""
    # All three: without a subnet in the request EC2 takes the default VPC and asks only about the
    # interface, and with an interface in it only about that.
    return allow(
        "ec2:RunInstances",
        on=[scope.ec2(f"{kind}/*") for kind in ("subnet", "security-group", "network-interface")],
        when={"ArnEquals": {"ec2:Vpc": scope.vpc_arn}},
    )


@statement
def launch_images_of_the_project(scope: PolicyContext) -> Statement:
    """Launch images that this account owns and that the image build tagged as the project's."""
    return allow(
        "ec2:RunInstances",
        on=scope.image("*"),
        when={
            "StringEquals": {
                "ec2:Owner": scope.account_id,
                "aws:ResourceTag/Project": names.PROJECT,
                "aws:ResourceTag/Purpose": names.IMAGE_PURPOSE,
            }
        },
    )


@statement
def launch_the_configured_image(scope: PolicyContext) -> Statement:
    """Launch the image that the stack's settings name, whoever owns it."""
    return allow("ec2:RunInstances", on=scope.image(scope.ami_id))


@statement
def name_key_pairs_at_launch(scope: PolicyContext) -> Statement:
    """Name any key pair of the account and region in a launch, but neither make nor delete one."""
    return allow("ec2:RunInstances", on=scope.ec2("key-pair/*"))


@statement
def tag_while_launching(scope: PolicyContext) -> Statement:
    """Tag instances, volumes and interfaces as part of their launch; never afterwards."""
    return allow(
        "ec2:CreateTags",
        on=[scope.ec2(f"{kind}/*") for kind in ("instance", "volume", "network-interface")],
        when={"StringEquals": {"ec2:CreateAction": "RunInstances"}},
    )


@statement
def control_sandbox_instances(scope: PolicyContext) -> Statement:
    """Start, stop, reboot and terminate this stack's instances, and read their console.

    They are known by the sandbox profile, which nobody can forge, and by their tags.
    """
    return allow(
        *CONTROL,
        on=scope.ec2("instance/*"),
        when={
            "ArnEquals": {"ec2:InstanceProfile": scope.instance_profile_arn},
            "StringEquals": {
                "aws:ResourceTag/Project": names.PROJECT,
                "aws:ResourceTag/Environment": scope.environment,
            },
        },
    )


@statement
def read_the_state_of_ec2(scope: PolicyContext) -> Statement:
    """List instances, types, images, key pairs, networks, volumes and tags of the region."""
    return allow(*READS, on="*", when={"StringEquals": {"ec2:Region": scope.region}})


@statement
def read_costs() -> Statement:
    """Read Cost Explorer: cost and usage, forecast and tags (of the whole account)."""
    return allow(*COSTS, on="*")


@statement
def pass_the_sandbox_role(scope: PolicyContext) -> Statement:
    """Pass `sandbox-instance-role`, and only that, to EC2, and only to EC2."""
    return allow(
        "iam:PassRole",
        on=scope.instance_role_arn,
        when={"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
    )


@statement
def at_most_the_managers_work() -> Statement:
    """Use the keys of its encrypted volumes through EC2, where a key's own policy allows it.

    This is all that the boundary leaves room for beside the policy itself.
    """
    return allow(*CEILING, on="*")


@statement
def nothing_else_ever() -> Statement:
    """Never change IAM, access keys, networks or key pairs, and never use another service."""
    return Statement(effect="Deny", all_actions_but=CEILING, resources=("*",))


@statement
def no_other_region(scope: PolicyContext) -> Statement:
    """Never use EC2 in another region."""
    # Only EC2: Cost Explorer and IAM answer from one region for all.
    return deny("ec2:*", on="*", when={"StringNotEquals": {"aws:RequestedRegion": scope.region}})


@statement
def no_launch_outside_the_sandbox_network(scope: PolicyContext) -> Statement:
    """Never launch into another VPC."""
    # A negated operator also matches when the key is absent, so the denial fails closed.
    return deny(
        "ec2:RunInstances",
        on=[
            f"arn:{scope.partition}:ec2:*:*:{kind}/*"
            for kind in ("subnet", "security-group", "network-interface")
        ],
        when={"ArnNotEquals": {"ec2:Vpc": scope.vpc_arn}},
    )


@statement
def no_instance_without_the_sandbox_profile(scope: PolicyContext) -> Statement:
    """Never launch, control or read the console of an instance without the sandbox profile."""
    return deny(
        "ec2:RunInstances",
        *CONTROL,
        on=f"arn:{scope.partition}:ec2:*:*:instance/*",
        when={"ArnNotEquals": {"ec2:InstanceProfile": scope.instance_profile_arn}},
    )


@statement
def no_launch_with_metadata_v1() -> Statement:
    """Never launch an instance whose metadata service answers without a token."""
    return deny(
        "ec2:RunInstances",
        on="arn:*:ec2:*:*:instance/*",
        when={"StringNotEquals": {"ec2:MetadataHttpTokens": "required"}},
    )


@statement
def no_tagging_after_launch() -> Statement:
    """Never change a tag of anything that exists, so `user_id` stays what it was at launch."""
    return deny(
        "ec2:CreateTags", on="*", when={"StringNotEquals": {"ec2:CreateAction": "RunInstances"}}
    )


@statement
def no_other_role(scope: PolicyContext) -> Statement:
    """Never pass another role."""
    return Statement(
        effect="Deny", actions=("iam:PassRole",), all_resources_but=(scope.instance_role_arn,)
    )


@statement
def no_role_for_another_service() -> Statement:
    """Never pass a role to another service."""
    return deny(
        "iam:PassRole",
        on="*",
        when={"StringNotEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
    )


@statement
def no_key_except_through_ec2(scope: PolicyContext) -> Statement:
    """Never use an encryption key other than through EC2, for a volume."""
    return deny(
        "kms:*",
        on="*",
        when={"StringNotEquals": {"kms:ViaService": f"ec2.{scope.region}.amazonaws.com"}},
    )


def _launch_tags(scope: PolicyContext) -> Condition:
    """The tags that a launch gives to what it makes.

    They are demanded of RunInstances and not of CreateTags, which is not asked at all when a
    request has no tags.
    """
    return {
        "StringEquals": {
            "aws:RequestTag/Project": names.PROJECT,
            "aws:RequestTag/Environment": scope.environment,
        },
        "StringLike": {f"aws:RequestTag/{names.USER_TAG}": "?*"},
        "ForAnyValue:StringEquals": {"aws:TagKeys": names.USER_TAG},
    }

"""RunInstances for the build machine, in the plan's dry run and in the build."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ami.aws_calls import AWS_ERRORS, tag_specifications
from ami.errors import PlanError
from infra.aws_clients import error_code, error_reason

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

    from ami.plan import BuildPlan, BuildSubnet
    from infra.aws_clients import AwsClients

# Error codes of EC2: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
NO_CAPACITY: Final = frozenset(
    {
        "InsufficientAddressCapacity",
        "InsufficientCapacity",
        "InsufficientFreeAddressesInSubnet",
        "InsufficientHostCapacity",
        "InsufficientInstanceCapacity",
        "InsufficientVolumeCapacity",
        "Unsupported",
    }
)
"""Error codes after which another zone or subnet may still have capacity."""
RETRY_HOOK: Final = "needs-retry.ec2.RunInstances"
CLIENT_ERROR: Final = 400


def parameters(
    plan: BuildPlan, subnet: BuildSubnet, *, key: str = "", group: str = "", user_data: str = ""
) -> Any:  # noqa: ANN401 - boto3's own keyword arguments
    """The parameters of RunInstances in *subnet*.

    A dry run has no *group* and *user_data*, and no *key* unless the user named one: the build
    creates them later.
    """
    interface: dict[str, Any] = {
        "DeviceIndex": 0,
        "SubnetId": subnet.id,
        "AssociatePublicIpAddress": True,
        "DeleteOnTermination": True,
    }
    return {
        "ImageId": plan.base_image,
        "InstanceType": plan.instance_type,
        "MinCount": 1,
        "MaxCount": 1,
        "InstanceInitiatedShutdownBehavior": "terminate",
        "MetadataOptions": {
            "HttpTokens": "required",
            "HttpEndpoint": "enabled",
            "HttpPutResponseHopLimit": 1,
        },
        "NetworkInterfaces": [interface | ({"Groups": [group]} if group else {})],
        "BlockDeviceMappings": [
            {
                "DeviceName": plan.root_device,
                "Ebs": {
                    "VolumeType": "gp3",
                    "VolumeSize": plan.disk_gib,
                    "Iops": plan.options.disk_iops,
                    "Throughput": plan.options.disk_throughput,
                    "Encrypted": True,
                    "DeleteOnTermination": True,
                },
            }
        ],
        "TagSpecifications": tag_specifications(
            plan.tags, "instance", "volume", "network-interface"
        ),
        **({"KeyName": key} if key else {}),
        **({"UserData": user_data} if user_data else {}),
    }


def check(aws: AwsClients, plan: BuildPlan) -> None:
    """Try the launch in the first zone as a dry run.

    An organization's rules (SCPs) on IMDSv2, tags or encryption decide on the same parameters. A
    dry run that would succeed ends with `DryRunOperation`.
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html

    Raises:
        PlanError: EC2 would refuse the launch.
    """
    request = parameters(plan, plan.subnets[0], key=plan.options.ssh_key or "")
    try:
        aws.ec2.run_instances(**request, DryRun=True)
    except AWS_ERRORS as error:
        if error_code(error) != "DryRunOperation":
            raise PlanError(
                f"EC2 would not launch {plan.instance_type}: {error_reason(error)}; remove this "
                "cause, then build again"
            ) from error


def do_not_retry_without_capacity(ec2: EC2Client) -> None:
    """Let a launch without capacity fail at its first answer.

    EC2 answers with status 500, which botocore treats as a server error and retries up to ten
    times; trying the next zone is faster.
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html (server errors)
    """

    def mark_as_final(response: Any, **_: object) -> None:  # noqa: ANN401 - botocore's own
        if response and response[1].get("Error", {}).get("Code") in NO_CAPACITY:
            response[0].status_code = CLIENT_ERROR

    ec2.meta.events.register_first(RETRY_HOOK, mark_as_final, unique_id="sandbox-no-capacity")

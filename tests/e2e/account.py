"""The contents of an account, read with boto3 and not from the program's output."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3

from infra import names
from local import emulator, engine, stack

Client = Callable[[str], Any]


@contextmanager
def emulated(folder: Path, seed: int | None = None) -> Generator[dict[str, str]]:
    """The environment of a fresh account and a fresh state, both below *folder*.

    With a *seed* the account shows new resources late and throttles calls.
    """
    installed = engine.ensure()
    running = emulator.start(folder, seed=seed)
    try:
        yield stack.environment(installed, running, folder / "state")
    finally:
        emulator.stop(folder)


def client_of(environment: Mapping[str, str]) -> Client:
    """Clients for the account that *environment* points at."""
    session = boto3.Session(
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        region_name=environment["AWS_REGION"],
    )
    make: Any = session.client  # typed per service, and here the service is a variable
    return lambda name: make(name, endpoint_url=environment["AWS_ENDPOINT_URL"])


def everything(client: Client) -> dict[str, list[str]]:
    """The ids of all resources that this program may have created, by kind."""
    ec2, iam, logs = client("ec2"), client("iam"), client("logs")
    listed = {
        "vpcs": _ids(ec2, "describe_vpcs", "Vpcs", "VpcId"),
        "subnets": _ids(ec2, "describe_subnets", "Subnets", "SubnetId"),
        "gateways": _ids(
            ec2, "describe_internet_gateways", "InternetGateways", "InternetGatewayId"
        ),
        "tables": _ids(ec2, "describe_route_tables", "RouteTables", "RouteTableId"),
        "groups": _ids(ec2, "describe_security_groups", "SecurityGroups", "GroupId"),
        "rules": _ids(
            ec2, "describe_security_group_rules", "SecurityGroupRules", "SecurityGroupRuleId"
        ),
        "endpoints": [
            endpoint["VpcEndpointId"]
            for endpoint in ec2.describe_vpc_endpoints()["VpcEndpoints"]
            if endpoint["State"] != "deleted"
        ],
        "flow logs": _ids(ec2, "describe_flow_logs", "FlowLogs", "FlowLogId"),
        "prefix lists": [
            prefix_list["PrefixListId"]
            for prefix_list in ec2.describe_managed_prefix_lists()["PrefixLists"]
            if prefix_list["OwnerId"] != "aws"
        ],
        "users": _ids(iam, "list_users", "Users", "UserId"),
        "roles": _ids(iam, "list_roles", "Roles", "RoleId"),
        "profiles": _ids(iam, "list_instance_profiles", "InstanceProfiles", "InstanceProfileId"),
        "policies": [
            policy["Arn"]
            for page in iam.get_paginator("list_policies").paginate(Scope="Local")
            for policy in page["Policies"]
        ],
        "log groups": _ids(logs, "describe_log_groups", "logGroups", "logGroupName"),
    }
    return {kind: sorted(ids) for kind, ids in listed.items()}


def _ids(client: Any, operation: str, kind: str, key: str) -> list[str]:
    pages = client.get_paginator(operation).paginate()
    return [item[key] for page in pages for item in page[kind]]


def tags(tagged: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tagged.get("Tags", [])}


def launch_tagged(client: Client) -> None:
    """Launch an instance with the project's tags outside the stack, so that AWS knows its tags."""
    ec2 = client("ec2")
    image = ec2.register_image(Name="tagged", RootDeviceName="/dev/sda1")["ImageId"]
    tags = [{"Key": "Project", "Value": names.PROJECT}, {"Key": "user_id", "Value": "ann"}]
    ec2.run_instances(
        ImageId=image,
        MinCount=1,
        MaxCount=1,
        TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
    )

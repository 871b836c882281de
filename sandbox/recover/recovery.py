"""Mend a stack whose update was killed: adopt what AWS made and the state does not know.

An engine that dies between AWS's answer and its own note of it leaves a *pending create*: made
again, a name would be taken or a VPC doubled. For each, this looks the resource up by its name or
by its place in the network and lets the engine read it; the others are forgotten. `pulumi up` then
goes on where it was stopped.

"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from infra import names
from infra.aws_clients import AwsClients
from sandbox.core import output, prompts
from sandbox.core.errors import SandboxError
from sandbox.core.stack import Stack

Inputs = Mapping[str, Any]


def _vpc(aws: AwsClients, inputs: Inputs) -> str | None:
    found = aws.describe(
        "describe_vpcs",
        "Vpcs",
        {"cidr": inputs["cidrBlock"], "tag:Name": names.VPC, "tag:Project": names.PROJECT},
    )
    return _only("VpcId", found)


def _gateway(aws: AwsClients, inputs: Inputs) -> str | None:
    found = aws.describe(
        "describe_internet_gateways",
        "InternetGateways",
        {"tag:Name": names.VPC, "tag:Project": names.PROJECT},
    )
    return _only(
        "InternetGatewayId",
        [
            one
            for one in found
            if all(link["VpcId"] == inputs["vpcId"] for link in one["Attachments"])
        ],
    )


def _table(aws: AwsClients, inputs: Inputs) -> str | None:
    found = aws.describe(
        "describe_route_tables",
        "RouteTables",
        {"vpc-id": inputs["vpcId"], "tag:Name": inputs["tags"]["Name"]},
    )
    return _only("RouteTableId", found)


def _route(aws: AwsClients, inputs: Inputs) -> str | None:
    to, table = inputs["destinationCidrBlock"], inputs["routeTableId"]
    found = aws.describe("describe_route_tables", "RouteTables", {"route-table-id": table})
    there = [r for one in found for r in one["Routes"] if r.get("DestinationCidrBlock") == to]
    return f"{table}_{to}" if there else None


def _subnet(aws: AwsClients, inputs: Inputs) -> str | None:
    found = aws.describe(
        "describe_subnets",
        "Subnets",
        {"vpc-id": inputs["vpcId"], "cidr-block": inputs["cidrBlock"]},
    )
    return _only("SubnetId", found)


def _association(aws: AwsClients, inputs: Inputs) -> str | None:
    subnet, table = inputs["subnetId"], inputs["routeTableId"]
    found = aws.describe("describe_route_tables", "RouteTables", {"association.subnet-id": subnet})
    return f"{subnet}/{table}" if [one for one in found if one["RouteTableId"] == table] else None


def _endpoint(aws: AwsClients, inputs: Inputs) -> str | None:
    found = aws.describe(
        "describe_vpc_endpoints",
        "VpcEndpoints",
        {"vpc-id": inputs["vpcId"], "service-name": inputs["serviceName"]},
    )
    return _only("VpcEndpointId", [one for one in found if one["State"] != "deleted"])


def _group(aws: AwsClients, inputs: Inputs) -> str | None:
    found = aws.describe(
        "describe_security_groups",
        "SecurityGroups",
        {"vpc-id": inputs["vpcId"], "group-name": inputs["name"]},
    )
    return _only("GroupId", found)


def _rule(aws: AwsClients, inputs: Inputs, *, egress: bool) -> str | None:
    keys = {"cidrIpv4": "CidrIpv4", "cidrIpv6": "CidrIpv6", "prefixListId": "PrefixListId"}
    found = aws.describe(
        "describe_security_group_rules",
        "SecurityGroupRules",
        {"group-id": inputs["securityGroupId"]},
    )
    return _only(
        "SecurityGroupRuleId",
        [
            one
            for one in found
            if one["IsEgress"] is egress
            and one["IpProtocol"] == inputs["ipProtocol"]
            and all(one.get(theirs) == inputs.get(ours) for ours, theirs in keys.items())
        ],
    )


def _ingress(aws: AwsClients, inputs: Inputs) -> str | None:
    return _rule(aws, inputs, egress=False)


def _egress(aws: AwsClients, inputs: Inputs) -> str | None:
    return _rule(aws, inputs, egress=True)


def _prefix_list(aws: AwsClients, inputs: Inputs) -> str | None:
    found = aws.describe(
        "describe_managed_prefix_lists", "PrefixLists", {"prefix-list-name": inputs["name"]}
    )
    return _only("PrefixListId", found)


def _flow_log(aws: AwsClients, inputs: Inputs) -> str | None:
    return _only(
        "FlowLogId",
        aws.describe("describe_flow_logs", "FlowLogs", {"resource-id": inputs["vpcId"]}),
    )


def _log_group(aws: AwsClients, inputs: Inputs) -> str | None:
    name = inputs["name"]
    found = aws.list_all("logs", "describe_log_groups", "logGroups", logGroupNamePrefix=name)
    return _only("logGroupName", [one for one in found if one["logGroupName"] == name])


def _policy(aws: AwsClients, inputs: Inputs) -> str | None:
    found = aws.list_all("iam", "list_policies", "Policies", Scope="Local")
    return _only("Arn", [one for one in found if one["PolicyName"] == inputs["name"]])


def _named(operation: str, parameter: str) -> "Find":
    """IAM's own identities: their id is their name."""

    def find(aws: AwsClients, inputs: Inputs) -> str | None:
        iam = aws.iam
        try:
            getattr(iam, operation)(**{parameter: inputs["name"]})
        except iam.exceptions.NoSuchEntityException:
            return None
        return inputs["name"]

    return find


Find = Callable[[AwsClients, Inputs], str | None]
FIND: Final[Mapping[str, Find]] = {
    "aws:ec2/vpc:Vpc": _vpc,
    "aws:ec2/internetGateway:InternetGateway": _gateway,
    "aws:ec2/routeTable:RouteTable": _table,
    "aws:ec2/route:Route": _route,
    "aws:ec2/subnet:Subnet": _subnet,
    "aws:ec2/routeTableAssociation:RouteTableAssociation": _association,
    "aws:ec2/vpcEndpoint:VpcEndpoint": _endpoint,
    "aws:ec2/securityGroup:SecurityGroup": _group,
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _ingress,
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _egress,
    "aws:ec2/managedPrefixList:ManagedPrefixList": _prefix_list,
    "aws:ec2/flowLog:FlowLog": _flow_log,
    "aws:cloudwatch/logGroup:LogGroup": _log_group,
    "aws:iam/policy:Policy": _policy,
    "aws:iam/role:Role": _named("get_role", "RoleName"),
    "aws:iam/user:User": _named("get_user", "UserName"),
    "aws:iam/instanceProfile:InstanceProfile": _named(
        "get_instance_profile", "InstanceProfileName"
    ),
}
"""How to find what a pending create may have made; what is not here can be made again."""
KEY: Final = "aws:iam/accessKey:AccessKey"
GROUP: Final = "aws:ec2/securityGroup:SecurityGroup"


def recover(stack: Stack, *, yes: bool) -> None:
    """Adopt what the killed update of *stack* created; *yes* answers every question."""
    prompts.confirm(f"remove the lock of stack {stack.name}, if it has one", yes=yes)
    stack.cancel()
    exported = stack.export()
    deployment = exported["deployment"]
    pending = [
        entry["resource"]
        for entry in deployment.get("pending_operations", [])
        if entry["type"] == "creating"
    ]
    aws = stack.aws()
    adopted: list[dict[str, Any]] = []
    for resource in pending:
        resource_type, inputs = resource["type"], resource.get("inputs", {})
        if resource_type == KEY:
            _forget_key(aws, inputs["user"], _known_keys(deployment), yes=yes)
            continue
        if resource_type in FIND and (identifier := FIND[resource_type](aws, inputs)):
            output.note(f"adopting {identifier} ({resource['urn'].rsplit('::', 1)[1]})")
            adopted.append({**resource, "id": identifier})
            if resource_type == GROUP:
                _without_aws_own_rule(aws, identifier)
    # Refresh reads what has an id and no outputs as an import does. Its own flag for this,
    # --import-pending-creates, drops the operation without reading it (seen with 3.220).
    deployment["resources"] = [*deployment.get("resources", []), *adopted]
    deployment.pop("pending_operations", None)
    stack.import_deployment(exported)
    stack.refresh()
    output.note(f"stack {stack.name} is repaired; next: pulumi up --stack {stack.name}")


def _known_keys(deployment: Mapping[str, Any]) -> set[str]:
    return {one["id"] for one in deployment.get("resources", []) if one["type"] == KEY}


def _forget_key(aws: AwsClients, user: str, known: set[str], *, yes: bool) -> None:
    """Delete a key whose secret died with the engine: nobody can use it, and IAM takes only two."""
    for key in aws.iam.list_access_keys(UserName=user)["AccessKeyMetadata"]:
        key_id = key.get("AccessKeyId", "")
        if key_id in known:
            continue
        last_used = aws.iam.get_access_key_last_used(AccessKeyId=key_id)["AccessKeyLastUsed"]
        if last_used.get("LastUsedDate"):
            output.note(f"access key {key_id} of {user} stays: it is in use")
        else:
            prompts.confirm(f"delete access key {key_id} of {user}, whose secret is lost", yes=yes)
            output.note(f"deleting access key {key_id}")
            aws.iam.delete_access_key(UserName=user, AccessKeyId=key_id)


def _without_aws_own_rule(aws: AwsClients, group: str) -> None:
    """Take away the rule that AWS gives a new group, as the provider does after making one."""
    rules = aws.describe("describe_security_group_rules", "SecurityGroupRules", {"group-id": group})
    own = [r["SecurityGroupRuleId"] for r in rules if r["IsEgress"] and not r.get("Tags")]
    if own:
        aws.ec2.revoke_security_group_egress(GroupId=group, SecurityGroupRuleIds=own)


def _only(key: str, found: list[dict[str, Any]]) -> str | None:
    """The one id, or None.

    Raises:
        SandboxError: there are several, and which is the stack's cannot be told.
    """
    if len(found) > 1:
        several = ", ".join(one[key] for one in found)
        raise SandboxError(f"{several} could each be this stack's; delete the ones that are not")
    return found[0][key] if found else None

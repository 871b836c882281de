"""Mutants that widen the program's resources: a property, an ignored change, a document."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from infra import catalogue, names
from tests.policies.mutation.mutant import (
    MANAGER,
    RUN,
    SANDBOX,
    Mutant,
    Values,
    document,
    granting,
    setting,
    statement,
    with_parts,
    without,
)

ACCOUNT: Final = "123456789012"
PROPERTIES: Final = "properties-as-declared"
GRANTS: Final = "grants-as-declared"
DENIALS: Final = "denials-present"
BOUNDARY: Final[Mapping[str, Any]] = {
    "type": catalogue.POLICY.name,
    "name": "sandbox-manager-boundary",
}
INSTANCE_BOUNDARY: Final[Mapping[str, Any]] = {
    "type": catalogue.POLICY.name,
    "name": "sandbox-instance-boundary",
}
BUDGET: Final[Mapping[str, Any]] = {
    "monthly_budget_usd": 100,
    "budget_email": "owner@example.org",
}


def _first(kind: str, **values: Any) -> Mapping[str, Any]:
    return {"type": kind, "values": setting(**values)}


def _requiring(action: str, key: str, operator: str, value: object) -> Callable[[Values], object]:
    """Replace the condition on *key* in the statement for *action*."""

    def edit(content: Values) -> None:
        condition = statement(content, action, having=key)["Condition"]
        for keys in condition.values():
            keys.pop(key, None)
        condition.setdefault(operator, {})[key] = value
        for empty in [name for name, keys in condition.items() if not keys]:
            del condition[empty]

    return document(edit)


def _sid(content: Values, sid: str) -> Values:
    return next(part for part in content["Statement"] if part.get("Sid") == sid)


def _without_sid(sid: str) -> Callable[[Values], object]:
    def edit(content: Values) -> None:
        content["Statement"].remove(_sid(content, sid))

    return document(edit)


def _sid_with(sid: str, **parts: Any) -> Callable[[Values], object]:
    return document(lambda content: _sid(content, sid).update(parts))


def _narrowed(sid: str) -> Callable[[Values], object]:
    """Add a condition to a denial, which makes it almost ineffective."""

    def edit(content: Values) -> None:
        condition = _sid(content, sid).setdefault("Condition", {})
        condition["StringEquals"] = {"aws:PrincipalTag/strict": "true"}

    return document(edit)


def _in_both(action: str) -> Callable[[Values], object]:
    """Open the boundary for one more action."""

    def edit(content: Values) -> None:
        for part in content["Statement"]:
            for key in ("Action", "NotAction"):
                if part.get("Sid") in ("AtMostTheManagersWork", "NothingElseEver") and key in part:
                    part[key] = [*part[key], action]

    return document(edit)


def _trust(edit: Callable[[Values], object], name: str = "sandbox-flow-logs") -> Mapping[str, Any]:
    return {
        "type": catalogue.ROLE.name,
        "name": name,
        "values": document(edit, key="assume_role_policy"),
    }


def _trust_with(**parts: Any) -> Callable[[Values], object]:
    return lambda content: content["Statement"][0].update(parts)


def _ignoring(kind: str, key: str, name: str = "") -> Mapping[str, Any]:
    return {"type": kind, "name": name, "options": {"ignore_changes": [key]}, "alone": True}


PROPERTY_MUTANTS: Final[Mapping[str, Mutant]] = {
    "dedicated hardware": Mutant(
        rule=PROPERTIES,
        says="instanceTenancy",
        alone=True,
        **_first(catalogue.VPC.name, instance_tenancy="dedicated"),
    ),
    "no DNS in the VPC": Mutant(
        rule=PROPERTIES,
        says="enableDnsSupport",
        **_first(catalogue.VPC.name, enable_dns_support=False),
    ),
    "range from a pool": Mutant(
        rule=PROPERTIES,
        says="ipv4IpamPoolId",
        alone=True,
        **_first(catalogue.VPC.name, ipv4_ipam_pool_id="ipam-pool-1"),
    ),
    "private subnet": Mutant(
        rule=PROPERTIES,
        says="mapPublicIpOnLaunch",
        **_first(catalogue.SUBNET.name, map_public_ip_on_launch=False),
    ),
    "subnet on an outpost": Mutant(
        rule=PROPERTIES,
        says="outpostArn",
        alone=True,
        **_first(
            catalogue.SUBNET.name, outpost_arn=f"arn:aws:outposts:us-east-1:{ACCOUNT}:outpost/op-1"
        ),
    ),
    "IPv6 addresses in a subnet": Mutant(
        rule=PROPERTIES,
        says="assignIpv6AddressOnCreation",
        **_first(catalogue.SUBNET.name, assign_ipv6_address_on_creation=True),
    ),
    "routes from a VPN": Mutant(
        rule=PROPERTIES,
        says="propagatingVgws",
        **_first(catalogue.ROUTE_TABLE.name, propagating_vgws=["vgw-0aaaaaaaaaaaaaaaa"]),
    ),
    "inline route": Mutant(
        rule=PROPERTIES,
        says="routes",
        **_first(
            catalogue.ROUTE_TABLE.name,
            routes=[{"cidr_block": "10.0.0.0/16", "gateway_id": "vgw-0aaaaaaaaaaaaaaaa"}],
        ),
    ),
    "route for a part of the world": Mutant(
        rule=PROPERTIES,
        says="destinationCidrBlock",
        alone=True,
        **_first(catalogue.ROUTE.name, destination_cidr_block="10.0.0.0/16"),
    ),
    "route by a prefix list": Mutant(
        rule=PROPERTIES,
        says="destinationPrefixListId",
        alone=True,
        **_first(
            catalogue.ROUTE.name,
            destination_cidr_block=None,
            destination_prefix_list_id="pl-0aaaaaaaaaaaaaaaa",
        ),
    ),
    "gateway behind the table": Mutant(
        rule=PROPERTIES,
        says="gatewayId",
        alone=True,
        **_first(
            catalogue.ROUTE_TABLE_ASSOCIATION.name,
            subnet_id=None,
            gateway_id="igw-0aaaaaaaaaaaaaaaa",
        ),
    ),
    "endpoint with a policy": Mutant(
        rule=PROPERTIES,
        says="sandbox-vpc-s3: policy",
        **_first(
            catalogue.VPC_ENDPOINT.name,
            policy=json.dumps({"Version": "2012-10-17", "Statement": []}),
        ),
    ),
    "endpoint of another service": Mutant(
        rule=PROPERTIES,
        says="serviceName",
        alone=True,
        **_first(catalogue.VPC_ENDPOINT.name, service_name="com.amazonaws.us-east-1.dynamodb"),
    ),
    "flow log of an interface": Mutant(
        rule=PROPERTIES,
        says="eniId",
        alone=True,
        **_first(catalogue.FLOW_LOG.name, vpc_id=None, eni_id="eni-0aaaaaaaaaaaaaaaa"),
    ),
    "flow log without addresses": Mutant(
        rule=PROPERTIES,
        says="logFormat",
        alone=True,
        **_first(catalogue.FLOW_LOG.name, log_format="${version}"),
    ),
    "flow log across accounts": Mutant(
        rule=PROPERTIES,
        says="deliverCrossAccountRole",
        alone=True,
        **_first(
            catalogue.FLOW_LOG.name,
            deliver_cross_account_role="arn:aws:iam::999999999999:role/logs",
        ),
    ),
    "logs under a stranger's key": Mutant(
        rule=PROPERTIES,
        says="kmsKeyId",
        **_first(catalogue.LOG_GROUP.name, kms_key_id="arn:aws:kms:us-east-1:999999999999:key/1"),
    ),
    "logs of another class": Mutant(
        rule=PROPERTIES,
        says="logGroupClass",
        alone=True,
        **_first(catalogue.LOG_GROUP.name, log_group_class="INFREQUENT_ACCESS"),
    ),
    "group of another name": Mutant(
        rule=PROPERTIES,
        says="is not /sandbox/flow-logs",
        alone=True,
        **_first(catalogue.LOG_GROUP.name, name="/production/audit"),
    ),
    "logs for ever": Mutant(
        rule="log-retention-as-configured",
        says="retentionInDays = not set",
        **_first(catalogue.LOG_GROUP.name, retention_in_days=None),
    ),
    "sessions of half a day": Mutant(
        rule=PROPERTIES,
        says="maxSessionDuration",
        type=catalogue.ROLE.name,
        name="sandbox-instance-role",
        values=setting(max_session_duration=43200),
    ),
    "key for a stranger's PGP key": Mutant(
        rule=PROPERTIES,
        says="pgpKey",
        alone=True,
        **_first(catalogue.ACCESS_KEY.name, pgp_key="keybase:stranger"),
    ),
    "user of another name": Mutant(
        rule=PROPERTIES,
        says="sandbox-manager: name",
        alone=True,
        **_first(catalogue.USER.name, name="manager"),
    ),
    "user in another path": Mutant(
        rule=PROPERTIES, says="sandbox-manager: path", **_first(catalogue.USER.name, path="/")
    ),
    "policy of another name": Mutant(
        rule=PROPERTIES,
        says="sandbox-manager-policy: name",
        alone=True,
        **MANAGER,
        values=setting(name="sandbox-manager-policy-extra"),
    ),
    "SSH to Telnet": Mutant(
        rule=PROPERTIES, says="toPort = 23", **_first(catalogue.INGRESS_RULE.name, to_port=23)
    ),
    "UDP": Mutant(
        rule=PROPERTIES,
        says="ipProtocol = udp",
        **_first(catalogue.INGRESS_RULE.name, ip_protocol="udp"),
    ),
    "egress into a group": Mutant(
        rule=PROPERTIES,
        says="referencedSecurityGroupId",
        **_first(
            catalogue.EGRESS_RULE.name,
            cidr_ipv4=None,
            referenced_security_group_id="sg-0aaaaaaaaaaaaaaaa",
        ),
    ),
    "egress by a prefix list": Mutant(
        rule=PROPERTIES,
        says="sandbox-all-outbound: prefixListId",
        **_first(catalogue.EGRESS_RULE.name, cidr_ipv4=None, prefix_list_id="pl-0aaaaaaaaaaaaaaaa"),
    ),
    "budget without a limit": Mutant(
        rule=PROPERTIES,
        says="limitAmount",
        config=BUDGET,
        fresh=True,
        **_first(catalogue.BUDGET.name, limit_amount="1000000"),
    ),
    "budget of other costs": Mutant(
        rule=PROPERTIES,
        says="costFilters",
        config=BUDGET,
        fresh=True,
        **_first(
            catalogue.BUDGET.name,
            cost_filters=[{"name": "Service", "values": ["Amazon Route 53"]}],
        ),
    ),
    "budget's action by hand": Mutant(
        rule=PROPERTIES,
        says="approvalModel",
        config=BUDGET,
        fresh=True,
        **_first(catalogue.BUDGET_ACTION.name, approval_model="MANUAL"),
    ),
    "budget's action with another policy": Mutant(
        rule=PROPERTIES,
        says="definition",
        config=BUDGET,
        fresh=True,
        **_first(
            catalogue.BUDGET_ACTION.name,
            definition={
                "iam_action_definition": {
                    "policy_arn": "arn:aws:iam::aws:policy/AdministratorAccess",
                    "users": ["sandbox-manager"],
                }
            },
        ),
    ),
    "budget's action on another user": Mutant(
        rule=PROPERTIES,
        says="definition",
        config=BUDGET,
        fresh=True,
        **_first(
            catalogue.BUDGET_ACTION.name,
            definition={
                "iam_action_definition": {
                    "policy_arn": f"arn:aws:iam::{ACCOUNT}:policy/sandbox-spending-stop",
                    "users": ["admin"],
                }
            },
        ),
    ),
    "budget's action at ten times the limit": Mutant(
        rule=PROPERTIES,
        says="actionThreshold",
        config=BUDGET,
        fresh=True,
        **_first(
            catalogue.BUDGET_ACTION.name,
            action_threshold={
                "action_threshold_type": "PERCENTAGE",
                "action_threshold_value": 1000,
            },
        ),
    ),
    "budget's role attaches any policy": Mutant(
        rule=GRANTS,
        says="iam:PolicyARN",
        config=BUDGET,
        fresh=True,
        type=catalogue.ROLE_POLICY.name,
        values=document(lambda content: content["Statement"][0].pop("Condition")),
    ),
    "stop that stops nothing": Mutant(
        rule=DENIALS,
        says="sandbox-spending-stop: policy = ec2:RunInstances",
        config=BUDGET,
        fresh=True,
        type=catalogue.POLICY.name,
        name="sandbox-spending-stop",
        values=document(
            lambda content: content["Statement"][0].update(Action="ec2:StartInstances")
        ),
    ),
}
IGNORED: Final[Mapping[str, Mutant]] = {
    f"drift ignored of {key} of {kind.rpartition(':')[2]}": Mutant(
        rule="no-ignored-changes", says="ignoreChanges", **_ignoring(kind, key)
    )
    for kind, key in (
        (catalogue.INSTANCE_PROFILE.name, "role"),
        (catalogue.ROUTE.name, "gatewayId"),
        (catalogue.ACCESS_KEY.name, "status"),
        (catalogue.FLOW_LOG.name, "trafficType"),
        (catalogue.LOG_GROUP.name, "retentionInDays"),
        (catalogue.ROLE.name, "assumeRolePolicy"),
        (catalogue.VPC.name, 'tags["Project"]'),
        (catalogue.SECURITY_GROUP.name, "*"),
    )
}
DOCUMENTS: Final[Mapping[str, Mutant]] = {
    "any instance profile": Mutant(
        rule=GRANTS,
        says="ec2:InstanceProfile",
        **MANAGER,
        values=_requiring(
            RUN,
            "ec2:InstanceProfile",
            "ArnLike",
            f"arn:aws:iam::{ACCOUNT}:instance-profile/*",
        ),
    ),
    "any instance profile, by ArnEquals": Mutant(
        rule=GRANTS,
        says="ec2:InstanceProfile",
        **MANAGER,
        values=_requiring(
            RUN, "ec2:InstanceProfile", "ArnEquals", f"arn:aws:iam::{ACCOUNT}:instance-profile/*"
        ),
    ),
    "a second instance profile": Mutant(
        rule=GRANTS,
        says="ec2:InstanceProfile",
        **MANAGER,
        values=_requiring(
            RUN,
            "ec2:InstanceProfile",
            "ArnEquals",
            [
                f"arn:aws:iam::{ACCOUNT}:instance-profile/sandbox-instance-profile",
                f"arn:aws:iam::{ACCOUNT}:instance-profile/admin",
            ],
        ),
    ),
    "any VPC": Mutant(
        rule=GRANTS,
        says="ec2:Vpc",
        **MANAGER,
        values=_requiring(RUN, "ec2:Vpc", "ArnLike", f"arn:aws:ec2:us-east-1:{ACCOUNT}:vpc/*"),
    ),
    "production's VPC": Mutant(
        rule="documents-name-own-things",
        says="names another VPC",
        **MANAGER,
        values=_requiring(
            RUN,
            "ec2:Vpc",
            "ArnEquals",
            f"arn:aws:ec2:us-east-1:{ACCOUNT}:vpc/vpc-0aaaaaaaaaaaaaaaa",
        ),
    ),
    "any owner of images": Mutant(
        rule=GRANTS,
        says="ec2:Owner",
        **MANAGER,
        values=_requiring(RUN, "ec2:Owner", "StringLike", "?*"),
    ),
    "another owner of images": Mutant(
        rule="documents-name-own-things",
        says="names another account",
        **MANAGER,
        values=_requiring(RUN, "ec2:Owner", "StringEquals", "999999999999"),
    ),
    "any purpose of images": Mutant(
        rule=GRANTS,
        says="aws:ResourceTag/Purpose",
        **MANAGER,
        values=_requiring(RUN, "aws:ResourceTag/Purpose", "StringLike", "*"),
    ),
    "an empty user_id": Mutant(
        rule=GRANTS,
        says="aws:RequestTag/user_id",
        **MANAGER,
        values=_requiring(RUN, "aws:RequestTag/user_id", "StringLike", "*"),
    ),
    "a condition that an absent key passes": Mutant(
        rule=GRANTS,
        says="ec2:MetadataHttpTokens",
        **MANAGER,
        values=_requiring(RUN, "ec2:MetadataHttpTokens", "StringEqualsIfExists", "required"),
    ),
    "a variable that is always true": Mutant(
        rule=GRANTS,
        says="ec2:InstanceProfile",
        **MANAGER,
        values=_requiring(RUN, "ec2:InstanceProfile", "StringEquals", "${ec2:InstanceProfile}"),
    ),
    "any instance type": Mutant(
        rule=GRANTS,
        says="ec2:InstanceType",
        **MANAGER,
        values=_requiring(RUN, "ec2:InstanceType", "StringLike", ["g5.*", "p5.48xlarge"]),
    ),
    "any environment's instances": Mutant(
        rule=GRANTS,
        says="aws:ResourceTag/Environment",
        **MANAGER,
        values=_requiring(
            "ec2:TerminateInstances", "aws:ResourceTag/Environment", "StringLike", "*"
        ),
    ),
    "launch in every region": Mutant(
        rule=GRANTS,
        says="arn:aws:ec2:*",
        **MANAGER,
        values=granting({"Action": RUN, "Resource": f"arn:aws:ec2:*:{ACCOUNT}:key-pair/*"}),
    ),
    "launch on every resource": Mutant(
        rule=GRANTS,
        says="on *",
        **MANAGER,
        values=granting({"Action": RUN, "Resource": "*"}),
    ),
    "launch on all but one": Mutant(
        rule=GRANTS,
        says="NotAction or NotResource",
        **MANAGER,
        values=granting({"Action": RUN, "NotResource": "arn:aws:s3:::x"}),
    ),
    "everything but IAM": Mutant(
        rule=GRANTS,
        says="NotAction or NotResource",
        **MANAGER,
        values=granting({"NotAction": "iam:*", "Resource": "*"}),
    ),
    "a new read": Mutant(
        rule=GRANTS,
        says="secretsmanager:GetSecretValue",
        **MANAGER,
        values=granting({"Action": "secretsmanager:GetSecretValue", "Resource": "*"}),
    ),
    "user data read": Mutant(
        rule=GRANTS,
        says="ec2:DescribeInstanceAttribute",
        **MANAGER,
        values=granting({"Action": "ec2:DescribeInstanceAttribute", "Resource": "*"}),
    ),
    "a read with a wildcard": Mutant(
        rule=GRANTS,
        says="ec2:Describe*",
        **MANAGER,
        values=granting({"Action": "ec2:Describe*", "Resource": "*"}),
    ),
    "spot requests": Mutant(
        rule=GRANTS,
        says="ec2:RequestSpotInstances",
        **MANAGER,
        values=granting({"Action": "ec2:RequestSpotInstances", "Resource": "*"}),
    ),
    "a document of 2008": Mutant(
        rule=GRANTS,
        says="2012-10-17",
        **MANAGER,
        values=document(lambda content: content.update(Version="2008-10-17")),
    ),
    "production's bucket read": Mutant(
        rule=GRANTS,
        says="s3:GetObject",
        **SANDBOX,
        values=granting({"Action": "s3:GetObject", "Resource": "arn:aws:s3:::production/*"}),
    ),
    "every bucket read": Mutant(
        rule=GRANTS,
        says="s3:GetObject",
        **SANDBOX,
        values=with_parts("s3:GetObject", Resource="arn:aws:s3:::*/*"),
    ),
    "results written elsewhere": Mutant(
        rule=GRANTS,
        says="s3:PutObject",
        **SANDBOX,
        values=with_parts("s3:PutObject", Resource="arn:aws:s3:::softmax-models/*"),
    ),
    "results written to a stranger": Mutant(
        rule="documents-name-own-things",
        says="names another account",
        **SANDBOX,
        values=_requiring("s3:PutObject", "s3:ResourceAccount", "StringEquals", "999999999999"),
    ),
    "results deleted": Mutant(
        rule=GRANTS,
        says="s3:DeleteObject",
        **SANDBOX,
        values=granting(
            {
                "Action": "s3:DeleteObject",
                "Resource": "arn:aws:s3:::softmax-sandbox-outputs/*",
                "Condition": {"StringEquals": {"s3:ResourceAccount": ACCOUNT}},
            }
        ),
    ),
    "others' results readable": Mutant(
        rule="results-kept-apart",
        says="is not denied on the bucket of results",
        **SANDBOX,
        values=_without_sid("KeepResultsFromOtherSandboxes"),
    ),
    "every log group": Mutant(
        rule=GRANTS,
        says="logs:PutLogEvents",
        **SANDBOX,
        values=with_parts("logs:PutLogEvents", Resource=f"arn:aws:logs:us-east-1:{ACCOUNT}:*"),
    ),
    "flow logs' role writes elsewhere": Mutant(
        rule=GRANTS,
        says="sandbox-flow-logs: policy",
        type=catalogue.POLICY.name,
        name="sandbox-flow-logs",
        values=with_parts("logs:PutLogEvents", Resource="*"),
    ),
    "terminate in both": Mutant(
        rule=GRANTS, says="ec2:CreateKeyPair", **BOUNDARY, values=_in_both("ec2:CreateKeyPair")
    ),
    "boundary without its ceiling": Mutant(
        rule=GRANTS, says="sandbox-manager-boundary", **BOUNDARY, values=_in_both("*")
    ),
    "boundary that denies nothing else": Mutant(
        rule=DENIALS,
        says="sandbox-manager-boundary: policy = Deny NotAction",
        **BOUNDARY,
        values=_sid_with("NothingElseEver", NotAction=["*"]),
    ),
    "boundary with a conditional Deny": Mutant(
        rule=DENIALS,
        says="sandbox-manager-boundary: policy = Deny NotAction",
        **BOUNDARY,
        values=_narrowed("NothingElseEver"),
    ),
    "boundary whose denial of regions is narrowed": Mutant(
        rule=DENIALS, says="ec2:Region", **BOUNDARY, values=_narrowed("NoOtherRegion")
    ),
    "boundary whose denial of keys lets all pass": Mutant(
        rule=DENIALS,
        says="kms:ViaService",
        **BOUNDARY,
        values=_sid_with(
            "NoKeyExceptThroughEc2", Condition={"StringNotLike": {"kms:ViaService": "*"}}
        ),
    ),
    "boundary whose denial turned around": Mutant(
        rule=DENIALS,
        says="ec2:Region",
        **BOUNDARY,
        values=_sid_with("NoOtherRegion", Condition={"StringEquals": {"ec2:Region": "us-east-1"}}),
    ),
    "boundary that names any image": Mutant(
        rule=GRANTS,
        says="image/*",
        **BOUNDARY,
        values=granting({"Action": RUN, "Resource": "arn:aws:ec2:us-east-1::image/*"}),
    ),
    "boundary of the flow logs without its ceiling": Mutant(
        rule=DENIALS,
        says="sandbox-flow-logs-boundary: policy = Deny NotAction",
        type=catalogue.POLICY.name,
        name="sandbox-flow-logs-boundary",
        values=_without_sid("NothingButFlowLogs"),
    ),
    "flow logs' role without a boundary": Mutant(
        rule="boundary-present",
        says="sandbox-flow-logs: permissionsBoundary",
        type=catalogue.ROLE.name,
        name="sandbox-flow-logs",
        values=setting(permissions_boundary=None),
    ),
    "boundary of the budget without its ceiling": Mutant(
        rule=DENIALS,
        says="sandbox-budget-boundary: policy = Deny NotAction",
        config=BUDGET,
        fresh=True,
        type=catalogue.POLICY.name,
        name="sandbox-budget-boundary",
        values=_without_sid("NothingButTheStop"),
    ),
    "budget's role without a boundary": Mutant(
        rule="boundary-present",
        says="sandbox-budget: permissionsBoundary",
        config=BUDGET,
        fresh=True,
        type=catalogue.ROLE.name,
        name="sandbox-budget",
        values=setting(permissions_boundary=None),
    ),
    "another image than the configured one": Mutant(
        rule="required-tags",
        says=f"tags.{names.IMAGE_TAG}",
        **_first(catalogue.USER.name, tags={names.IMAGE_TAG: "ami-0aaaaaaaaaaaaaaaa"}),
    ),
    "sandboxes' boundary without its ceiling": Mutant(
        rule=DENIALS,
        says="sandbox-instance-boundary: policy = Deny NotAction",
        **INSTANCE_BOUNDARY,
        values=_without_sid("NothingElseEver"),
    ),
    "sandboxes' boundary with every right": Mutant(
        rule=GRANTS,
        says="sandbox-instance-boundary",
        **INSTANCE_BOUNDARY,
        values=granting({"Action": "*", "Resource": "*"}),
    ),
    **{
        f"boundary without {sid}": Mutant(
            rule=DENIALS, says=key, **BOUNDARY, values=_without_sid(sid)
        )
        for sid, key in (
            ("NoOtherRegion", "ec2:Region"),
            ("NoKeyExceptThroughEc2", "kms:ViaService"),
            ("NoSessionOfAKey", "aws:TokenIssueTime"),
        )
    },
    **{
        f"{kind} without {key}": Mutant(
            rule=GRANTS, says=f"{document_name}: policy: ", **target, values=without(action, key)
        )
        for kind, document_name, target in (
            ("boundary", "sandbox-manager-boundary", BOUNDARY),
            ("policy", "sandbox-manager-policy", MANAGER),
        )
        for action, key in (
            (RUN, "ec2:Vpc"),
            (RUN, "ec2:InstanceProfile"),
            (RUN, "ec2:MetadataHttpTokens"),
            (RUN, "ec2:MetadataHttpPutResponseHopLimit"),
            (RUN, "ec2:InstanceMarketType"),
            (RUN, "ec2:Tenancy"),
            (RUN, "ec2:VolumeType"),
            (RUN, "ec2:VolumeSize"),
            (RUN, "ec2:VolumeIops"),
            (RUN, "ec2:VolumeThroughput"),
            (RUN, "aws:TagKeys"),
            (RUN, "aws:ResourceTag/Name"),
            (RUN, "aws:ResourceTag/Environment"),
            ("ec2:CreateTags", "ec2:CreateAction"),
            ("ec2:CreateTags", "aws:TagKeys"),
            ("ec2:DeleteVolume", "aws:ResourceTag/user_id"),
            ("iam:PassRole", "iam:PassedToService"),
        )
    },
    "bigger volumes": Mutant(
        rule=GRANTS,
        says="ec2:VolumeSize",
        **MANAGER,
        values=_requiring(RUN, "ec2:VolumeSize", "NumericLessThanEqualsIfExists", "16384"),
    ),
    "the spot market": Mutant(
        rule=GRANTS,
        says="ec2:InstanceMarketType",
        **MANAGER,
        values=_requiring(
            RUN, "ec2:InstanceMarketType", "StringEqualsIfExists", ["on-demand", "spot"]
        ),
    ),
    "any capacity reservation": Mutant(
        rule=GRANTS,
        says="capacity-reservation/*",
        **MANAGER,
        values=granting(
            {
                "Action": RUN,
                "Resource": f"arn:aws:ec2:us-east-1:{ACCOUNT}:capacity-reservation/*",
            }
        ),
    ),
    **{
        f"sandboxes' boundary without {sid}": Mutant(
            rule=DENIALS, says=key, **INSTANCE_BOUNDARY, values=_without_sid(sid), config=config
        )
        for sid, key, config in (
            ("NoCredentialsFromMetadataV1", "ec2:RoleDelivery", {}),
            ("NoKeyExceptThroughS3", "kms:ViaService", {}),
            ("NoStateOfInfrastructure", "tfstate", {}),
            ("NoResultsUnderACustomersKey", "customer-algorithm", {}),
            ("NoResultsUnderAStrangersKey", "aws-kms-key-id", {}),
            ("KeepResultsFromOtherSandboxes", "softmax-sandbox-outputs", {}),
            ("NoS3FromElsewhere", "aws:SourceVpc", {"instances_only_from_vpc": True}),
        )
    },
    "sandboxes' boundary with every bucket": Mutant(
        rule=GRANTS,
        says="s3:GetObject",
        **INSTANCE_BOUNDARY,
        values=with_parts("s3:GetObject", Resource="arn:aws:s3:::*"),
    ),
    "results of every instance": Mutant(
        rule=GRANTS,
        says="s3:PutObject",
        **SANDBOX,
        config={"results_per_instance": True, "s3_read_buckets": ["models"]},
        values=with_parts("s3:PutObject", Resource="arn:aws:s3:::softmax-sandbox-outputs/*"),
    ),
    "log lines in every stream": Mutant(
        rule=GRANTS,
        says="is not a resource that this document may name",
        **SANDBOX,
        config={"logs_per_instance": True},
        values=with_parts(
            "logs:PutLogEvents",
            Resource=f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws/ec2/sandbox/*",
        ),
    ),
    "log lines of instances in other VPCs": Mutant(
        rule=GRANTS,
        says="aws:Ec2InstanceSourceVpc",
        **SANDBOX,
        config={"logs_per_instance": True},
        values=without("logs:PutLogEvents", "aws:Ec2InstanceSourceVpc"),
    ),
    "every repository": Mutant(
        rule=GRANTS,
        says="repository/*",
        **SANDBOX,
        config={"ecr_repositories": ["league"]},
        values=with_parts(
            "ecr:BatchGetImage", Resource=f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/*"
        ),
    ),
    "flow logs of every account": Mutant(
        rule="trust-policy-scoped",
        says="aws:SourceAccount",
        **_trust(lambda content: content["Statement"][0].pop("Condition")),
    ),
    "flow logs of any account, by a wildcard": Mutant(
        rule="trust-policy-scoped",
        says="aws:SourceAccount",
        **_trust(_trust_with(Condition={"StringLike": {"aws:SourceAccount": "*"}})),
    ),
    "flow logs of another account": Mutant(
        rule="documents-name-own-things",
        says="names another account",
        **_trust(_trust_with(Condition={"StringEquals": {"aws:SourceAccount": "999999999999"}})),
    ),
    "a second service takes the sandboxes' role": Mutant(
        rule="trust-policy-scoped",
        says="lambda.amazonaws.com",
        **_trust(
            _trust_with(Principal={"Service": ["ec2.amazonaws.com", "lambda.amazonaws.com"]}),
            "sandbox-instance-role",
        ),
    ),
    "everyone but one takes the role": Mutant(
        rule="trust-policy-scoped",
        says="sandbox-instance-role",
        **_trust(
            lambda content: content["Statement"][0].update(
                NotPrincipal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
            ),
            "sandbox-instance-role",
        ),
    ),
    "a role that may be tagged": Mutant(
        rule="trust-policy-scoped",
        says="may do more",
        **_trust(_trust_with(Action=["sts:AssumeRole", "sts:TagSession"]), "sandbox-instance-role"),
    ),
}
MUTANTS: Final[Mapping[str, Mutant]] = {**PROPERTY_MUTANTS, **IGNORED, **DOCUMENTS}

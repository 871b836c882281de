"""The closed list of properties: what the program sets on each type of resource.

A property that is missing here is refused, so a new property needs an entry with its judgement.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from infra import catalogue, names
from policies.config import Parameters

FILE: Final = "policies/properties.py"
Accepts = Callable[[Any, Parameters], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A property whose value this list judges."""

    accepts: Accepts
    problem: str
    """What is wrong with every other value."""
    why: str = ""
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A property that names a resource of this stack, or a list of such names."""

    type: str
    key: str = "id"
    """The output of the resource that the property holds."""
    names: tuple[str, ...] = ()
    """The `name` properties that the resource may have; empty for any."""
    numbered: bool = False
    """Whether a name may have the number of a part."""
    required: bool = False

    def accepts_name(self, name: str) -> bool:
        return (
            not self.names
            or name in self.names
            or (self.numbered and any(is_part(name, known) for known in self.names))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ByRule:
    """A property that a separate rule judges; without a rule, any value is harmless."""

    rule: str = ""


Judgement = Value | Reference | ByRule
HARMLESS: Final = ByRule()


def only(*values: object, why: str = "", required: bool = False) -> Value:
    """One of these values."""
    listed = " or ".join(str(value) for value in values)
    return Value(
        accepts=lambda value, _: value in values,
        problem=f"is not {listed}",
        why=why,
        required=required,
    )


def nothing(why: str) -> Value:
    """No value at all, or an empty list."""
    return Value(accepts=lambda _value, _parameters: False, problem="must be empty", why=why)


def configured(problem: str, accepts: Accepts, *, required: bool = False) -> Value:
    """A value that follows from the stack's config."""
    return Value(accepts=accepts, problem=problem, required=required)


def is_part(name: str, policy: str) -> bool:
    """Whether *name* is the policy's name, alone or with the number of a part."""
    rest = name.removeprefix(policy)
    return name.startswith(policy) and (not rest or rest.lstrip("-").isdigit())


def is_policy_name(name: str) -> bool:
    """Whether the program has a managed policy of this name."""
    return name in POLICIES or any(is_part(name, policy) for policy in SPLIT_POLICIES)


SPLIT_POLICIES: Final = (names.MANAGER_POLICY, names.INSTANCE_POLICY)
"""A long policy is split, and its parts are numbered."""
POLICIES: Final = (
    names.MANAGER_BOUNDARY,
    names.INSTANCE_BOUNDARY,
    names.FLOW_LOGS,
    names.FLOW_LOGS_BOUNDARY,
    names.SPENDING_STOP,
    names.BUDGET_BOUNDARY,
)
BOUNDARIES: Final = {
    names.MANAGER: names.MANAGER_BOUNDARY,
    names.INSTANCE_ROLE: names.INSTANCE_BOUNDARY,
    names.FLOW_LOGS: names.FLOW_LOGS_BOUNDARY,
    names.BUDGET: names.BUDGET_BOUNDARY,
}
"""The boundary of each identity."""
ATTACHED: Final = {
    names.MANAGER: names.MANAGER_POLICY,
    names.INSTANCE_ROLE: names.INSTANCE_POLICY,
    names.FLOW_LOGS: names.FLOW_LOGS,
}
"""The policy that may be attached to each identity."""


def _role_names(parameters: Parameters) -> tuple[str, ...]:
    manager = () if parameters.manager_identity == "user" else (names.MANAGER,)
    return (*manager, names.INSTANCE_ROLE, names.FLOW_LOGS, names.BUDGET)


def _is_user_name(name: Any, parameters: Parameters) -> bool:  # noqa: ANN401 - a property
    return parameters.manager_identity == "user" and name == names.MANAGER


def _is_log_group(name: Any, parameters: Parameters) -> bool:  # noqa: ANN401 - a property
    return name in (names.FLOW_LOG_GROUP, names.instance_log_group(parameters.log_prefix))


def _stops_the_manager(definition: Any, parameters: Parameters) -> bool:  # noqa: ANN401 - a property
    action: dict[str, Any] = dict(definition.get("iamActionDefinition") or {})
    is_stop = action.pop("policyArn", "").endswith(f":policy/{names.SPENDING_STOP}")
    key = "users" if parameters.manager_identity == "user" else "roles"
    identities = {name: value for name, value in action.items() if value}
    return (
        set(definition) == {"iamActionDefinition"}
        and is_stop
        and identities == {key: [names.MANAGER]}
    )


TRUE: Final = configured("is not true", lambda value, _: value is True)
FALSE: Final = configured("is not false", lambda value, _: value is False)
VPC_ID: Final = Reference(type=catalogue.VPC.name, required=True)
TABLE_ID: Final = Reference(type=catalogue.ROUTE_TABLE.name, required=True)
GROUP_ID: Final = Reference(
    type=catalogue.SECURITY_GROUP.name, names=(names.SECURITY_GROUP,), required=True
)
PREFIX_LISTS: Final = tuple(f"{names.SSH_PREFIX_LIST}-ipv{version}" for version in (4, 6))
"""More ranges than a list takes are several lists, which are numbered."""
NO_DEFAULT_RULES: Final = nothing("An instance without a security group gets the default one.")
SSH_ONLY: Final = "Researchers need SSH only."
INLINE_RULES: Final = nothing("Inline rules hide from the rules for separate ones.")
COMMON: Final[Mapping[str, Judgement]] = {
    "region": ByRule(rule="configured-region"),
    "tags": ByRule(rule="required-tags"),
    "tagsAll": ByRule(rule="required-tags"),
    "description": HARMLESS,
}
PROPERTIES: Final[Mapping[str, Mapping[str, Judgement]]] = {
    catalogue.VPC.name: {
        "cidrBlock": ByRule(rule="vpc-cidr-as-configured"),
        "enableDnsHostnames": TRUE,
        "enableDnsSupport": TRUE,
        "enableNetworkAddressUsageMetrics": HARMLESS,
        "instanceTenancy": only("default", why="Dedicated hardware costs more."),
        "assignGeneratedIpv6CidrBlock": FALSE,
    },
    catalogue.SUBNET.name: {
        "vpcId": VPC_ID,
        "availabilityZone": ByRule(rule="configured-region"),
        "cidrBlock": ByRule(rule="subnet-inside-vpc"),
        "mapPublicIpOnLaunch": TRUE,
    },
    catalogue.INTERNET_GATEWAY.name: {"vpcId": VPC_ID},
    catalogue.ROUTE_TABLE.name: {
        "vpcId": VPC_ID,
        "routes": nothing("Routes are separate resources, which the rules check."),
        "propagatingVgws": nothing("A VPN would add routes by itself."),
    },
    catalogue.ROUTE.name: {
        "routeTableId": TABLE_ID,
        "destinationCidrBlock": only("0.0.0.0/0", required=True),
        "gatewayId": Reference(type=catalogue.INTERNET_GATEWAY.name, required=True),
    },
    catalogue.ROUTE_TABLE_ASSOCIATION.name: {
        "routeTableId": TABLE_ID,
        "subnetId": Reference(type=catalogue.SUBNET.name, required=True),
    },
    catalogue.VPC_ENDPOINT.name: {
        "vpcId": VPC_ID,
        "routeTableIds": TABLE_ID,
        "vpcEndpointType": only(
            "Gateway", why="An interface endpoint can lead to a service of another account."
        ),
        "serviceName": configured(
            "is not S3 in sandbox:region",
            lambda value, parameters: value == f"com.amazonaws.{parameters.region}.s3",
        ),
    },
    catalogue.DEFAULT_SECURITY_GROUP.name: {
        "vpcId": VPC_ID,
        "ingress": NO_DEFAULT_RULES,
        "egress": NO_DEFAULT_RULES,
        "revokeRulesOnDelete": HARMLESS,
    },
    catalogue.SECURITY_GROUP.name: {
        "vpcId": VPC_ID,
        "name": only(names.SECURITY_GROUP, required=True),
        "description": ByRule(rule="security-group-rules-described"),
        "ingress": INLINE_RULES,
        "egress": INLINE_RULES,
        "revokeRulesOnDelete": HARMLESS,
    },
    catalogue.INGRESS_RULE.name: {
        "securityGroupId": GROUP_ID,
        "description": ByRule(rule="security-group-rules-described"),
        "ipProtocol": only("tcp", "6", why=SSH_ONLY, required=True),
        "fromPort": only(22, why=SSH_ONLY, required=True),
        "toPort": only(22, why=SSH_ONLY, required=True),
        "cidrIpv4": ByRule(rule="ssh-from-configured-networks"),
        "cidrIpv6": ByRule(rule="ssh-from-configured-networks"),
        "prefixListId": Reference(
            type=catalogue.PREFIX_LIST.name, names=PREFIX_LISTS, numbered=True
        ),
    },
    catalogue.EGRESS_RULE.name: {
        "securityGroupId": GROUP_ID,
        "description": ByRule(rule="security-group-rules-described"),
        "ipProtocol": ByRule(rule="egress-as-configured"),
        "fromPort": ByRule(rule="egress-as-configured"),
        "toPort": ByRule(rule="egress-as-configured"),
        "cidrIpv4": ByRule(rule="egress-as-configured"),
        "cidrIpv6": ByRule(rule="egress-as-configured"),
    },
    catalogue.PREFIX_LIST.name: {
        "name": configured(
            f"is not {' or '.join(PREFIX_LISTS)}, alone or with a number",
            lambda name, _: any(is_part(str(name), known) for known in PREFIX_LISTS),
            required=True,
        ),
        "addressFamily": only("IPv4", "IPv6"),
        "maxEntries": HARMLESS,
        "entries": ByRule(rule="ssh-from-configured-networks"),
    },
    catalogue.FLOW_LOG.name: {
        "vpcId": VPC_ID,
        "trafficType": only(
            "ALL", why="Rejected traffic shows an attack, accepted its success.", required=True
        ),
        "logDestination": Reference(
            type=catalogue.LOG_GROUP.name, key="arn", names=(names.FLOW_LOG_GROUP,), required=True
        ),
        "logDestinationType": only("cloud-watch-logs"),
        "iamRoleArn": Reference(
            type=catalogue.ROLE.name, key="arn", names=(names.FLOW_LOGS,), required=True
        ),
        "maxAggregationInterval": only(60, 600),
    },
    catalogue.LOG_GROUP.name: {
        "name": configured(
            f"is not {names.FLOW_LOG_GROUP} or a group below sandbox:log_prefix",
            _is_log_group,
            required=True,
        ),
        "retentionInDays": ByRule(rule="log-retention-as-configured"),
        "logGroupClass": only("STANDARD"),
        "skipDestroy": HARMLESS,
        "deletionProtectionEnabled": HARMLESS,
    },
    catalogue.USER.name: {
        "name": configured(
            f"is not {names.MANAGER}, or sandbox:manager_identity is not user",
            _is_user_name,
            required=True,
        ),
        "path": configured(
            "is not sandbox:manager_path",
            lambda value, parameters: value == parameters.manager_path,
            required=True,
        ),
        "permissionsBoundary": ByRule(rule="boundary-matches-identity"),
        "forceDestroy": HARMLESS,
    },
    catalogue.ROLE.name: {
        "name": configured(
            "is not a role of this program",
            lambda value, parameters: value in _role_names(parameters),
            required=True,
        ),
        "path": only("/", names.MANAGER_PATH),
        "assumeRolePolicy": ByRule(rule="trust-policy-scoped"),
        "permissionsBoundary": ByRule(rule="boundary-matches-identity"),
        "maxSessionDuration": only(3600),
        "forceDetachPolicies": HARMLESS,
        "inlinePolicies": nothing("Attach a managed policy, which the account lists."),
        "managedPolicyArns": nothing("AWS can widen its own policies at any time."),
    },
    catalogue.POLICY.name: {
        "name": configured(
            "is not a policy of this program",
            lambda value, _: isinstance(value, str) and is_policy_name(value),
            required=True,
        ),
        "path": only("/"),
        "policy": ByRule(rule="grants-as-declared"),
        "delayAfterPolicyCreationInMs": HARMLESS,
    },
    catalogue.ROLE_POLICY.name: {
        "name": only(names.BUDGET),
        "role": Reference(
            type=catalogue.ROLE.name, key="name", names=(names.BUDGET,), required=True
        ),
        "policy": ByRule(rule="grants-as-declared"),
    },
    catalogue.ROLE_POLICY_ATTACHMENT.name: {
        "role": ByRule(rule="attachments-between-own"),
        "policyArn": ByRule(rule="attachments-between-own"),
    },
    catalogue.USER_POLICY_ATTACHMENT.name: {
        "user": ByRule(rule="attachments-between-own"),
        "policyArn": ByRule(rule="attachments-between-own"),
    },
    catalogue.INSTANCE_PROFILE.name: {
        "name": only(names.INSTANCE_PROFILE, required=True),
        "path": only("/"),
        "role": Reference(
            type=catalogue.ROLE.name, key="name", names=(names.INSTANCE_ROLE,), required=True
        ),
    },
    catalogue.ACCESS_KEY.name: {
        "user": Reference(
            type=catalogue.USER.name, key="name", names=(names.MANAGER,), required=True
        ),
        "status": only("Active", "Inactive"),
    },
    catalogue.COST_ALLOCATION_TAG.name: {
        "status": only("Active"),
        "tagKey": only(names.USER_TAG, names.PROJECT_TAG),
    },
    catalogue.BUDGET.name: {
        "name": only(names.BUDGET, required=True),
        "budgetType": only("COST", required=True),
        "timeUnit": only("MONTHLY", required=True),
        "timePeriodEnd": only("2087-06-15_00:00"),
        "limitAmount": configured(
            "is not sandbox:monthly_budget_usd",
            lambda value, parameters: float(value) == parameters.monthly_budget_usd,
            required=True,
        ),
        "limitUnit": only("USD", required=True),
        "costFilters": only(
            [{"name": "TagKeyValue", "values": [f"user:Project${names.PROJECT}"]}], required=True
        ),
    },
    catalogue.BUDGET_ACTION.name: {
        "budgetName": Reference(type=catalogue.BUDGET.name, key="name", required=True),
        "actionType": only("APPLY_IAM_POLICY", required=True),
        "approvalModel": only("AUTOMATIC", why="A person may be asleep.", required=True),
        "notificationType": only("ACTUAL", required=True),
        "actionThreshold": only(
            {"actionThresholdType": "PERCENTAGE", "actionThresholdValue": 100}, required=True
        ),
        "definition": configured(
            f"does not attach {names.SPENDING_STOP} to the manager alone",
            _stops_the_manager,
            required=True,
        ),
        "executionRoleArn": Reference(
            type=catalogue.ROLE.name, key="arn", names=(names.BUDGET,), required=True
        ),
        "subscribers": configured(
            "is not sandbox:budget_email",
            lambda value, parameters: (
                value == [{"subscriptionType": "EMAIL", "address": parameters.budget_email}]
            ),
        ),
    },
    catalogue.STASH.name: {"input": HARMLESS},
}
"""By type; `COMMON` holds for every type too."""

PROVIDER: Final = "pulumi:providers:aws"
PROVIDER_NAME: Final = "aws"
"""The one provider of AWS resources."""
BUILT_IN_PROVIDER: Final = "pulumi:providers:pulumi"
"""The engine's own provider, for the destroy guard; it creates nothing in AWS."""
PROVIDER_PROPERTIES: Final = frozenset(
    {
        "allowedAccountIds",
        "defaultTags",
        "region",
        "skipCredentialsValidation",
        "skipMetadataApiCheck",
        "skipRegionValidation",
        "version",
    }
)
"""The provider's allowed properties, none of which can lead to another account or hide changes."""
DRIFT_PROPERTIES: Final = frozenset({"description"})
"""Properties whose changes by hand ignoreChanges may hide."""


def judgement(resource_type: str, key: str) -> Judgement | None:
    """The judgement of a property of a type of the catalogue; None if the list lacks it."""
    return PROPERTIES.get(resource_type, {}).get(key) or COMMON.get(key)

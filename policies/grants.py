"""The closed list of permissions: what each document of the program may allow and must deny.

An action, a resource or a wider condition that is missing here is refused. The list repeats the
statements of `infra/permissions` on purpose: a permission changes only if both files change.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from infra import names
from policies.config import Parameters

FILE: Final = "policies/grants.py"
ANY: Final = r"\*"
ACCOUNT: Final = r"\d{12}"
ARN: Final = r"arn:aws(?:-cn|-us-gov)?"
PROFILE: Final = rf"{ARN}:iam::{ACCOUNT}:instance-profile/{names.INSTANCE_PROFILE}"
VPC: Final = rf"{ARN}:ec2:[a-z0-9-]+:{ACCOUNT}:vpc/vpc-[0-9a-f]{{8,17}}"
NOT_EMPTY: Final = r"\?\*"
EXCEPT: Final = frozenset({"StringNotEquals", "StringNotLike", "ArnNotEquals", "ArnNotLike"})
"""Operators that match if the key has another value, or none."""
Keys = Mapping[str, str]
"""By condition key, the pattern of the values that a statement may accept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Actions that a document may allow on a resource, under conditions at least this narrow."""

    actions: tuple[str, ...]
    on: str = ANY
    """The pattern of the resource's ARN, as the statement writes it."""
    when: Keys = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """An action that a document must deny on a resource, except where a key has a value."""

    action: str
    on: str
    """An ARN that the denial must reach."""
    key: str = ""
    value: str = ""
    """The pattern of the value."""
    operators: frozenset[str] = EXCEPT


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Who may take on a role, under conditions at least this narrow."""

    kind: str
    principal: str
    actions: tuple[str, ...] = ("sts:AssumeRole",)
    when: Keys = field(default_factory=dict[str, str])


RUN: Final = "ec2:RunInstances"
CONTROL: Final = tuple(
    f"ec2:{action}"
    for action in (
        "StartInstances",
        "StopInstances",
        "RebootInstances",
        "TerminateInstances",
        "GetConsoleOutput",
    )
)
READS: Final = tuple(
    f"ec2:Describe{things}"
    for things in (
        "AvailabilityZones",
        "Images",
        "InstanceStatus",
        "InstanceTypeOfferings",
        "InstanceTypes",
        "Instances",
        "KeyPairs",
        "SecurityGroups",
        "Subnets",
        "Tags",
        "Volumes",
        "Vpcs",
    )
)
COSTS: Final = ("ce:GetCostAndUsage", "ce:GetCostForecast", "ce:GetTags")
PASS_ROLE: Final = "iam:PassRole"  # noqa: S105 - an action
LIST_BUCKET: Final = ("s3:ListBucket", "s3:GetBucketLocation")
WRITE_RESULTS: Final = ("s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts")
REGISTRY: Final = "ecr:GetAuthorizationToken"
PULL: Final = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
)
WRITE_LOGS: Final = ("logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents")
CEILINGS: Final[Mapping[str, tuple[str, ...]]] = {
    names.MANAGER_BOUNDARY: (
        *(RUN, "ec2:CreateTags", *CONTROL, *READS, *COSTS, PASS_ROLE),
        *(f"kms:{action}" for action in ("CreateGrant", "Decrypt", "DescribeKey")),
        *("kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo"),
    ),
    names.INSTANCE_BOUNDARY: (
        *(*LIST_BUCKET, "s3:GetObject", *WRITE_RESULTS, REGISTRY, *PULL, *WRITE_LOGS),
        *("kms:Decrypt", "kms:GenerateDataKey"),
    ),
}
"""What each boundary leaves room for; it must deny every other action."""


def grants(document: str, parameters: Parameters) -> tuple[Grant, ...]:
    """What the document of this name may allow; a split policy has one name for all its parts."""
    if document in CEILINGS:
        return (Grant(actions=CEILINGS[document]),)
    table = {
        names.MANAGER_POLICY: _manager,
        names.INSTANCE_POLICY: _instances,
        names.FLOW_LOGS: _flow_logs,
        names.BUDGET: _budget,
    }
    return table[document](parameters) if document in table else ()


def denials(document: str, parameters: Parameters) -> tuple[Denial, ...]:
    """What the document of this name must deny, besides everything above its ceiling."""
    table = {
        names.MANAGER_BOUNDARY: _manager_boundary,
        names.INSTANCE_BOUNDARY: _instance_boundary,
        names.SPENDING_STOP: _spending_stop,
    }
    return table[document](parameters) if document in table else ()


def trusted(role: str, parameters: Parameters) -> tuple[Trust, ...]:
    """Who may take on the role of this name."""
    own_account = {"aws:SourceAccount": ACCOUNT}
    table = {
        names.INSTANCE_ROLE: Trust(kind="Service", principal="ec2.amazonaws.com"),
        names.FLOW_LOGS: Trust(
            kind="Service", principal="vpc-flow-logs.amazonaws.com", when=own_account
        ),
        names.BUDGET: Trust(kind="Service", principal="budgets.amazonaws.com", when=own_account),
    }
    match parameters.manager_identity:
        case "irsa":
            table[names.MANAGER] = _irsa(parameters)
        case "pod-identity":
            table[names.MANAGER] = _pod_identity(parameters)
        case _:  # a user has no trust policy
            pass
    return (table[role],) if role in table else ()


def _ec2(kind: str, parameters: Parameters) -> str:
    return rf"{ARN}:ec2:{parameters.region}:{ACCOUNT}:{kind}/[\w*-]+"


def _tags(prefix: str, parameters: Parameters) -> dict[str, str]:
    return {
        f"{prefix}/Project": names.PROJECT,
        f"{prefix}/Environment": re.escape(parameters.environment),
    }


def _manager(parameters: Parameters) -> tuple[Grant, ...]:
    tags = {**_tags("aws:RequestTag", parameters), f"aws:RequestTag/{names.USER_TAG}": NOT_EMPTY}
    instance = _ec2("instance", parameters)
    launches = {
        instance: {
            **tags,
            "ec2:InstanceProfile": PROFILE,
            "ec2:InstanceType": _one_of(parameters.launchable_types),
            "ec2:MetadataHttpTokens": "required",
        },
        _ec2("volume", parameters): {**tags, "ec2:Encrypted": "true"},
        _ec2("(?:subnet|security-group|network-interface)", parameters): {"ec2:Vpc": VPC},
        rf"{ARN}:ec2:{parameters.region}::image/\*": {
            "ec2:Owner": ACCOUNT,
            "aws:ResourceTag/Project": names.PROJECT,
            "aws:ResourceTag/Purpose": names.IMAGE_PURPOSE,
        },
        _ec2("key-pair", parameters): {},
    }
    if parameters.sandbox_ami_id:
        launches[rf"{ARN}:ec2:{parameters.region}::image/{parameters.sandbox_ami_id}"] = {}
    return (
        *(Grant(actions=(RUN,), on=on, when=when) for on, when in launches.items()),
        Grant(
            actions=("ec2:CreateTags",),
            on=_ec2("(?:instance|volume|network-interface)", parameters),
            when={"ec2:CreateAction": "RunInstances"},
        ),
        Grant(
            actions=CONTROL,
            on=instance,
            when={"ec2:InstanceProfile": PROFILE, **_tags("aws:ResourceTag", parameters)},
        ),
        Grant(actions=READS, when={"ec2:Region": parameters.region}),
        Grant(actions=COSTS),
        Grant(
            actions=(PASS_ROLE,),
            on=rf"{ARN}:iam::{ACCOUNT}:role/{names.INSTANCE_ROLE}",
            when={"iam:PassedToService": r"ec2\.amazonaws\.com"},
        ),
    )


def _instances(parameters: Parameters) -> tuple[Grant, ...]:
    own = {"s3:ResourceAccount": ACCOUNT}
    output = re.escape(parameters.s3_output_bucket)
    readable = _one_of((*parameters.s3_read_buckets, *parameters.readable_results))
    region = f"{parameters.region}:{ACCOUNT}"
    groups = re.escape(parameters.log_prefix)
    return (
        Grant(actions=LIST_BUCKET, on=rf"{ARN}:s3:::{readable}", when=own),
        Grant(actions=("s3:GetObject",), on=rf"{ARN}:s3:::{readable}/\*", when=own),
        Grant(actions=WRITE_RESULTS, on=rf"{ARN}:s3:::{output}/\*", when=own),
        Grant(actions=(REGISTRY,)),
        Grant(actions=PULL, on=rf"{ARN}:ecr:{region}:repository/.+"),
        Grant(actions=WRITE_LOGS, on=rf"{ARN}:logs:{region}:log-group:{groups}\*"),
    )


def _flow_logs(parameters: Parameters) -> tuple[Grant, ...]:
    group = rf"{ARN}:logs:{parameters.region}:{ACCOUNT}:log-group:{names.FLOW_LOG_GROUP}(?::\*)?"
    return (
        Grant(actions=WRITE_LOGS, on=group),
        Grant(actions=("logs:DescribeLogGroups",)),
    )


def _budget(parameters: Parameters) -> tuple[Grant, ...]:
    kind = "User" if parameters.manager_identity == "user" else "Role"
    manager = f"{kind.lower()}{names.MANAGER_PATH}{names.MANAGER}"
    return (
        Grant(
            actions=(f"iam:Attach{kind}Policy", f"iam:Detach{kind}Policy"),
            on=rf"{ARN}:iam::{ACCOUNT}:{manager}",
            when={"iam:PolicyARN": rf"{ARN}:iam::{ACCOUNT}:policy/{names.SPENDING_STOP}"},
        ),
    )


def _manager_boundary(parameters: Parameters) -> tuple[Denial, ...]:
    arn = f"arn:{parameters.partition}"
    instance = f"{arn}:ec2:any:account:instance/any"
    role = f"{arn}:iam::account:role"
    region = re.escape(parameters.region)
    return (
        *(
            Denial(action=action, on="*", key="aws:RequestedRegion", value=region)
            for action in (RUN, *CONTROL, *READS)
        ),
        *(
            Denial(action=RUN, on=f"{arn}:ec2:any:account:{kind}/any", key="ec2:Vpc", value=VPC)
            for kind in ("subnet", "security-group", "network-interface")
        ),
        *(
            Denial(action=action, on=instance, key="ec2:InstanceProfile", value=PROFILE)
            for action in (RUN, *CONTROL)
        ),
        Denial(action=RUN, on=instance, key="ec2:MetadataHttpTokens", value="required"),
        Denial(action="ec2:CreateTags", on=instance, key="ec2:CreateAction", value="RunInstances"),
        Denial(action=PASS_ROLE, on=f"{role}/another"),
        Denial(
            action=PASS_ROLE,
            on=f"{role}/{names.INSTANCE_ROLE}",
            key="iam:PassedToService",
            value=r"ec2\.amazonaws\.com",
        ),
        Denial(
            action="kms:Decrypt",
            on="*",
            key="kms:ViaService",
            value=rf"ec2\.{region}\.amazonaws\.com",
        ),
    )


def _instance_boundary(_: Parameters) -> tuple[Denial, ...]:
    service = re.escape("s3.*.amazonaws.com")
    return (
        Denial(action="kms:Decrypt", on="*", key="kms:ViaService", value=service),
        Denial(
            action="s3:GetObject",
            on="*",
            key="ec2:RoleDelivery",
            value=r"2\.0",
            operators=frozenset({"NumericLessThan"}),
        ),
    )


def _spending_stop(_: Parameters) -> tuple[Denial, ...]:
    return tuple(Denial(action=action, on="*") for action in (RUN, "ec2:StartInstances"))


def _irsa(parameters: Parameters) -> Trust:
    issuer = parameters.oidc_provider_arn.partition(":oidc-provider/")[2]
    account = parameters.service_account.replace("/", ":")
    return Trust(
        kind="Federated",
        principal=parameters.oidc_provider_arn,
        actions=("sts:AssumeRoleWithWebIdentity",),
        when={
            f"{issuer}:sub": re.escape(f"system:serviceaccount:{account}"),
            f"{issuer}:aud": r"sts\.amazonaws\.com",
        },
    )


def _pod_identity(parameters: Parameters) -> Trust:
    namespace, _, name = parameters.service_account.partition("/")
    return Trust(
        kind="Service",
        principal="pods.eks.amazonaws.com",
        actions=("sts:AssumeRole", "sts:TagSession"),
        when={
            "aws:RequestTag/kubernetes-namespace": re.escape(namespace),
            "aws:RequestTag/kubernetes-service-account": re.escape(name),
        },
    )


def _one_of(texts: Iterable[str]) -> str:
    return f"(?:{'|'.join(re.escape(text) for text in texts)})"

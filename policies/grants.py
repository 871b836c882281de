"""The closed list of permissions that each document of the program may allow and must deny.

Other actions, other resources and wider conditions are refused. The list repeats the statements of
`infra/permissions` on purpose: a permission changes only if both files change.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from infra import names
from policies.config import Parameters

FILE: Final = "policies/grants.py"
ANY: Final = r"\*"
ACCOUNT: Final = r"\d{12}"
ARN: Final = r"arn:aws(?:-cn|-us-gov)?"
PROFILE: Final = rf"{ARN}:iam::{ACCOUNT}:instance-profile/{names.INSTANCE_PROFILE}"
VPC_ID: Final = "vpc-[0-9a-f]{8,17}"
VPC: Final = rf"{ARN}:ec2:[a-z0-9-]+:{ACCOUNT}:vpc/{VPC_ID}"
OWN_BUCKETS: Final = {"s3:ResourceAccount": ACCOUNT}
MAX_HOPS: Final = "2"
MAX_IOPS: Final = "16000"
MAX_THROUGHPUT: Final = "1000"
LAUNCH_TAGS: Final = ("Environment", "Project", "Purpose", names.USER_TAG)
"""The tags that every launch may set."""
NOT_EMPTY: Final = r"\?\*"
EXCEPT: Final = frozenset({"StringNotEquals", "StringNotLike", "ArnNotEquals", "ArnNotLike"})
"""Operators that match if the key has another value or is absent."""
EQUAL: Final = frozenset({"StringEquals", "StringEqualsIfExists"})
AT_MOST: Final = frozenset({"NumericLessThanEquals", "NumericLessThanEqualsIfExists"})
NULL: Final = frozenset({"Null"})
Keys = Mapping[str, str]
"""The pattern of the values that a statement may accept, by condition key."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition: one of these operators on a key, with values that match a pattern."""

    key: str
    pattern: str
    operators: frozenset[str] = EXCEPT


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Actions that a document may allow on a resource, under conditions at least this narrow."""

    actions: tuple[str, ...]
    on: str = ANY
    """The pattern of the resource's ARN, as the statement writes it."""
    when: Keys = field(default_factory=dict[str, str])
    limits: tuple[Condition, ...] = ()
    """Conditions that hold without the key, or whose key has many values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """An action that a document must deny on a resource, whenever *when* holds."""

    action: str
    on: str
    """An ARN that the denial must reach."""
    when: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Who may assume a role, under conditions at least this narrow."""

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
        "GetConsoleScreenshot",
    )
)
READS: Final = tuple(
    f"ec2:Describe{resources}"
    for resources in (
        "AvailabilityZones",
        "Images",
        "InstanceStatus",
        "InstanceTypeOfferings",
        "InstanceTypes",
        "Instances",
        "KeyPairs",
        "NetworkInterfaces",
        "SecurityGroups",
        "Subnets",
        "Tags",
        "Volumes",
        "Vpcs",
    )
)
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
VOLUME_KEYS: Final = (
    *(f"kms:{action}" for action in ("CreateGrant", "Decrypt", "DescribeKey")),
    *("kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo"),
)
TAG: Final = "ec2:CreateTags"
DELETE_VOLUME: Final = "ec2:DeleteVolume"
PASS_ROLE: Final = "iam:PassRole"  # noqa: S105 - an action
LIST_BUCKET: Final = ("s3:ListBucket", "s3:GetBucketLocation")
WRITE_RESULTS: Final = ("s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts")
REGISTRY: Final = "ecr:GetAuthorizationToken"
PULL: Final = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
)
KEEP_STREAMS: Final = ("logs:CreateLogStream", "logs:DescribeLogStreams")
WRITE_LINES: Final = "logs:PutLogEvents"
WRITE_LOGS: Final = (*KEEP_STREAMS, WRITE_LINES)
LIST_LOG_GROUPS: Final = "logs:DescribeLogGroups"
OBJECT_KEYS: Final = ("kms:Decrypt", "kms:GenerateDataKey")
OWN_PREFIX: Final = "${aws:userid}"
"""The prefix of an instance in the bucket of results."""
OWN_STREAMS: Final = "${aws:Ec2InstanceSourcePrivateIPv4}/*"
"""The log streams of an instance."""
CONFIGURED_IMAGE: Final = f"${{aws:PrincipalTag/{names.IMAGE_TAG}}}"
"""The tag of the manager that names the configured image for its boundary."""
LONG_LISTS: Final = 2_100
"""The characters of bucket and repository ARNs for which every sandbox boundary has room."""
STATE: Final = ("any.tfstate", "any/.pulumi/any")
"""Paths of objects that hold the state of infrastructure."""


def ceiling(document: str, parameters: Parameters) -> tuple[str, ...]:
    """The actions below the ceiling of a boundary, which must deny all others; else empty."""
    table = {
        names.MANAGER_BOUNDARY: (
            *(RUN, TAG, DELETE_VOLUME, *CONTROL, *READS, *COSTS, *FACTS, PASS_ROLE, *VOLUME_KEYS),
        ),
        names.INSTANCE_BOUNDARY: (
            *(*LIST_BUCKET, "s3:GetObject", *WRITE_RESULTS, REGISTRY, *PULL, *WRITE_LOGS),
            *OBJECT_KEYS,
        ),
        names.FLOW_LOGS_BOUNDARY: (*WRITE_LOGS, LIST_LOG_GROUPS),
        names.BUDGET_BOUNDARY: _attachment_actions(parameters),
    }
    return table.get(document, ())


def grants(document: str, parameters: Parameters) -> tuple[Grant, ...]:
    """The grants of the document of this name; a split policy has one name for all parts.

    A boundary allows what the policy allows, so an attached policy adds nothing.
    """
    table = {
        names.MANAGER_POLICY: _manager,
        names.MANAGER_BOUNDARY: _manager_room,
        names.INSTANCE_POLICY: _instances,
        names.INSTANCE_BOUNDARY: _instance_room,
        names.FLOW_LOGS: _flow_logs,
        names.FLOW_LOGS_BOUNDARY: _flow_logs,
        names.BUDGET: _budget,
        names.BUDGET_BOUNDARY: _budget,
    }
    return table[document](parameters) if document in table else ()


def denials(document: str, parameters: Parameters) -> tuple[Denial, ...]:
    """The denials of the document of this name, besides everything above its ceiling."""
    table = {
        names.MANAGER_BOUNDARY: _manager_boundary,
        names.INSTANCE_BOUNDARY: _instance_boundary,
        names.SPENDING_STOP: _spending_stop,
    }
    return tuple(table[document](parameters)) if document in table else ()


def trusted(role: str, parameters: Parameters) -> tuple[Trust, ...]:
    """Who may assume the role of this name."""
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
    return (
        *_changes(parameters, parameters.sandbox_ami_id),
        Grant(actions=READS, when={"ec2:Region": parameters.region}),
        Grant(actions=COSTS),
        Grant(actions=FACTS),
    )


def _manager_room(parameters: Parameters) -> tuple[Grant, ...]:
    return (
        *_changes(parameters, re.escape(CONFIGURED_IMAGE)),
        Grant(actions=("ec2:Describe*", "ce:Get*", *FACTS, *VOLUME_KEYS)),
    )


def _changes(parameters: Parameters, image: str) -> tuple[Grant, ...]:
    """Launches, and the control of the launched instances."""
    user = {f"aws:RequestTag/{names.USER_TAG}": NOT_EMPTY}
    tags = {**_tags("aws:RequestTag", parameters), **user}
    own_tags = _tags("aws:ResourceTag", parameters)
    instance = _ec2("instance", parameters)
    images = rf"{ARN}:ec2:{parameters.region}::image"
    return (
        *_launches_of_instances_and_volumes(parameters, tags),
        Grant(
            actions=(RUN,),
            on=_ec2("(?:subnet|security-group)", parameters),
            when={
                "ec2:Vpc": VPC,
                "aws:ResourceTag/Name": _one_of((names.SUBNET, names.SECURITY_GROUP)),
            },
        ),
        Grant(actions=(RUN,), on=_ec2("network-interface", parameters), when={"ec2:Vpc": VPC}),
        Grant(
            actions=(RUN,),
            on=rf"{images}/\*",
            when={
                **own_tags,
                "ec2:Owner": ACCOUNT,
                "aws:ResourceTag/Purpose": names.IMAGE_PURPOSE,
            },
        ),
        *((Grant(actions=(RUN,), on=f"{images}/{image}"),) if image else ()),
        *(
            Grant(
                actions=(RUN,),
                on=rf"{ARN}:ec2:{parameters.region}:{ACCOUNT}:capacity-reservation/{re.escape(id_)}",
            )
            for id_ in parameters.capacity_reservations
        ),
        Grant(actions=(RUN,), on=_ec2("key-pair", parameters)),
        Grant(
            actions=(TAG,),
            on=_ec2("(?:instance|volume|network-interface)", parameters),
            when={"ec2:CreateAction": "RunInstances"},
            limits=(
                Condition(
                    "aws:TagKeys",
                    _one_of((*LAUNCH_TAGS, *parameters.instance_tags)),
                    frozenset({"ForAllValues:StringEquals"}),
                ),
            ),
        ),
        Grant(actions=CONTROL, on=instance, when={"ec2:InstanceProfile": PROFILE, **own_tags}),
        Grant(
            actions=(DELETE_VOLUME,),
            on=_ec2("volume", parameters),
            when={**own_tags, f"aws:ResourceTag/{names.USER_TAG}": NOT_EMPTY},
        ),
        Grant(
            actions=(PASS_ROLE,),
            on=rf"{ARN}:iam::{ACCOUNT}:role/{names.INSTANCE_ROLE}",
            when={"iam:PassedToService": r"ec2\.amazonaws\.com"},
        ),
    )


def _launches_of_instances_and_volumes(parameters: Parameters, tags: Keys) -> tuple[Grant, ...]:
    named_user = Condition("aws:TagKeys", names.USER_TAG, frozenset({"ForAnyValue:StringEquals"}))
    markets = ("on-demand", *(("capacity-block",) if parameters.capacity_reservations else ()))
    return (
        Grant(
            actions=(RUN,),
            on=_ec2("instance", parameters),
            when={
                **tags,
                "ec2:InstanceProfile": PROFILE,
                "ec2:InstanceType": _one_of(parameters.launchable_types),
                "ec2:MetadataHttpTokens": "required",
            },
            limits=(
                named_user,
                Condition("ec2:InstanceMarketType", _one_of(markets), EQUAL),
                Condition("ec2:Tenancy", "default", EQUAL),
                Condition("ec2:MetadataHttpPutResponseHopLimit", MAX_HOPS, AT_MOST),
            ),
        ),
        Grant(
            actions=(RUN,),
            on=_ec2("volume", parameters),
            when={**tags, "ec2:Encrypted": "true"},
            limits=(
                named_user,
                Condition("ec2:VolumeType", _one_of(parameters.volume_types), EQUAL),
                Condition("ec2:VolumeSize", str(parameters.max_volume_gib), AT_MOST),
                Condition("ec2:VolumeIops", MAX_IOPS, AT_MOST),
                Condition("ec2:VolumeThroughput", MAX_THROUGHPUT, AT_MOST),
            ),
        ),
    )


def _instances(parameters: Parameters) -> tuple[Grant, ...]:
    readable = _one_of((*parameters.s3_read_buckets, *parameters.readable_results))
    return (
        Grant(actions=LIST_BUCKET, on=rf"{ARN}:s3:::{readable}", when=OWN_BUCKETS),
        Grant(actions=("s3:GetObject",), on=rf"{ARN}:s3:::{readable}/\*", when=OWN_BUCKETS),
        *_work(parameters),
    )


def _instance_room(parameters: Parameters) -> tuple[Grant, ...]:
    every_bucket = Grant(
        actions=(*LIST_BUCKET, "s3:GetObject"), on=rf"{ARN}:s3:::\*", when=OWN_BUCKETS
    )
    return (
        *_instances(parameters),
        *((every_bucket,) if _has_long_lists(parameters) else ()),
        Grant(actions=OBJECT_KEYS),
    )


def _has_long_lists(parameters: Parameters) -> bool:
    """Whether the boundary names all buckets of the account, because the list is too long."""
    buckets = f"arn:{parameters.partition}:s3:::"
    repositories = f"arn:{parameters.partition}:ecr:{parameters.region}:123456789012:repository/"
    arns = (
        *(f"{buckets}{name}{rest}" for name in parameters.s3_read_buckets for rest in ("", "/*")),
        *(f"{repositories}{name}" for name in parameters.ecr_repositories),
    )
    return sum(len(f'"{arn}",') for arn in arns) > LONG_LISTS


def _work(parameters: Parameters) -> Iterator[Grant]:
    output = rf"{ARN}:s3:::{re.escape(parameters.s3_output_bucket)}"
    region = f"{parameters.region}:{ACCOUNT}"
    prefix = re.escape(OWN_PREFIX)
    if parameters.results_per_instance:
        prefixed = rf"{output}/{prefix}/\*"
        listed = {**OWN_BUCKETS, "s3:prefix": rf"{prefix}/\*"}
        yield Grant(actions=(*WRITE_RESULTS, "s3:GetObject"), on=prefixed, when=OWN_BUCKETS)
        yield Grant(actions=("s3:ListBucket",), on=output, when=listed)
    else:
        yield Grant(actions=WRITE_RESULTS, on=rf"{output}/\*", when=OWN_BUCKETS)
    repositories = _one_of(parameters.ecr_repositories)
    groups = re.escape(parameters.log_prefix)
    yield Grant(actions=(REGISTRY,))
    yield Grant(actions=PULL, on=rf"{ARN}:ecr:{region}:repository/{repositories}")
    logs = rf"{ARN}:logs:{region}:log-group:{groups}\*"
    if parameters.logs_per_instance:
        streams = rf"{logs}:log-stream:{re.escape(OWN_STREAMS)}"
        own_vpc = {"aws:Ec2InstanceSourceVpc": VPC_ID}
        yield Grant(actions=KEEP_STREAMS, on=logs)
        yield Grant(actions=(WRITE_LINES,), on=streams, when=own_vpc)
    else:
        yield Grant(actions=WRITE_LOGS, on=logs)


def _flow_logs(parameters: Parameters) -> tuple[Grant, ...]:
    group = rf"{ARN}:logs:{parameters.region}:{ACCOUNT}:log-group:{names.FLOW_LOG_GROUP}(?::\*)?"
    return (Grant(actions=WRITE_LOGS, on=group), Grant(actions=(LIST_LOG_GROUPS,)))


def _attachment_actions(parameters: Parameters) -> tuple[str, str]:
    kind = "User" if parameters.manager_identity == "user" else "Role"
    return (f"iam:Attach{kind}Policy", f"iam:Detach{kind}Policy")


def _budget(parameters: Parameters) -> tuple[Grant, ...]:
    kind = "user" if parameters.manager_identity == "user" else "role"
    manager = f"{kind}{parameters.manager_path}{names.MANAGER}"
    return (
        Grant(
            actions=_attachment_actions(parameters),
            on=rf"{ARN}:iam::{ACCOUNT}:{manager}",
            when={"iam:PolicyARN": rf"{ARN}:iam::{ACCOUNT}:policy/{names.SPENDING_STOP}"},
        ),
    )


def _manager_boundary(parameters: Parameters) -> Iterator[Denial]:
    """Its grants are those of the policy, so denials cover only what the grants leave open."""
    region = re.escape(parameters.region)
    for action in (RUN, TAG, DELETE_VOLUME, *CONTROL, *READS):
        yield Denial(action=action, on="*", when=(Condition("ec2:Region", region),))
    for action in VOLUME_KEYS:
        service = Condition("kms:ViaService", rf"ec2\.{region}\.amazonaws\.com")
        yield Denial(action=action, on="*", when=(service,))
    if parameters.manager_identity == "user":
        session = (
            Condition("aws:TokenIssueTime", "false", NULL),
            Condition("aws:ViaAWSService", "false", frozenset({"Bool", "BoolIfExists"})),
        )
        for action in (RUN, *READS, *FACTS):
            yield Denial(action=action, on="*", when=session)


def _instance_boundary(parameters: Parameters) -> Iterator[Denial]:
    bucket = f"arn:{parameters.partition}:s3:::any"
    s3 = Condition("kms:ViaService", re.escape("s3.*.amazonaws.com"))
    for action in OBJECT_KEYS:
        yield Denial(action=action, on="*", when=(s3,))
    old = Condition("ec2:RoleDelivery", r"2\.0", frozenset({"NumericLessThan"}))
    yield Denial(action="s3:GetObject", on="*", when=(old,))
    for path in STATE:
        yield Denial(action="s3:GetObject", on=f"{bucket}/{path}")
    customers = Condition("s3:x-amz-server-side-encryption-customer-algorithm", "false", NULL)
    yield Denial(action="s3:PutObject", on=f"{bucket}/any", when=(customers,))
    key = "s3:x-amz-server-side-encryption-aws-kms-key-id"
    own_keys = rf"{ARN}:kms:\*:{ACCOUNT}:\*"
    strangers = (Condition(key, "false", NULL), Condition(key, own_keys))
    yield Denial(action="s3:PutObject", on=f"{bucket}/any", when=strangers)
    yield from results(parameters)
    if parameters.instances_only_from_vpc:
        elsewhere = Condition("aws:SourceVpc", VPC_ID)
        for action in (*LIST_BUCKET, "s3:GetObject", *WRITE_RESULTS):
            yield Denial(action=action, on="*", when=(elsewhere,))


def results(parameters: Parameters) -> Iterator[Denial]:
    """The denials that protect the results of other sandboxes."""
    if parameters.instances_read_outputs or parameters.results_per_instance:
        return
    bucket = f"arn:{parameters.partition}:s3:::{parameters.s3_output_bucket}"
    yield Denial(action="s3:ListBucket", on=bucket)
    yield Denial(action="s3:GetObject", on=f"{bucket}/any")


def _spending_stop(_: Parameters) -> Iterator[Denial]:
    yield from (Denial(action=action, on="*") for action in (RUN, "ec2:StartInstances"))


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

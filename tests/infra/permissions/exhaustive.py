"""Everything that the policies allow: each action of AWS, tried on each of its resource types.

Each is tried in the context that fits the policies best, and in one of another account. Print the
expected file with `python -m tests.infra.permissions.exhaustive`.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from local.iam.evaluator import Layers, Request, Values, decide, glob, many
from local.iam.reference import Action, ResourceKind, every_action, knows
from tests.infra.permissions.row_verdicts import Identity
from tests.infra.permissions.stacks import ACCOUNT, OTHER_ACCOUNT, identities, policy_context
from tests.infra.permissions.statement_reach import ANY_RESOURCE

GOLDEN: Final = Path(__file__).parent / "allowed.txt"
CONTEXT: Final = policy_context({})
BEST: Final[Mapping[str, Values]] = {
    "ec2:Vpc": CONTEXT.vpc_arn,
    "ec2:InstanceProfile": CONTEXT.instance_profile_arn,
    "ec2:InstanceType": "g5.12xlarge",
    "ec2:MetadataHttpTokens": "required",
    "ec2:MetadataHttpPutResponseHopLimit": "1",
    "ec2:InstanceMarketType": "on-demand",
    "ec2:Tenancy": "default",
    "ec2:Encrypted": "true",
    "ec2:VolumeType": "gp3",
    "ec2:VolumeSize": "500",
    "ec2:VolumeIops": "3000",
    "ec2:VolumeThroughput": "125",
    "ec2:Owner": ACCOUNT.account_id,
    "ec2:CreateAction": "RunInstances",
    "ec2:Region": CONTEXT.region,
    "aws:RequestTag/user_id": "alice",
    "aws:RequestTag/Project": "alignment-league",
    "aws:RequestTag/Environment": "production",
    "aws:TagKeys": ["user_id", "Project", "Environment"],
    "aws:ResourceTag/Name": "sandbox-public",
    "aws:ResourceTag/user_id": "alice",
    "aws:ResourceTag/Project": "alignment-league",
    "aws:ResourceTag/Environment": "production",
    "aws:ResourceTag/Purpose": "researcher-sandbox-ami",
    "iam:PassedToService": "ec2.amazonaws.com",
    "s3:ResourceAccount": ACCOUNT.account_id,
    "iam:PolicyARN": f"arn:aws:iam::{ACCOUNT.account_id}:policy/sandbox-spending-stop",
}
FOREIGN: Final[Mapping[str, Values]] = {
    **dict.fromkeys(BEST, "other"),
    "aws:TagKeys": ["other"],
    "ec2:Encrypted": "false",
    "ec2:Owner": OTHER_ACCOUNT,
    "s3:ResourceAccount": OTHER_ACCOUNT,
    "ec2:Region": "eu-west-1",
    "ec2:MetadataHttpPutResponseHopLimit": "99999",
    **dict.fromkeys(("ec2:VolumeSize", "ec2:VolumeIops", "ec2:VolumeThroughput"), "99999"),
}
NAMES: Final = {
    "RoleNameWithPath": "sandbox-instance-role",
    "UserNameWithPath": "service/sandbox-manager",
    "BucketName": "softmax-data",
}
GROUPS: Final = {"flow logs": "/sandbox/flow-logs"}


def allowed() -> Iterator[str]:
    """One line for each action and resource type that some context allows."""
    for who in ("manager", "instance", "flow logs", "budget"):
        identity = identities(CONTEXT)[who]
        layers = Layers(identity=tuple(identity.policies.values()), boundary=identity.boundary)
        via = {"manager": "ec2", "instance": "s3"}.get(who, "logs")
        for action in every_action():
            if not _is_mentioned(identity, action):
                continue
            for resource in action.resources or (ANY_RESOURCE,):
                own_names = {**NAMES, "LogGroupName": GROUPS.get(who, "/aws/ec2/sandbox/instances")}
                contexts = [("own", BEST, own_names), ("foreign", FOREIGN, {})]
                if "${BucketName}" in resource.pattern:
                    contexts.append(("results", BEST, {"BucketName": CONTEXT.s3_output_bucket}))
                for context, values, names in contexts:
                    request = _request(action, resource, values, names, context, via)
                    if decide(layers, request) == "allowed":
                        yield f"{who}: {action.name} on {resource.name}: {context}"


def _is_mentioned(identity: Identity, action: Action) -> bool:
    """Whether any statement allows the action; if none does, it is denied."""
    return any(
        glob(pattern.lower())(action.name.lower())
        for document in identity.policies.values()
        for statement in document["Statement"]
        if statement["Effect"] == "Allow"
        for pattern in many(statement["Action"])
    )


def _request(  # noqa: PLR0913, PLR0917 - a request has that many parts
    action: Action,
    resource: ResourceKind,
    values: Mapping[str, Values],
    names: Mapping[str, str],
    context: str,
    via: str,
) -> Request:
    is_own = context != "foreign"
    region, account = (
        (CONTEXT.region, ACCOUNT.account_id) if is_own else ("eu-west-1", OTHER_ACCOUNT)
    )
    parts = {"Partition": "aws", "Region": region, "Account": account, **names}
    keys = action.keys | resource.keys
    known = {key: value for key, value in values.items() if knows(keys, key)}
    if knows(action.keys, "kms:ViaService"):
        known["kms:ViaService"] = f"{via}.{region}.amazonaws.com"
    return Request(
        principal=f"arn:aws:iam::{ACCOUNT.account_id}:user/x",
        action=action.name,
        resource=re.sub(r"\$\{(\w+)\}", lambda match: parts.get(match[1], "x"), resource.pattern),
        context={**known, "aws:RequestedRegion": region},
    )


if __name__ == "__main__":
    sys.stdout.write("".join(f"{line}\n" for line in allowed()))

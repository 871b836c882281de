"""Everything that is allowed at all: each action of AWS on each kind of resource it knows.

Asked twice: with the best context for the project's policies, and with a stranger's. Print the
golden file with `python -m tests.permissions.exhaustive`.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from local.iam.evaluator import Layers, Request, Values, decide, glob, many
from tests.infra.permissions.judging import Identity
from tests.infra.permissions.reach import WHATEVER
from local.iam.reference import Action, Resource, every_action, knows
from tests.infra.permissions.stacks import identities, scope
from tests.infra.permissions.worlds import ACCOUNT, STRANGER

GOLDEN: Final = Path(__file__).parent / "allowed.txt"
SCOPE: Final = scope({})
BEST: Final[Mapping[str, Values]] = {
    "ec2:Vpc": SCOPE.vpc_arn,
    "ec2:InstanceProfile": SCOPE.instance_profile_arn,
    "ec2:InstanceType": "g5.12xlarge",
    "ec2:MetadataHttpTokens": "required",
    "ec2:Encrypted": "true",
    "ec2:Owner": ACCOUNT,
    "ec2:CreateAction": "RunInstances",
    "ec2:Region": SCOPE.region,
    "aws:RequestTag/user_id": "alice",
    "aws:RequestTag/Project": "alignment-league",
    "aws:RequestTag/Environment": "production",
    "aws:TagKeys": ["user_id", "Project", "Environment"],
    "aws:ResourceTag/Project": "alignment-league",
    "aws:ResourceTag/Environment": "production",
    "aws:ResourceTag/Purpose": "researcher-sandbox-ami",
    "iam:PassedToService": "ec2.amazonaws.com",
    "s3:ResourceAccount": ACCOUNT,
    "iam:PolicyARN": f"arn:aws:iam::{ACCOUNT}:policy/sandbox-spending-stop",
}
FOREIGN: Final[Mapping[str, Values]] = {
    **dict.fromkeys(BEST, "other"),
    "aws:TagKeys": ["other"],
    "ec2:Encrypted": "false",
    "ec2:Owner": STRANGER,
    "s3:ResourceAccount": STRANGER,
    "ec2:Region": "eu-west-1",
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
        identity = identities(SCOPE)[who]
        via = {"manager": "ec2", "instance": "s3"}.get(who, "logs")
        for action in every_action():
            if not _spoken_of(identity, action):
                continue
            for resource in action.resources or (WHATEVER,):
                own = {**NAMES, "LogGroupName": GROUPS.get(who, "/aws/ec2/sandbox/instances")}
                contexts = [("own", BEST, own), ("foreign", FOREIGN, {})]
                if "${BucketName}" in resource.pattern:
                    contexts.append(("results", BEST, {"BucketName": SCOPE.s3_output_bucket}))
                for context, values, names in contexts:
                    asked = _request(action, resource, values, names, context, via)
                    layers = Layers(
                        identity=tuple(identity.policies.values()), boundary=identity.boundary
                    )
                    if decide(layers, asked) == "allowed":
                        yield f"{who}: {action.name} on {resource.name}: {context}"


def _spoken_of(identity: Identity, action: Action) -> bool:
    """Whether any statement allows the action at all; without one nothing can."""
    return any(
        glob(pattern.lower())(action.name.lower())
        for document in identity.policies.values()
        for statement in document["Statement"]
        if statement["Effect"] == "Allow"
        for pattern in many(statement["Action"])
    )


def _request(  # noqa: PLR0913, PLR0917 - one question has that many parts
    action: Action,
    resource: Resource,
    values: Mapping[str, Values],
    names: Mapping[str, str],
    context: str,
    via: str,
) -> Request:
    own = context != "foreign"
    region, account = (SCOPE.region, ACCOUNT) if own else ("eu-west-1", STRANGER)
    parts = {"Partition": "aws", "Region": region, "Account": account, **names}
    known = {key: one for key, one in values.items() if knows(action.keys | resource.keys, key)}
    if knows(action.keys, "kms:ViaService"):
        known["kms:ViaService"] = f"{via}.{region}.amazonaws.com"
    return Request(
        principal=f"arn:aws:iam::{ACCOUNT}:user/x",
        action=action.name,
        resource=re.sub(r"\$\{(\w+)\}", lambda one: parts.get(one[1], "x"), resource.pattern),
        context={**known, "aws:RequestedRegion": region},
    )


if __name__ == "__main__":
    sys.stdout.write("".join(f"{line}\n" for line in allowed()))

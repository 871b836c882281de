"""The permissions that a call of EC2 needs: for each resource, its tags, and a role that it passes.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ExamplePolicies_EC2.html
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from local.authorization import ec2_launch
from local.authorization.callers import Caller
from local.authorization.calls import Call
from local.authorization.ec2_condition_keys import Region, flag, kind_of
from local.authorization.question import (
    ANY,
    Question,
    question,
    request_tags,
    tag_map,
    unknown_action,
)
from local.iam import reference
from local.iam.evaluator import Values

NOT_NAMED: Final = {
    "Filters",
    "UserData",
    "Description",
    "TagSpecifications",
    "Tags",
    "ClientToken",
}
"""Parameters that hold no ids, or ids of resources that the call does not use."""
PASSED: Final = {
    "CreateFlowLogs": "vpc-flow-logs.amazonaws.com",
    "AssociateIamInstanceProfile": "ec2.amazonaws.com",
    "ReplaceIamInstanceProfileAssociation": "ec2.amazonaws.com",
}
"""Operations that pass a role to a service."""


def questions(caller: Caller, call: Call) -> Iterator[Question]:
    region = Region(caller.account, call.region, call.partition)
    parameters = call.parameters
    if call.operation == "RunInstances":
        yield from ec2_launch.questions(region, parameters)
        return
    action = f"ec2:{call.operation}"
    known = reference.action(action)
    if known is None:
        raise unknown_action(action)
    everywhere: dict[str, Values] = {"ec2:Region": call.region}
    tagged = specified_tags(parameters)
    given = request_tags(tag_map(parameters.get("Tags")))
    named = [*dict.fromkeys(_named(parameters))]
    kinds = {kind.name for kind in known.resources}
    asked = False
    for kind, identity in named:
        if kind in kinds:
            asked = True
            yield question(
                action,
                region.arn(kind, identity),
                {**everywhere, **given, **region.keys(kind, identity)},
            )
    for kind in sorted(known.required - {kind for kind, _ in named}):
        asked = True
        keys = {
            **everywhere,
            **_new(kind, region, parameters),
            **request_tags(tagged.get(kind, {})),
        }
        yield question(action, region.arn(kind, ANY), keys)
    if not asked:
        yield question(action, ANY, {**everywhere, **given})
    yield from tag_questions(region, call.operation, tagged)
    if call.operation in PASSED:
        yield from passed(region, parameters, PASSED[call.operation])


def specified_tags(parameters: Mapping[str, Any]) -> Mapping[str, Mapping[str, str]]:
    """By resource type, the tags that the request gives to new resources."""
    return {
        specification["ResourceType"]: tag_map(specification.get("Tags"))
        for specification in parameters.get("TagSpecifications") or []
        if specification.get("ResourceType")
    }


def tag_questions(
    region: Region, operation: str, tagged: Mapping[str, Mapping[str, str]]
) -> Iterator[Question]:
    """Creating a resource with tags also needs ec2:CreateTags.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html
    """
    for kind, tags in tagged.items():
        if tags:
            keys: dict[str, Values] = {"ec2:Region": region.name, "ec2:CreateAction": operation}
            resource = region.arn(kind, ANY)
            yield question("ec2:CreateTags", resource, {**keys, **request_tags(tags)})


def _named(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Every resource that the parameters name."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key not in NOT_NAMED:
                yield from _named(inner, str(key))
    elif isinstance(value, list):
        for inner in value:
            yield from _named(inner, name)
    elif isinstance(value, str):
        if name in {"KeyName", "KeyNames"}:
            yield "key-pair", value
        elif kind := kind_of(value):
            yield kind, value


def _new(kind: str, region: Region, parameters: Mapping[str, Any]) -> dict[str, Values]:
    """The condition keys of the resource that the call creates."""
    match kind:
        case "volume":
            return ec2_launch.volume_keys(
                region, parameters, zone=parameters.get("AvailabilityZone")
            )
        case "network-interface":
            subnet = region.subnet(parameters.get("SubnetId", ""))
            return {"ec2:Vpc": region.vpc_arn(subnet.vpc_id) or ""} if subnet else {}
        case "instance":
            return {"ec2:EbsOptimized": flag(parameters.get("EbsOptimized"))}
        case _:
            return {}


def passed(region: Region, parameters: Mapping[str, Any], service: str) -> Iterator[Question]:
    keys: dict[str, Values] = {"iam:PassedToService": service}
    if arn := parameters.get("DeliverLogsPermissionArn"):
        yield question("iam:PassRole", arn, keys)
    profile = region.profile(parameters.get("IamInstanceProfile"))
    for role in profile.roles if profile else []:
        yield question("iam:PassRole", role.arn, keys)

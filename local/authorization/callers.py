"""Find the user or the role session of an access key, with the policies that apply to it."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import unquote

from moto.ec2.models import ec2_backends
from moto.iam.exceptions import NotFoundException
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from local.iam.evaluator import Document, Values

INSTANCE: Final = re.compile(r"i-[0-9a-z]{8,}")
"""EC2 names the session of an instance's role by the instance's id.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-infotouse"""


class UnknownKeyError(LookupError):
    """The access key belongs to no user or session, or it is inactive or has expired."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A user, or a session of a role."""

    arn: str
    """The ARN that GetCallerIdentity returns."""
    principal_arn: str
    """The ARN of the user or the role, with its path."""
    unique_id: str
    account: str
    identity: tuple[Document, ...]
    boundary: Document | None = None
    session: Document | None = None
    """The policy that was passed to AssumeRole."""
    context: Mapping[str, Values] = field(default_factory=dict[str, Values])
    """The condition keys about the caller."""

    @property
    def is_session(self) -> bool:
        return ":assumed-role/" in self.arn


def find(key_id: str, token: str | None, partition: str) -> Caller:
    """The caller with this access key.

    Raises:
        UnknownKeyError: no caller has it.
    """
    for account in list(iam_backends):
        iam: Any = iam_backends[account][partition]
        if key_id not in iam.access_keys:
            continue
        key = iam.access_keys[key_id]
        if key.user_name:
            if key.status != "Active":
                raise UnknownKeyError(key_id)
            return user(iam, iam.get_user(key.user_name))
        session: Any = sts_backends[account][partition].get_assumed_role_from_access_key(key_id)
        if session is None or session.session_token != token:
            raise UnknownKeyError(key_id)
        if session.expiration.replace(tzinfo=UTC) < datetime.now(UTC):
            raise UnknownKeyError(key_id)
        try:
            return _session(iam, session)
        except NotFoundException:  # the role was deleted; an error of the server would be repeated
            raise UnknownKeyError(key_id) from None
    raise UnknownKeyError(key_id)


def user(iam: Any, entity: Any) -> Caller:
    groups = [group for group in iam.groups.values() if entity in group.users]
    boundary = entity.permissions_boundary
    return Caller(
        arn=entity.arn,
        principal_arn=entity.arn,
        unique_id=entity.id,
        account=entity.account_id,
        identity=tuple(text for part in (entity, *groups) for text in _documents(part)),
        boundary=_boundary(iam, boundary["PermissionsBoundaryArn"] if boundary else None),
        context={
            **_principal(entity.arn, entity.account_id, "User", entity.id),
            "aws:username": entity.name,
            **_tags(iam.list_user_tags(entity.name)),
        },
    )


def role(iam: Any, entity: Any) -> Caller:
    """What all sessions of a role have in common."""
    return Caller(
        arn=entity.arn,
        principal_arn=entity.arn,
        unique_id=entity.id,
        account=entity.account_id,
        identity=tuple(_documents(entity)),
        boundary=_boundary(iam, entity.permissions_boundary_arn),
        context={
            **_principal(entity.arn, entity.account_id, "AssumedRole", entity.id),
            **_tags(list(entity.tags.values()) if isinstance(entity.tags, dict) else entity.tags),
        },
    )


def _session(iam: Any, session: Any) -> Caller:
    entity = role(iam, iam.get_role_by_arn(session.role_arn))
    unique_id = f"{entity.unique_id}:{session.session_name}"
    return Caller(
        arn=session.arn,
        principal_arn=entity.principal_arn,
        unique_id=unique_id,
        account=entity.account,
        identity=entity.identity,
        boundary=entity.boundary,
        session=parsed(session.policy) if session.policy else None,
        context={
            **entity.context,
            "aws:userid": unique_id,
            "aws:TokenIssueTime": session.access_key.create_date.strftime("%Y-%m-%dT%H:%M:%SZ"),
            **(_instance(session) if INSTANCE.fullmatch(session.session_name) else {}),
        },
    )


def _instance(session: Any) -> dict[str, Values]:
    """The condition keys of the instance that these credentials belong to."""
    instances: Any = ec2_backends[session.account_id][session.region_name]
    known = instances.get_instance_by_id(session.session_name)
    origin: dict[str, Values] = {}
    if known is not None:
        origin = {
            "aws:Ec2InstanceSourcePrivateIPv4": known.private_ip,
            "aws:Ec2InstanceSourceVpc": known.vpc_id,
        }
    arn = f"arn:{session.partition}:ec2:{session.region_name}:{session.account_id}:instance/"
    return {
        "ec2:RoleDelivery": "2.0",  # the emulated instances deliver credentials by IMDSv2 only
        "ec2:SourceInstanceARN": f"{arn}{session.session_name}",
        **origin,
    }


def parsed(text: Any) -> Document:
    """The document in *text*, with its statements as a list."""
    document = json.loads(unquote(text)) if isinstance(text, str) else text
    statements = document["Statement"]
    return {**document, "Statement": statements if isinstance(statements, list) else [statements]}


def _documents(entity: Any) -> Iterator[Document]:
    """The inline and the attached policies of a user, a group or a role."""
    yield from map(parsed, entity.policies.values())
    yield from map(_default_version, entity.managed_policies.values())


def _default_version(policy: Any) -> Document:
    [text] = [
        version.document
        for version in policy.versions
        if version.version_id == policy.default_version_id
    ]
    return parsed(text)


def _boundary(iam: Any, arn: str | None) -> Document | None:
    return _default_version(iam.get_policy(arn)) if arn else None


def _principal(arn: str, account: str, kind: str, unique_id: str) -> dict[str, Values]:
    return {
        "aws:PrincipalArn": arn,
        "aws:PrincipalAccount": account,
        "aws:PrincipalType": kind,
        "aws:PrincipalIsAWSService": "false",
        "aws:userid": unique_id,
    }


def _tags(tags: list[dict[str, str]]) -> dict[str, Values]:
    return {f"aws:PrincipalTag/{tag['Key']}": tag["Value"] for tag in tags}

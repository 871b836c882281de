"""Ask EC2 itself about launches: DryRun calls under the manager's own key start nothing."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from sandbox.permissions.simulation import Answer, judge
from sandbox.permissions.table import Part, Row, setting

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

WOULD_RUN: Final = "DryRunOperation"
REFUSED: Final = "UnauthorizedOperation"
ROOT: Final = "/dev/sda1"
SIZE: Final = 500
"""GiB; no image is larger, and nothing is made of it."""
KINDS: Final = {"instance": "instance", "volume": "volume", "interface": "network-interface"}


class CannotAskError(ValueError):
    """The row's launch cannot be put into a request of this account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a real launch of this stack names."""

    image_id: str
    subnet_id: str
    security_group_id: str
    instance_profile: str
    instance_type: str
    environment: str


def dry_run(ec2: "EC2Client", rows: Iterable[Row], place: Place) -> Iterator[Answer]:
    """EC2's own answer to each launch of the table."""
    for row in rows:
        if not row.is_launch:
            continue
        try:
            asked = request(row, place)
        except CannotAskError as error:
            yield Answer(row=row, verdict="not asked", why=str(error))
            continue
        yield _answer(ec2, row, asked)


def request(row: Row, place: Place) -> dict[str, Any]:
    """The call that launches as *row* says.

    Raises:
        CannotAskError: the row needs something of another account or region, or that EC2 alone
            decides.
    """
    if not place.image_id:
        raise CannotAskError("the stack has no image yet")
    if row.given or "region" in row.body:
        raise CannotAskError("is about another stack or region")
    asked: dict[str, Any] = {
        "ImageId": place.image_id,
        "InstanceType": place.instance_type,
        "MinCount": 1,
        "MaxCount": 1,
        "SubnetId": place.subnet_id,
        "SecurityGroupIds": [place.security_group_id],
        "IamInstanceProfile": {"Name": place.instance_profile},
        "MetadataOptions": {"HttpTokens": "required"},
        "BlockDeviceMappings": [
            {"DeviceName": ROOT, "Ebs": {"Encrypted": True, "VolumeSize": SIZE}}
        ],
        "DryRun": True,
    }
    tags = {name: _tags(name, row.body["launch"].get(name, {}), place) for name in KINDS}
    for name, change in row.body["launch"].items():
        _change(asked, name, change)
    asked["TagSpecifications"] = [
        {"ResourceType": KINDS[name], "Tags": [{"Key": k, "Value": v} for k, v in own.items()]}
        for name, own in tags.items()
        if own
    ]
    return asked


def _volume(*, encrypted: bool) -> list[dict[str, Any]]:
    return [{"DeviceName": ROOT, "Ebs": {"Encrypted": encrypted, "VolumeSize": SIZE}}]


def _tags(name: str, change: Part | None, place: Place) -> Mapping[str, str]:
    base = setting()["launch"][name].get("tags", {})
    if not change or "tags" not in change:
        return _of(base, place)
    if change["tags"] is None:
        return {}
    return _of({**base, **change["tags"]}, place)


def _of(tags: Mapping[str, str | None], place: Place) -> Mapping[str, str]:
    return {
        key: value.replace("${environment}", place.environment).replace(
            "$environment", place.environment
        )
        for key, value in tags.items()
        if value is not None
    }


def _change(asked: dict[str, Any], name: str, change: Part | None) -> None:
    if change is None:
        if name != "role":
            raise CannotAskError(f"EC2 asks about the {name} of every such launch")
        return
    if "to" in change:
        raise CannotAskError(f"names a made-up {name}")
    for key, value in change.get("with", {}).items():
        if key == "ec2:InstanceType" and value:
            asked["InstanceType"] = value
        elif (edit := EDITS.get((key, value))) is not None:
            edit(asked)
        else:
            raise CannotAskError(f"{key} is EC2's to say, or needs a {name} that is not there")


Edit = Callable[[dict[str, Any]], object]
EDITS: Final[Mapping[tuple[str, str | None], Edit]] = {
    ("ec2:MetadataHttpTokens", "optional"): lambda asked: asked.update(
        MetadataOptions={"HttpTokens": "optional"}
    ),
    ("ec2:MetadataHttpTokens", None): lambda asked: asked.pop("MetadataOptions"),
    ("ec2:InstanceProfile", None): lambda asked: asked.pop("IamInstanceProfile"),
    ("ec2:Encrypted", "false"): lambda asked: asked.update(
        BlockDeviceMappings=_volume(encrypted=False)
    ),
    ("ec2:Encrypted", None): lambda asked: asked.pop("BlockDeviceMappings"),
}
"""What a condition key's value is in a request."""


def _answer(ec2: "EC2Client", row: Row, asked: Mapping[str, Any]) -> Answer:
    try:
        ec2.run_instances(**asked)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code == WOULD_RUN:
            return judge(row, ["allowed"])
        if code == REFUSED:
            return judge(row, ["denied"])
        return Answer(row=row, verdict="not asked", why=f"EC2 says {code}")
    raise AssertionError("EC2 answered a DryRun call without an error")  # it never does

"""Resources that were created and are not visible yet."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Final, cast
from xml.etree import ElementTree as ET

from local.authorization.calls import Call
from local.eventual_consistency.resource_kinds import KINDS, LateResourceKind
from local.eventual_consistency.seeded_random import SeededRandom

LONGEST: Final = 3.0
"""Seconds after which everything is visible."""
_OF_IAM: Final[Mapping[tuple[str, str], tuple[str, str]]] = {
    ("IamInstanceProfile", "instance profile"): (
        "InvalidParameterValue",
        "Value ({name}) for parameter iamInstanceProfile.name is invalid",
    ),
    ("DeliverLogsPermissionArn", "role"): (
        "InvalidParameter",
        "Unable to assume given IAM role",
    ),
}
"""EC2's error for an unknown IAM resource, by the parameter and the kind of resource."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """A resource that is not visible yet."""

    kind: LateResourceKind
    names: frozenset[str]
    visible: float
    """The time at which it becomes visible, in seconds of the clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """AWS's error for a resource that is not visible yet."""

    status: int
    code: str
    message: str


class Visibility:
    """The resources that are not visible yet; *clock* returns seconds."""

    def __init__(self, chance: SeededRandom, clock: Callable[[], float]) -> None:
        self._chance, self._clock = chance, clock
        self._late: list[Late] = []
        self._lock = Lock()

    def late(self) -> list[Late]:
        now = self._clock()
        with self._lock:
            self._late = [resource for resource in self._late if resource.visible > now]
            return list(self._late)

    def knows_key(self, key_id: str) -> bool:
        """Whether a call with this access key is accepted."""
        return not any(key_id in resource.names for resource in self.late())

    def unknown(self, call: Call) -> Unknown | None:
        """AWS's error if *call* names a resource that is not visible yet."""
        for resource in self.late():
            if call.operation in resource.kind.creators:
                continue  # a name is in use as soon as its resource is created
            for path, value in _values(call.parameters):
                if value in resource.names and (error := _error(call, resource, path, value)):
                    return error
        return None

    def learn(self, call: Call, body: bytes) -> None:
        """Remember the resources that *call* created, from its answer."""
        for kind in KINDS.get(call.service, ()):
            if call.operation in kind.creators:
                root = ET.fromstring(body)  # noqa: S314 - the emulator's own answer
                visible = self._clock() + LONGEST * self._chance.fraction(f"late {kind.title}")
                names = {
                    element.text or ""
                    for path in kind.created
                    for element in root.iterfind(f".//{_any_namespace(path)}")
                }
                with self._lock:
                    self._late.append(Late(kind=kind, names=frozenset(names), visible=visible))

    def without_late(self, call: Call, body: bytes) -> bytes:
        """The answer to *call* without the entries of resources that are not visible yet."""
        resources = [
            resource for resource in self.late() if resource.kind in KINDS.get(call.service, ())
        ]
        if not any(name.encode() in body for resource in resources for name in resource.names):
            return body
        root = ET.fromstring(body)  # noqa: S314 - the emulator's own answer
        for resource in resources:
            around, entry = map(_any_namespace, resource.kind.listed.split("/"))
            for entries in root.iterfind(f".//{around}"):
                for element in entries.findall(entry):
                    if element.findtext(_any_namespace(resource.kind.name)) in resource.names:
                        entries.remove(element)
        ET.register_namespace("", root.tag.partition("}")[0].lstrip("{"))
        return ET.tostring(root)


def _any_namespace(path: str) -> str:
    return "/".join(f"{{*}}{name}" for name in path.split("/"))


def _values(
    parameters: object, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], object]]:
    """Every value below *parameters*, except in filters, with the names above it."""
    if isinstance(parameters, Mapping):
        for name, value in cast("Mapping[str, object]", parameters).items():
            if name != "Filters":
                yield from _values(value, (*path, name))
    elif isinstance(parameters, list):
        for value in cast("list[object]", parameters):
            yield from _values(value, path)
    else:
        yield path, parameters


def _error(call: Call, resource: Late, path: tuple[str, ...], name: str) -> Unknown | None:
    kind = resource.kind
    if call.service == "ec2" and kind in KINDS["iam"]:
        for (parameter, title), (code, message) in _OF_IAM.items():
            if title == kind.title and parameter in path:
                return Unknown(status=400, code=code, message=message.format(name=name))
    elif call.service == "ec2":
        message = f"The {kind.title} ID '{name}' does not exist"
        return Unknown(status=400, code=kind.code, message=message)
    elif call.service == "iam" and path[-1] in kind.parameters:
        message = f"The {kind.title} with name {name} cannot be found."
        return Unknown(status=404, code=kind.code, message=message)
    return None

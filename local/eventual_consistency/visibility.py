"""What was made and is not visible yet."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Final, cast
from xml.etree import ElementTree as ET

from local.authorization.calls import Call
from local.eventual_consistency.resource_kinds import KINDS, Kind
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
"""How EC2 says that it does not know a thing of IAM, by the parameter and the thing's kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """A thing that is not visible yet."""

    kind: Kind
    names: frozenset[str]
    visible: float
    """The time from which on it is visible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """AWS's error for a thing that is not visible yet."""

    status: int
    code: str
    message: str


class Visibility:
    """The things that are not visible yet; *clock* counts seconds."""

    def __init__(self, chance: SeededRandom, clock: Callable[[], float]) -> None:
        self._chance, self._clock = chance, clock
        self._late: list[Late] = []
        self._lock = Lock()

    def late(self) -> list[Late]:
        now = self._clock()
        with self._lock:
            self._late = [thing for thing in self._late if thing.visible > now]
            return list(self._late)

    def knows_key(self, key_id: str) -> bool:
        """Whether a call with this access key is accepted."""
        return not any(key_id in thing.names for thing in self.late())

    def unknown(self, call: Call) -> Unknown | None:
        """AWS's error if *call* names a thing that is not visible yet."""
        for thing in self.late():
            if call.operation in thing.kind.makers:
                continue  # a name is taken from the moment on at which its thing is made
            for path, value in _values(call.parameters):
                if value in thing.names and (error := _error(call, thing, path, str(value))):
                    return error
        return None

    def learn(self, call: Call, body: bytes) -> None:
        """Remember what the answer to *call* says that it made."""
        for kind in KINDS.get(call.service, ()):
            if call.operation in kind.makers:
                root = ET.fromstring(body)  # noqa: S314 - the emulator's own answer
                visible = self._clock() + LONGEST * self._chance.fraction(f"late {kind.title}")
                names = {
                    element.text or ""
                    for path in kind.made
                    for element in root.iterfind(f".//{_any_namespace(path)}")
                }
                with self._lock:
                    self._late.append(Late(kind=kind, names=frozenset(names), visible=visible))

    def without_late(self, call: Call, body: bytes) -> bytes:
        """The answer to *call* without the entries of things that are not visible yet."""
        things = [thing for thing in self.late() if thing.kind in KINDS.get(call.service, ())]
        if not any(name.encode() in body for thing in things for name in thing.names):
            return body
        root = ET.fromstring(body)  # noqa: S314 - the emulator's own answer
        for thing in things:
            around, entry = map(_any_namespace, thing.kind.listed.split("/"))
            for entries in root.iterfind(f".//{around}"):
                for element in entries.findall(entry):
                    if element.findtext(_any_namespace(thing.kind.name)) in thing.names:
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


def _error(call: Call, thing: Late, path: tuple[str, ...], name: str) -> Unknown | None:
    kind = thing.kind
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

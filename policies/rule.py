"""What a rule is: a small generator that yields every finding, and the row that says the rest.

A rule reads resources as the engine shows them. Their properties are proxies: lists are no
``list``, mappings no ``dict``, and whatever touches a value that a preview cannot know
yet (``.get`` and ``in`` too) raises ``UnknownValueError``. A rule lets that error pass; the pack
reports it as
"undecided", and the update decides.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_network
from typing import Any, Final, Protocol, TypeVar

from pulumi_policy.proxy import UnknownValueError

from policies.config import Network, Parameters
from policies.secret_markers import plain

T = TypeVar("T")
Props = Mapping[str, Any]


class Level(StrEnum):
    """What a finding does to an update."""

    ADVISORY = "advisory"
    MANDATORY = "mandatory"


class Options(Protocol):
    """The resource options that rules look at."""

    protect: bool
    ignore_changes: list[str]
    additional_secret_outputs: list[str]
    parent: str | None


class Provider(Protocol):
    """The provider that a resource was given."""

    props: Props


class Resource(Protocol):
    """What a resource rule sees (inputs) and what a stack rule sees of each resource (outputs)."""

    resource_type: str
    props: Props
    urn: str
    name: str

    @property
    def opts(self) -> Options: ...
    @property
    def provider(self) -> Provider | None: ...


class StackResource(Resource, Protocol):
    """A resource among all others of its stack."""

    @property
    def property_dependencies(self) -> Mapping[str, Sequence["StackResource"]]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong. *value* is said only in shapes that no secret has: `show`."""

    wrong: str
    at: str = ""
    value: str = ""
    fix: str = ""
    """Only where it says more than the rule's own."""
    on: Resource | None = None
    """The resource, where the rule looks at the whole stack."""


@dataclass(frozen=True, slots=True)
class Stack:
    """All resources, with the questions that rules ask about them."""

    resources: Sequence[StackResource]

    def of(self, *types: str) -> list[StackResource]:
        return [one for one in self.resources if one.resource_type in types]

    def pointing_to(self, other: StackResource, key: str, kind: str) -> list[StackResource]:
        """The resources of *kind* whose *key* is *other*'s."""
        return [one for one in self.of(kind) if points_to(one, key, other)]


ResourceCheck = Callable[[Resource, Parameters], Iterator[Finding]]
StackCheck = Callable[[Stack, Parameters], Iterator[Finding]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    id: str
    why: str
    fix: str
    level: Level = Level.MANDATORY
    references: tuple[str, ...] = ()
    """The same demand elsewhere: CIS AWS Foundations v5.0, AWS FSBP (Security Hub), checkov."""
    takes: tuple[str, ...] = ()
    """The parameters that the pack's config may set for this rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceRule(_Row):
    """Looks at one resource's inputs, before the resource is made or changed."""

    on: frozenset[str] | None
    """The types it looks at; None stands for all."""
    check: ResourceCheck


@dataclass(frozen=True, slots=True, kw_only=True)
class StackRule(_Row):
    """Looks at all resources together: at the end of a preview, and of an update."""

    check: StackCheck


Rule = ResourceRule | StackRule
EVERY: Final = None
"""For `ResourceRule.on`: resources of every type."""


def decide_each(items: Iterable[T], check: Callable[[T], Iterator[Finding]]) -> Iterator[Finding]:
    """Check every item, also those behind one that a preview does not know.

    Raises:
        UnknownValueError: at the end, for the first item that could not be decided.
    """
    undecided: UnknownValueError | None = None
    for item in items:
        try:
            yield from check(item)
        except UnknownValueError as error:
            undecided = undecided or error
    if undecided is not None:
        raise undecided


def elements(props: Props, key: str) -> Iterator[Callable[[], Any]]:
    """The list's elements, each behind a call, so that an unknown one hides no other."""
    listed = given(props, key)
    if listed is None:
        return
    for index in range(len(listed)):
        yield lambda index=index: listed[index]


def has(props: Props, key: str) -> bool:
    """Whether *key* is set at all; other than ``in``, also when its value is unknown."""
    return any(one == key for one in props)


def given(props: Props, key: str) -> Any:  # noqa: ANN401 - a property may be anything
    """The value of *key*; None when it is not set."""
    return props[key] if has(props, key) else None


def as_network(cidr: str) -> Network:
    return ip_network(plain(cidr), strict=False)


def is_unknown(props: Props, key: str) -> bool:
    """Whether *key* is set to something that a preview does not know."""
    try:
        given(props, key)
    except UnknownValueError:
        return True
    return False


def text(props: Props, key: str) -> str:
    """The text at *key*; "" when it is not set."""
    value = given(props, key)
    return "" if value is None else value


def points_to(resource: StackResource, key: str, other: StackResource) -> bool:
    """Whether *key* of *resource* is *other*'s: by the program's wiring, or by equal ids."""
    if any(one.urn == other.urn for one in resource.property_dependencies.get(key, ())):
        return True
    if resource.property_dependencies.get(key) and is_unknown(resource.props, key):
        return False  # the program wired it to something else
    if is_unknown(other.props, "id") and not is_unknown(resource.props, key):
        return False  # what does not exist yet cannot be named by its id
    return bool(text(resource.props, key)) and text(resource.props, key) == text(other.props, "id")

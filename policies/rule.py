"""A rule: a generator that yields its findings, and a row with the facts about the rule.

The engine passes the properties of resources as proxies: a list is not a ``list`` and a mapping is
not a ``dict``. Every access to a value that the preview does not know, also with ``.get`` and
``in``, raises ``UnknownValueError``. A rule must not catch this error: the pack reports the rule as
undecided, and the update decides.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_network
from typing import Any, Final, Protocol, TypeVar

from pulumi_policy.proxy import UnknownValueError

from policies.config import Network, Parameters
from policies.secret_markers import unmarked

T = TypeVar("T")
Props = Mapping[str, Any]


class Level(StrEnum):
    """The effect of a finding on an update."""

    ADVISORY = "advisory"
    MANDATORY = "mandatory"


class Options(Protocol):
    """The resource options that rules read."""

    protect: bool
    ignore_changes: list[str]
    additional_secret_outputs: list[str]
    parent: str | None


class Provider(Protocol):
    """The provider of a resource."""

    props: Props
    urn: str


class CheckedResource(Protocol):
    """One resource: a resource rule gets its inputs, a stack rule its outputs."""

    resource_type: str
    props: Props
    urn: str
    name: str

    @property
    def opts(self) -> Options: ...
    @property
    def provider(self) -> Provider | None: ...


class StackResource(CheckedResource, Protocol):
    """A resource among all others of its stack."""

    @property
    def property_dependencies(self) -> Mapping[str, Sequence["StackResource"]]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One problem. Pass *value* through `show`, which hides values that may be secrets."""

    problem: str
    property: str = ""
    value: str = ""
    fix: str = ""
    """Set only if it is more precise than the fix of the rule."""
    resource: CheckedResource | None = None
    """Set by stack rules only; a resource rule checks one resource."""


@dataclass(frozen=True, slots=True)
class CheckedStack:
    """The program's resources, and separately the owner's additions.

    No rule mistakes an addition for a resource of the program.
    """

    resources: Sequence[StackResource]
    additions: Sequence[StackResource] = ()

    def of_type(self, *types: str) -> list[StackResource]:
        return [resource for resource in self.resources if resource.resource_type in types]

    def referring_to(
        self, target: StackResource, key: str, resource_type: str
    ) -> list[StackResource]:
        """The resources of a type whose property *key* names *target*."""
        return [
            resource for resource in self.of_type(resource_type) if refers_to(resource, key, target)
        ]


ResourceCheck = Callable[[CheckedResource, Parameters], Iterator[Finding]]
StackCheck = Callable[[CheckedStack, Parameters], Iterator[Finding]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _RuleFacts:
    id: str
    why: str
    fix: str
    level: Level = Level.MANDATORY
    references: tuple[str, ...] = ()
    """Published controls with the same aim: CIS AWS Foundations v7.0, AWS FSBP (Security Hub)."""
    parameters: tuple[str, ...] = ()
    """The parameters that the pack's config may set for this rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceRule(_RuleFacts):
    """Checks the inputs of one resource, before the resource is created or changed."""

    types: frozenset[str] | None
    """The resource types that it checks; `ALL_TYPES` for all."""
    check: ResourceCheck


@dataclass(frozen=True, slots=True, kw_only=True)
class StackRule(_RuleFacts):
    """Checks all resources together, at the end of a preview and of an update."""

    check: StackCheck


Rule = ResourceRule | StackRule
ALL_TYPES: Final = None


def decide_each(items: Iterable[T], check: Callable[[T], Iterator[Finding]]) -> Iterator[Finding]:
    """Check every item, even after one that the preview cannot decide.

    Raises:
        UnknownValueError: after all items, for the first one that could not be decided.
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
    """The elements of a list, each as a function, so that an unknown one hides no other."""
    values = given(props, key)
    if values is None:
        return
    for index in range(len(values)):
        yield lambda index=index: values[index]


def has(props: Props, key: str) -> bool:
    """Whether *key* is set. Unlike ``in``, this also works for an unknown value."""
    return any(name == key for name in props)


def given(props: Props, key: str) -> Any:  # noqa: ANN401 - a property may be anything
    """The value of *key*; None if it is not set."""
    return props[key] if has(props, key) else None


def as_network(cidr: str) -> Network:
    return ip_network(unmarked(cidr), strict=False)


def is_unknown(props: Props, key: str) -> bool:
    """Whether *key* is set to a value that the preview does not know."""
    try:
        given(props, key)
    except UnknownValueError:
        return True
    return False


def text(props: Props, key: str) -> str:
    """The text at *key*; "" if it is not set."""
    value = given(props, key)
    return "" if value is None else value


def is_set(value: object) -> bool:
    """Whether a property has a value; an empty text, list or mapping counts as none."""
    return value is not None and not (isinstance(value, Sized) and len(value) == 0)


def references(props: Props, key: str) -> Iterator[str | None]:
    """The reference at *key*, or each reference of a list; None for an unknown one."""
    if is_unknown(props, key):
        yield None
        return
    value = given(props, key)
    if not is_set(value):
        return
    if isinstance(value, str):
        yield value
        return
    for element in elements(props, key):
        try:
            yield element()
        except UnknownValueError:
            yield None


def names_one_of(
    resource: StackResource,
    key: str,
    value: str | None,
    targets: Iterable[StackResource],
    output: str = "id",
) -> bool:
    """Whether *value*, a reference at *key*, is the *output* of one of *targets*.

    The value decides; if the preview does not know it, the program's dependencies decide.
    """
    if value is None:
        urns = {target.urn for target in targets}
        dependencies = resource.property_dependencies.get(key, ())
        return any(dependency.urn in urns for dependency in dependencies)
    known = [target.props for target in targets if not is_unknown(target.props, output)]
    outputs = {text(props, output) for props in known}
    return value.removesuffix(":*") in outputs  # the ARN of a log group can end in :*


def refers_to(resource: StackResource, key: str, target: StackResource, output: str = "id") -> bool:
    """Whether property *key* of *resource* is set and names *target* only."""
    values = list(references(resource.props, key))
    return bool(values) and all(
        names_one_of(resource, key, value, [target], output) for value in values
    )

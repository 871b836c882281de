"""The contract's table: rows a reviewer reads, expanded into the questions that IAM answers.

A row says who does what to what, in which context, and what must come of it. Placeholders such as
$account stand for the values of the account that is asked: see `World`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from string import Template
from typing import Any, Final, Literal, cast

import yaml

Decision = Literal["allowed", "denied", "forbidden"]
"""Allowed; denied, since nothing allows it; forbidden, whatever is attached later."""
Values = str | Sequence[str]
Part = Mapping[str, Any]
World = Mapping[str, str]
"""The placeholders' values in one account."""

FOLDER: Final = Path(__file__).parent / "contract"
ANYTHING: Final = "*"
GROUP_KEYS: Final = {"can", "cannot", "who", "given", "rows"}
ROW_KEYS: Final = {
    "what",
    "do",
    "to",
    "at",
    "as",
    "with",
    "launch",
    "given",
    "region",
    "owner",
    "resource_policy",
    "decision",
    "held_by",
}


class TableError(ValueError):
    """The table says something that cannot be asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One question to IAM; a launch is several."""

    part: str
    """Which part of a launch this is, "" if it is none."""
    principal: str
    """Who asks, where the row does not leave it to `who`."""
    action: str
    resource: str
    """An ARN, or a star where any resource must give the same answer."""
    owner: str
    """The account that owns the resource."""
    context: Mapping[str, Values]
    resource_policy: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the contract."""

    sentence: str
    who: str
    what: str
    decision: Decision
    given: Mapping[str, Any]
    """Settings in which the row holds, where they differ from the defaults."""
    body: Mapping[str, Any] = field(repr=False)

    def __str__(self) -> str:
        return f"{self.who}: {self.action}: {self.what}: {self.decision}"

    @property
    def action(self) -> str:
        """What is tried: an action of IAM, or "launch"."""
        return "launch" if self.is_launch else self.body["do"]

    @property
    def held_by_the_boundary(self) -> bool:
        """Whether the boundary alone stands against it, since the policy does not speak of it."""
        return self.body.get("held_by") == "boundary"

    @property
    def is_launch(self) -> bool:
        return "launch" in self.body

    def checks(self, world: World) -> tuple[Check, ...]:
        """The questions this row asks in the account that *world* describes."""
        return tuple(_launch(self, _local(self, world)) if self.is_launch else _plain(self, world))


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A sentence and the rows that prove it."""

    kind: Literal["can", "cannot"]
    sentence: str
    who: str
    rows: tuple[Row, ...]


@cache
def groups(folder: Path = FOLDER) -> tuple[Group, ...]:
    """The whole table, in the order of its files."""
    files = sorted(folder.glob("[0-9]-*.yaml"))
    if not files:
        raise TableError(f"{folder}: holds no table; run from a checkout of the project")
    return tuple(
        _group(raw, path.name)
        for path in files
        for raw in cast("list[dict[str, Any]]", yaml.safe_load(path.read_text()))
    )


def rows(folder: Path = FOLDER) -> tuple[Row, ...]:
    return tuple(row for group in groups(folder) for row in group.rows)


@cache
def setting(folder: Path = FOLDER) -> Mapping[str, Any]:
    """What `world.yaml` says that AWS fills in, and what the rows' names stand for."""
    return cast("dict[str, Any]", yaml.safe_load((folder / "world.yaml").read_text()))


def fill(value: Any, world: World) -> Any:  # noqa: ANN401 - YAML of any shape, same shape back
    """*value* with the placeholders of *world* put in."""
    if isinstance(value, str):
        try:
            return Template(value).substitute(world)
        except (KeyError, ValueError) as error:
            raise TableError(f"{value}: placeholder {error} has no value") from None
    if isinstance(value, Mapping):
        mapping = cast("Mapping[str, Any]", value)
        return {fill(key, world): fill(one, world) for key, one in mapping.items()}
    if isinstance(value, list):
        return [fill(one, world) for one in cast("list[Any]", value)]
    return value


def _group(raw: Mapping[str, Any], file: str) -> Group:
    kind: Literal["can", "cannot"] = "can" if "can" in raw else "cannot"
    sentence = " ".join(str(raw[kind]).split())
    if unknown := raw.keys() - GROUP_KEYS:
        raise TableError(f"{file}: {sentence}: unknown key {sorted(unknown)}")
    return Group(
        kind=kind,
        sentence=sentence,
        who=raw["who"],
        rows=tuple(_row(one, raw, sentence, file) for one in raw["rows"]),
    )


def _row(raw: Mapping[str, Any], group: Mapping[str, Any], sentence: str, file: str) -> Row:
    where = f"{file}: {sentence}: {raw.get('what')}"
    if unknown := raw.keys() - ROW_KEYS:
        raise TableError(f"{where}: unknown key {sorted(unknown)}")
    if ("do" in raw) == ("launch" in raw):
        raise TableError(f"{where}: needs one of do and launch")
    if raw["decision"] not in {"allowed", "denied", "forbidden"}:
        raise TableError(f"{where}: decision {raw['decision']} is none")
    return Row(
        sentence=sentence,
        who=group["who"],
        what=raw["what"],
        decision=raw["decision"],
        given={**group.get("given", {}), **raw.get("given", {})},
        body=raw,
    )


def _local(row: Row, world: World) -> World:
    region = fill(row.body.get("region", "$region"), world)
    return {
        **world,
        "home_region": world["region"],
        "region": region,
        "owner": fill(row.body.get("owner", "$account"), world),
        "principal": world.get(f"principal:{row.who}", ""),
    }


def _plain(row: Row, world: World) -> Iterator[Check]:
    world = _local(row, world)
    name = row.body.get("to", ANYTHING)
    thing: Part = setting()["things"].get(name) or {"to": name}
    changed = {**thing.get("with", {}), **row.body.get("with", {})}
    yield _check(row, world, "", row.body["do"], row.body.get("at", thing["to"]), changed)


def _launch(row: Row, world: World) -> Iterator[Check]:
    """RunInstances for each part, CreateTags for each part with tags, PassRole for the role."""
    parts: Mapping[str, Part] = setting()["launch"]
    changes: Mapping[str, Part | None] = row.body["launch"]
    for name in (*parts, *(changes.keys() - parts.keys())):
        change = changes.get(name, {})
        if change is None:
            continue
        part: Part = parts.get(name, {})
        on = change.get("to", part.get("to"))
        context = {**part.get("with", {}), **change.get("with", {})}
        tags = _tags(part.get("tags"), change.get("tags", {}))
        asked = {**context, **tags}
        action = "iam:PassRole" if name == "role" else "ec2:RunInstances"
        yield _check(row, world, name, action, on, asked)
        if tags:
            tagging = {**tags, "ec2:CreateAction": "RunInstances"}
            yield _check(row, world, f"{name}'s tags", "ec2:CreateTags", on, tagging)


def _tags(tags: Mapping[str, str] | None, change: Mapping[str, str | None] | None) -> Part:
    """The tags of a request as condition keys; no tags at all leave no key."""
    if change is None:
        return {}
    asked = {key: value for key, value in {**(tags or {}), **change}.items() if value is not None}
    if not asked:
        return {}
    return {**{f"aws:RequestTag/{key}": value for key, value in asked.items()}} | {
        "aws:TagKeys": list(asked)
    }


def _check(  # noqa: PLR0913, PLR0917 - one question has that many parts
    row: Row, world: World, part: str, action: str, on: str, context: Part
) -> Check:
    defaults = setting()
    service = action.split(":", 1)[0]
    everything = {
        **defaults["always"],
        **defaults["for_service"].get(service, {}),
        **defaults["for_principal"].get(row.who, {}),
        **context,
    }
    policy = row.body.get("resource_policy")
    return Check(
        part=part,
        principal=fill(row.body["as"], world) if "as" in row.body else world["principal"],
        action=action,
        resource=fill(on, world),
        owner=world["owner"],
        context={key: value for key, value in fill(everything, world).items() if value is not None},
        resource_policy=(
            fill({"Version": "2012-10-17", **defaults["resource_policies"][policy]}, world)
            if policy
            else None
        ),
    )

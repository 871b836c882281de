"""The contract's table: rows for a reviewer, which expand into the questions that IAM answers.

A row names who does what to which resource, in which context, and the decision. Placeholders such
as $account stand for the values of the account that is asked: see `Placeholders`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from string import Template
from typing import Any, Final, Literal, cast

from sandbox.core import yaml_text
from sandbox.core.errors import SandboxError
from sandbox.core.policy_simulator import Decision, Values

Part = Mapping[str, Any]
Placeholders = Mapping[str, str]
"""The value of each placeholder in one account."""

FOLDER: Final = Path(__file__).parent / "contract"
ANY_RESOURCE: Final = "*"
GROUP_KEYS: Final = {"can", "deny", "who", "given", "rows"}
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


DECISIONS: Final = ("allowed", "denied", "forbidden")


class TableError(SandboxError):
    """A file of the contract is not valid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One question to IAM; a launch consists of several."""

    part: str
    """The part of the launch; "" for any other action."""
    principal: str
    """The caller."""
    action: str
    resource: str
    """An ARN, or a star where every resource must give the same answer."""
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
    """The settings with which the row holds, as far as they differ from the defaults."""
    body: Mapping[str, Any] = field(repr=False)

    def __str__(self) -> str:
        return f"{self.who}: {self.action}: {self.what}: {self.decision}"

    @property
    def action(self) -> str:
        """An action of IAM, or "launch"."""
        return "launch" if self.is_launch else self.body["do"]

    @property
    def held_by_the_boundary(self) -> bool:
        """Whether only the boundary prevents it: the policy alone would not."""
        return self.body.get("held_by") == "boundary"

    @property
    def is_launch(self) -> bool:
        return "launch" in self.body

    def checks(self, placeholders: Placeholders) -> tuple[Check, ...]:
        """The questions of this row in the account of *placeholders*."""
        local = _local(self, placeholders)
        return tuple(_launch(self, local) if self.is_launch else _single_action(self, local))


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A sentence and the rows that prove it."""

    kind: Literal["can", "deny"]
    sentence: str
    """The docstring of the policy's statement; that of a denial begins with "Deny"."""
    who: str
    rows: tuple[Row, ...]


@cache
def groups(folder: Path = FOLDER) -> tuple[Group, ...]:
    """The whole table, in the order of its files."""
    files = sorted(folder.glob("[0-9]-*.yaml"))
    if not files:
        raise TableError(f"{folder}: holds no table; run the command from a checkout")
    return tuple(
        _group(raw, path.name) for path in files for raw in cast("list[dict[str, Any]]", load(path))
    )


def rows(folder: Path = FOLDER) -> tuple[Row, ...]:
    return tuple(row for group in groups(folder) for row in group.rows)


def assumed_context(action: str, who: str) -> Part:
    """The condition keys that AWS fills in for every call of *action* by *who*."""
    defaults, service = _defaults(), action.split(":", 1)[0]
    return {
        **defaults["always"],
        **defaults["for_service"].get(service, {}),
        **defaults["for_principal"].get(who, {}),
    }


def resource_policy(name: str, placeholders: Placeholders) -> Mapping[str, Any]:
    """The resource policy *name* of `defaults.yaml`."""
    policy = {"Version": "2012-10-17", **_defaults()["resource_policies"][name]}
    return cast("Mapping[str, Any]", fill(policy, placeholders))


def launch_defaults() -> Mapping[str, Part]:
    """The parts of a launch that holds in every respect; rows change some of them."""
    return _defaults()["launch"]


@cache
def _defaults() -> Mapping[str, Any]:
    """The resources, the condition keys that AWS fills in, and the launch, of `defaults.yaml`."""
    return cast("dict[str, Any]", load(FOLDER / "defaults.yaml"))


def load(path: Path) -> Any:  # noqa: ANN401 - YAML of any shape
    """The YAML in the file *path*."""
    return yaml_text.parse(path.read_text(encoding="utf-8"))


def fill(value: Any, placeholders: Placeholders) -> Any:  # noqa: ANN401 - YAML of any shape
    """*value* with the values of *placeholders* put in.

    Raises:
        TableError: a placeholder has no value.
    """
    if isinstance(value, str):
        try:
            return Template(value).substitute(placeholders)
        except (KeyError, ValueError) as error:
            raise no_placeholder(value, error) from None
    if isinstance(value, Mapping):
        mapping = cast("Mapping[str, Any]", value)
        return {fill(key, placeholders): fill(item, placeholders) for key, item in mapping.items()}
    if isinstance(value, list):
        return [fill(item, placeholders) for item in cast("list[Any]", value)]
    return value


def no_placeholder(text: str, name: object) -> TableError:
    """The error for a placeholder in *text* that nobody fills."""
    return TableError(
        f"{text}: placeholder {name} has no value; correct it, or add it to "
        "sandbox/permissions/placeholders.py"
    )


def unknown_keys(where: str, unknown: Iterable[str], known: Iterable[str]) -> TableError:
    """The error for keys that an entry cannot have."""
    return TableError(
        f"{where}: {', '.join(sorted(unknown))}: is not a known key; use {', '.join(sorted(known))}"
    )


def _group(raw: Mapping[str, Any], file: str) -> Group:
    kind: Literal["can", "deny"] = "can" if "can" in raw else "deny"
    sentence = " ".join(str(raw[kind]).split())
    if kind == "deny":
        sentence = f"Deny {sentence}"
    if unknown := raw.keys() - GROUP_KEYS:
        raise unknown_keys(f"{file}: {sentence}", unknown, GROUP_KEYS)
    return Group(
        kind=kind,
        sentence=sentence,
        who=raw["who"],
        rows=tuple(_row(raw_row, raw, sentence, file) for raw_row in raw["rows"]),
    )


def _row(raw: Mapping[str, Any], group: Mapping[str, Any], sentence: str, file: str) -> Row:
    where = f"{file}: {sentence}: {raw.get('what')}"
    if unknown := raw.keys() - ROW_KEYS:
        raise unknown_keys(where, unknown, ROW_KEYS)
    if ("do" in raw) == ("launch" in raw):
        raise TableError(f"{where}: needs either do or launch; give one of the two")
    if raw["decision"] not in DECISIONS:
        raise TableError(
            f"{where}: {raw['decision']} is not a valid decision; use {', '.join(DECISIONS)}"
        )
    return Row(
        sentence=sentence,
        who=group["who"],
        what=raw["what"],
        decision=raw["decision"],
        given={**group.get("given", {}), **raw.get("given", {})},
        body=raw,
    )


def _local(row: Row, placeholders: Placeholders) -> Placeholders:
    """*placeholders* with the region, the owner and the caller of *row*."""
    region = fill(row.body.get("region", "$region"), placeholders)
    return {
        **placeholders,
        "home_region": placeholders["region"],
        "region": region,
        "owner": fill(row.body.get("owner", "$account"), placeholders),
        "principal": placeholders.get(f"principal:{row.who}", ""),
    }


def _single_action(row: Row, placeholders: Placeholders) -> Iterator[Check]:
    name = row.body.get("to", ANY_RESOURCE)
    resource: Part = _defaults()["resources"].get(name) or {"to": name}
    context = {**resource.get("with", {}), **row.body.get("with", {})}
    arn = row.body.get("at", resource["to"])
    yield _check(row, placeholders, "", row.body["do"], arn, context)


def _launch(row: Row, placeholders: Placeholders) -> Iterator[Check]:
    """RunInstances for each part, CreateTags for each part with tags, PassRole for the role."""
    parts = launch_defaults()
    changes: Mapping[str, Part | None] = row.body["launch"]
    for name in (*parts, *(changes.keys() - parts.keys())):
        change = changes.get(name, {})
        if change is None:
            continue
        part: Part = parts.get(name, {})
        arn = change.get("to", part.get("to"))
        tags = _tag_keys(part.get("tags"), change.get("tags", {}))
        context = {**part.get("with", {}), **change.get("with", {}), **tags}
        action = "iam:PassRole" if name == "role" else "ec2:RunInstances"
        yield _check(row, placeholders, name, action, arn, context)
        if tags:
            tagging = {**tags, "ec2:CreateAction": "RunInstances"}
            yield _check(row, placeholders, f"{name}'s tags", "ec2:CreateTags", arn, tagging)


def _tag_keys(tags: Mapping[str, str] | None, change: Mapping[str, str | None] | None) -> Part:
    """The tags of a request as condition keys; a request without tags has no such key."""
    if change is None:
        return {}
    merged = {**(tags or {}), **change}
    requested = {key: value for key, value in merged.items() if value is not None}
    if not requested:
        return {}
    keys = {f"aws:RequestTag/{key}": value for key, value in requested.items()}
    return {**keys, "aws:TagKeys": list(requested)}


def _check(  # noqa: PLR0913, PLR0917 - a question has that many parts
    row: Row, placeholders: Placeholders, part: str, action: str, arn: str, context: Part
) -> Check:
    filled = fill({**assumed_context(action, row.who), **context}, placeholders)
    policy = row.body.get("resource_policy")
    return Check(
        part=part,
        principal=(
            fill(row.body["as"], placeholders) if "as" in row.body else placeholders["principal"]
        ),
        action=action,
        resource=fill(arn, placeholders),
        owner=placeholders["owner"],
        context={key: value for key, value in filled.items() if value is not None},
        resource_policy=resource_policy(policy, placeholders) if policy else None,
    )

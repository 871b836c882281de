"""The form of a value, such as an id or a date, without its content."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

FORMS: Final = (
    ("empty", r""),
    ("id of {0}", r"(ami|acl|[a-z]+(?:-[a-z]+)*)-(?:[0-9a-f]{8}|[0-9a-f]{17})"),
    ("ARN of {0} {1}", r"arn:aws:([a-z0-9-]+):[^:]*:[^:]*:([a-z-]*)[:/].*"),
    ("unique id {0}", r"(A[A-Z]{3})[A-Z0-9]{12,17}"),
    ("account", r"\d{12}"),
    ("number", r"-?\d+(?:\.\d+)?"),
    ("time", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z"),
    ("address", r"\d+(?:\.\d+){3}"),
    ("IPv4 block", r"\d+(?:\.\d+){3}/\d+"),
    ("IPv6 block", r"[0-9a-f:]+/\d+"),
    ("MAC", r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}"),
    ("JSON", r"\s*[{\[].*[}\]]\s*"),
)
TEXT: Final = "text"


def form(value: Any) -> str:
    if isinstance(value, (bool, int, float, datetime)):
        return type(value).__name__
    if not isinstance(value, str):
        return type(value).__name__
    for name, pattern in FORMS:
        if match := re.fullmatch(pattern, value, re.DOTALL):
            return name.format(*match.groups())
    return TEXT


def fields(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Every value with its place; an item of a list has the place of the list."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key != "ResponseMetadata":
                yield from fields(inner, f"{place}.{key}".lstrip("."))
    elif isinstance(value, list):
        for inner in value:
            yield from fields(inner, place)
    else:
        yield place, value


def forms_by_field(answers: list[Any]) -> dict[str, set[str]]:
    forms = defaultdict[str, set[str]](set)
    for answer in answers:
        for place, value in fields(answer):
            forms[place].add(form(value))
    return dict(forms)

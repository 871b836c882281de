"""What a run tells: the mapping, the settings, and the preview with its reasons.

In lines and not in a table: they are read in logs and searched with grep, too.
"""

from collections.abc import Mapping
from typing import Any, Final

from rich.console import Console

from migrate import config
from migrate.judge import Change, Verdict
from migrate.mapping import Plan

NEW: Final = "new in this program"
TAKEN_OVER: Final[Mapping[str, str]] = {
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": (
        "the VPC's default group stands already, and is emptied of its rules"
    ),
}
"""Creations that change something that stands."""


def _line(console: Console, text: str) -> None:
    console.print(text, markup=False, soft_wrap=True)


def show_mapping(console: Console, plan: Plan) -> None:
    _line(console, f"Adopted: {len(plan.adopted)} resources, by their ids")
    for one in plan.adopted:
        kind = one.type.rpartition(":")[2]
        _line(console, f"  {one.address} -> {kind} {one.name} ({one.import_id})")
    if plan.left:
        _line(console, f"Left alone: {len(plan.left)}")
    for one in plan.left:
        _line(console, f"  {one.address} ({one.id}): {one.why}")


def show_settings(console: Console, settings: Mapping[str, Any], *, written: bool) -> None:
    if not settings:
        return
    _line(console, f"{'Set' if written else 'To be set'} in the stack's config:")
    for key, value in settings.items():
        _line(console, f"  {config.NAMESPACE}:{key} = {config.text(value)}")


def show_preview(console: Console, verdict: Verdict) -> None:
    _line(console, "The next update:")
    for one in verdict.changes:
        _line(console, f"  {one.op} {one.type.rpartition(':')[2]} {one.name}{_why(one)}")
    _line(
        console,
        f"{len(verdict.replaced)} to replace, {len(verdict.deleted)} to delete, "
        f"{len(verdict.updated)} to update in place, {len(verdict.created)} to create, "
        f"{verdict.same} unchanged",
    )


def _why(change: Change) -> str:
    if change.op == "create":
        return f": {TAKEN_OVER.get(change.type, NEW)}"
    if change.op != "update":
        return ""
    unexplained = [f"no reason known for {one}" for one in change.unexplained]
    return f" ({', '.join(change.properties)}): {'; '.join([*change.reasons, *unexplained])}"

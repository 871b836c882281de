"""What a run tells: the mapping, the settings, and the preview with its reasons.

In lines and not in a table: they are read in logs and searched with grep, too.
"""

from collections.abc import Mapping
from typing import Any, Final

from sandbox.adopt import adopted_settings as config
from sandbox.adopt.mapping import Plan
from sandbox.adopt.preview_check import Change, Verdict
from sandbox.core import output

NEW: Final = "new in this program"
TAKEN_OVER: Final[Mapping[str, str]] = {
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": (
        "the VPC's default group stands already, and is emptied of its rules"
    ),
}
"""Creations that change something that stands."""


def show_mapping(plan: Plan) -> None:
    output.result(f"Adopted: {len(plan.adopted)} resources, by their ids")
    for one in plan.adopted:
        kind = one.type.rpartition(":")[2]
        output.result(f"  {one.address} -> {kind} {one.name} ({one.import_id})")
    if plan.left:
        output.result(f"Left alone: {len(plan.left)}")
    for one in plan.left:
        output.result(f"  {one.address} ({one.id}): {one.why}")


def show_settings(settings: Mapping[str, Any], *, written: bool) -> None:
    if not settings:
        return
    output.result(f"{'Set' if written else 'To be set'} in the stack's config:")
    for key, value in settings.items():
        output.result(f"  {config.NAMESPACE}:{key} = {config.text(value)}")


def show_preview(verdict: Verdict) -> None:
    output.result("The next update:")
    for one in verdict.changes:
        output.result(f"  {one.op} {one.type.rpartition(':')[2]} {one.name}{_why(one)}")
    output.result(
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

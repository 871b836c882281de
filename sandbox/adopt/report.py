"""Print the result of a run, as lines for logs and `grep`, or as JSON."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from infra import catalogue
from sandbox.adopt import adopted_settings
from sandbox.adopt.adoption import Adoption
from sandbox.adopt.launch import Launch
from sandbox.adopt.machines import Machine
from sandbox.adopt.mapping import AdoptionPlan
from sandbox.adopt.preview_check import PreviewedChange, Verdict
from sandbox.core import output

NEW: Final = "new in this program"
TAKEN_OVER: Final[Mapping[str, str]] = {
    catalogue.DEFAULT_SECURITY_GROUP.name: (
        "AWS created the VPC's default group; the update takes it over and removes its rules"
    ),
}
"""The reason by type, where a creation changes something that exists."""

DECISIONS: Final = {
    "allowed": "allowed",
    "denied": "refused",
    "forbidden": "refused",
    None: "unknown",
}
"""What the report says of IAM's decision."""


def show(adoption: Adoption) -> None:
    _show_plan(adoption.plan)
    _show_settings(adoption.settings, written=adoption.written)
    if adoption.refused_settings:
        output.result("Not taken over, the stack keeps its own value:")
    for key, reason in adoption.refused_settings.items():
        output.result(f"  {adopted_settings.NAMESPACE}:{key} = {reason}")
    _show_preview(adoption.verdict)
    _show_machines(adoption.machines)
    _show_launch(adoption.launch)
    _show_questions(adoption)


def as_json(adoption: Adoption, stack: str) -> Mapping[str, Any]:
    """The stable form that `--json` prints."""
    plan, verdict = adoption.plan, adoption.verdict
    return {
        "stack": stack,
        "adopted": [
            {
                "address": resource.address,
                "type": resource.type,
                "name": resource.name,
                "id": resource.import_id,
            }
            for resource in plan.adopted
        ],
        "left_alone": [
            {"address": resource.address, "id": resource.id, "reason": resource.reason}
            for resource in plan.left_alone
        ],
        "settings": dict(adoption.settings),
        "refused_settings": dict(adoption.refused_settings),
        "changes": [
            {
                "operation": change.operation,
                "type": change.type,
                "name": change.name,
                "kind": change.kind,
                "properties": list(change.properties),
                "reasons": list(_reasons(change)),
                "unexplained": list(change.unexplained),
                "details": [*change.details, *change.objections],
            }
            for change in verdict.changes
        ],
        "machines": [
            {
                "id": machine.id,
                "type": machine.type,
                "state": machine.state,
                "image": machine.image,
                "launched": machine.launched,
                "user_id": machine.user,
                "lacks": list(machine.lacks),
                "commands": list(machine.commands),
            }
            for machine in adoption.machines
        ],
        "launch": _launch_as_json(adoption.launch),
        "questions": [
            {
                "about": question.about,
                "option": question.answer.option,
                "yes": question.answer.yes,
                "no": question.answer.no,
                "answered": question not in adoption.open_questions,
            }
            for question in adoption.questions
        ],
        "verdict": {
            "sound": verdict.sound,
            "objections": list(verdict.objections),
            "unchanged": verdict.unchanged,
        },
    }


def _show_plan(plan: AdoptionPlan) -> None:
    output.result(f"Adopted by their ids: {len(plan.adopted)}")
    for resource in plan.adopted:
        kind = resource.type.rpartition(":")[2]
        output.result(f"  {resource.address} -> {kind} {resource.name} ({resource.import_id})")
    if plan.left_alone:
        output.result(f"Left alone: {len(plan.left_alone)}")
    for resource in plan.left_alone:
        output.result(f"  {resource.address} ({resource.id}): {resource.reason}")


def _show_settings(settings: Mapping[str, Any], *, written: bool) -> None:
    if settings:
        output.result("Settings written to the stack:" if written else "Settings to write:")
    for key, value in settings.items():
        output.result(f"  {adopted_settings.NAMESPACE}:{key} = {adopted_settings.text(value)}")


def _show_preview(verdict: Verdict) -> None:
    output.result("The next update:")
    for change in verdict.changes:
        kind = change.type.rpartition(":")[2]
        output.result(f"  {change.operation} {kind} {change.name}{_explanation(change)}")
        for detail in (*change.details, *change.objections):
            output.result(f"    {detail}")
    output.result(
        f"{verdict.count('replace')} to replace, {verdict.count('delete')} to delete, "
        f"{verdict.count('update')} to update in place, {verdict.count('create')} to create, "
        f"{verdict.unchanged} unchanged"
    )


def _show_machines(machines: Sequence[Machine]) -> None:
    if not machines:
        return
    output.result(f"Machines in the VPC: {len(machines)}")
    for machine in machines:
        user = f", of {machine.user}" if machine.user else ""
        lacks = f"the manager could not stop it: {'; '.join(machine.lacks)}"
        judged = lacks if machine.lacks else "the manager can stop it"
        output.result(f"  {machine.id} ({machine.type}, {machine.state}{user}): {judged}")
    commands = [command for machine in machines for command in machine.commands]
    if commands:
        output.result("Before the update, run as an operator, not as the manager:")
    for command in commands:
        output.result(f"  {command}")
    images = sorted({machine.image for machine in machines})
    if len(images) > 1:
        output.result(
            f"The machines run {len(images)} images: {', '.join(images)}. Name the one that the "
            "service launches: sandbox settings set sandbox_ami_id ID"
        )


def _show_launch(launch: Launch | None) -> None:
    if launch is None:
        return
    output.result(f"A launch like that of {launch.machine}, the newest machine, after the update:")
    for part in launch.parts:
        output.result(f"  {part.name}: {DECISIONS[part.decision]}")
        for change in part.changes:
            output.result(f"    {change}")
    if launch.not_judged:
        output.result(f"IAM's simulator did not judge it: {launch.not_judged}")
    if launch.is_refused:
        output.result(
            "Before the update, change the service as listed, launch a machine, and check again."
        )


def _show_questions(adoption: Adoption) -> None:
    if adoption.questions:
        output.result("Questions to you:")
    for question in adoption.questions:
        answered = "" if question in adoption.open_questions else ", as you answered"
        output.result(f"  {question.about}")
        output.result(f"    yes, {question.answer.option}{answered}: {question.answer.yes}")
        output.result(f"    no: {question.answer.no}")


def _launch_as_json(launch: Launch | None) -> Mapping[str, Any] | None:
    if launch is None:
        return None
    return {
        "machine": launch.machine,
        "parts": [
            {"name": part.name, "decision": part.decision, "changes": list(part.changes)}
            for part in launch.parts
        ],
        "not_judged": launch.not_judged,
    }


def _reasons(change: PreviewedChange) -> tuple[str, ...]:
    if change.operation == "create":
        return (TAKEN_OVER.get(change.type, NEW),)
    return change.reasons


def _explanation(change: PreviewedChange) -> str:
    unexplained = (f"no known reason for {name}" for name in change.unexplained)
    reasons = "; ".join([*_reasons(change), *unexplained])
    properties = f" ({', '.join(change.properties)})" if change.properties else ""
    return f"{properties}: {reasons}" if reasons else properties

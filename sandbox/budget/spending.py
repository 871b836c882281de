"""The report about a stack's budget, and the steps from a spent budget to an armed one."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from infra import cost_allocation, names
from infra.aws_clients import AwsClients
from infra.cost_allocation import ACTIVE
from sandbox.core import budget as core
from sandbox.core.budget import ARMED, Budget
from sandbox.core.errors import NotYetError, RefusedError, SandboxError
from sandbox.core.stack import Resource, Stack

COLUMNS: Final = ("", "item", "details")
NEXT: Final = {
    "EXECUTION_SUCCESS": "REVERSE_BUDGET_ACTION",
    "REVERSE_FAILURE": "REVERSE_BUDGET_ACTION",
    "REVERSE_SUCCESS": "RESET_BUDGET_ACTION",
    "RESET_FAILURE": "RESET_BUDGET_ACTION",
}
"""The execution that leads from each status towards `ARMED`."""
PASSING: Final = frozenset({"EXECUTION_IN_PROGRESS", "REVERSE_IN_PROGRESS", "RESET_IN_PROGRESS"})
POLLS: Final = 60
POLL_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What `sandbox budget status` shows."""

    stack: str
    budget: Budget
    tag_status: str
    """The status of the cost allocation tag by which AWS counts, or why AWS does not tell it."""

    @property
    def ok(self) -> bool:
        """False if somebody should act."""
        return self.budget.armed and self.tag_status == ACTIVE

    def rows(self) -> list[tuple[str, str, str]]:
        counted = self.tag_status == ACTIVE
        tag = f"tag {names.PROJECT_TAG}"
        details = (
            "active: AWS counts what carries it"
            if counted
            else f"{self.tag_status}: AWS counts nothing as long as it is not active; "
            "see sandbox doctor"
        )
        return [
            ("ok", "spent", self.budget.amounts),
            (_mark(ok=self.budget.armed), "stop", self.budget.state(self.stack)),
            (_mark(ok=counted), tag, details),
        ]

    def as_json(self) -> dict[str, Any]:
        """The report for a program. Amounts are text, so that nothing is rounded."""
        return {
            "limit": str(self.budget.limit),
            "spent": str(self.budget.spent),
            "currency": "USD",
            "status": self.budget.status,
            "attached": self.budget.attached,
            "armed": self.budget.armed,
            "tag_status": self.tag_status,
        }


def _mark(*, ok: bool) -> str:
    return "ok" if ok else "check"


def report(stack: Stack) -> Report:
    """Read the budget, and whether AWS counts its costs.

    Raises:
        RefusedError: the stack has no budget.
    """
    stop = Stop.of(stack)
    return Report(stack=stack.name, budget=stop.read(), tag_status=_tag_status(stop.aws))


def _tag_status(aws: AwsClients) -> str:
    tag = names.PROJECT_TAG
    try:
        return cost_allocation.statuses(aws.cost_explorer, [tag])[tag]
    except (BotoCoreError, ClientError) as error:
        return str(cost_allocation.refusal(error))


def confirm_lift(stack: Stack, budget: Budget, confirm: Callable[[str], None]) -> None:
    """Ask whether to lift the stop, with what AWS will do next."""
    again = (
        f" ({budget.amounts} are spent, so AWS attaches it again within hours; raise "
        "sandbox:monthly_budget_usd first)"
        if budget.spent >= budget.limit
        else ""
    )
    confirm(f"stack {stack.name}: lift the spending stop and arm it again{again}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """The action of a stack's budget, and the account that it is in."""

    aws: AwsClients
    action: Resource

    @classmethod
    def of(cls, stack: Stack) -> "Stop":
        """The stop of *stack*.

        Raises:
            RefusedError: the stack has no budget.
        """
        aws = stack.aws()
        action = core.action_of(stack.resources())
        if action is None:
            raise RefusedError(
                f"stack {stack.name}: has no budget; set sandbox:monthly_budget_usd and "
                "sandbox:budget_email, then update the stack"
            )
        return cls(aws=aws, action=action)

    def read(self) -> Budget:
        return core.read(self.aws, self.action)

    def lift(self) -> None:
        """Lift the stop from the manager, then arm it; continues after an interruption.

        Raises:
            NotYetError: AWS takes longer than two minutes.
            SandboxError: AWS cannot lift or arm it.
        """
        executed = ""
        for _ in range(POLLS):
            status = self.read().status
            if status == ARMED:
                self._detach()
                return
            execution = NEXT.get(status)
            if execution is None and status not in PASSING:
                text, cure = core.STATES.get(status, (status, "see the Budgets console"))
                raise SandboxError(f"the budget is {text}; {cure}")
            if execution and execution == executed and status.endswith("_FAILURE"):
                raise SandboxError(
                    f"{core.STATES[status][0]}; check the role {names.BUDGET} and its policy, "
                    "then run the same command again"
                )
            if execution and execution != executed:
                self.aws.budgets.execute_budget_action(
                    **core.names_of(self.action),
                    ExecutionType=execution,  # pyrefly: ignore[bad-argument-type] - one of NEXT
                )
                executed = execution
            time.sleep(POLL_SECONDS)
        raise NotYetError("AWS still lifts or arms the stop; run the same command again")

    def _detach(self) -> None:
        """Detach a stop that a reset by hand, or a new month, left attached."""
        stop = core.stop_of(self.action)
        for kind, name in self._targets():
            listed = self.aws.list_all(
                "iam",
                f"list_attached_{kind}_policies",
                "AttachedPolicies[].PolicyArn",
                **{f"{kind.title()}Name": name},
            )
            if stop in listed:
                detach: Any = getattr(self.aws.iam, f"detach_{kind}_policy")
                detach(**{f"{kind.title()}Name": name}, PolicyArn=stop)

    def _targets(self) -> Iterator[tuple[str, str]]:
        """The kind and the name of each identity that the stop is attached to."""
        definition: Mapping[str, Any] = self.action.outputs["definition"]["iamActionDefinition"]
        for kind in ("user", "role"):
            names_of_kind: Sequence[str] = definition.get(f"{kind}s") or []
            for name in names_of_kind:
                yield kind, name

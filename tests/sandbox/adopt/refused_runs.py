"""Runs that are refused for another reason than the state: what brings each, and its cure.

The account, the stack and the preview are as their readers see them; none needs an engine.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Final

from botocore.exceptions import ClientError

from infra.aws_clients import AwsClients
from sandbox.adopt import adoption, run, terraform_state
from sandbox.adopt.account import require_account
from sandbox.adopt.answers import MACHINES, PERMISSIONS, TAGS, Answer
from sandbox.adopt.key_limit import require_key_limit
from sandbox.adopt.machines import Machine, listing
from sandbox.adopt.mapping import AdoptedResource, AdoptionPlan, plan_adoption, resource_urn
from sandbox.adopt.preview_check import check_preview
from sandbox.adopt.questions import Answers, questions
from sandbox.core import project
from sandbox.core.errors import SandboxError
from tests.sandbox.adopt.fake_account import original
from tests.sandbox.adopt.variants import without

ACCOUNT: Final = "123456789012"
STACK: Final = "production"
WHERE: Final = "old.tfstate"
POLICY: Final = "sandbox:manager:Manager$aws:iam/policy:Policy::sandbox-manager-policy"
VPC: Final = "sandbox:network:Network$aws:ec2/vpc:Vpc::sandbox-vpc"
USER: Final = "sandbox:manager:Manager$aws:iam/user:User::sandbox-manager"
ORGANIZATIONS: Final = f"arn:aws:iam::{ACCOUNT}:policy/organization"
Run = Callable[[], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedRun:
    """A run that is refused, and the same run after the cure of its message."""

    refused: Run
    cured: Run


class AnsweringAccount:
    """An account in which AWS answers what is given, or refuses *operation* with *code*."""

    def __init__(
        self,
        *,
        account: str = ACCOUNT,
        keys: tuple[str, ...] = (),
        operation: str = "",
        code: str = "",
        words: str = "",
    ) -> None:
        self.region = "us-east-1"
        self.sts = SimpleNamespace(get_caller_identity=lambda: self._answer({"Account": account}))
        self.keys = [{"AccessKeyId": key} for key in keys]
        self.error: Any = {"Error": {"Code": code, "Message": words}}
        self.operation = operation

    def list_all(self, *_: object, **__: object) -> Any:
        return self._answer(self.keys)

    def describe(self, *_: object) -> Any:
        return self._answer([])

    def _answer(self, value: Any) -> Any:
        if self.operation:
            raise ClientError(self.error, self.operation)
        return value


def account(**parts: Any) -> AwsClients:
    answering: Any = AnsweringAccount(**parts)
    return answering


EXPIRED: Final = account(
    operation="GetCallerIdentity",
    code="ExpiredToken",
    words="The security token included in the request is expired",
)
NO_KEYS: Final = account(
    operation="ListAccessKeys",
    code="AccessDenied",
    words=f"User: arn:aws:iam::{ACCOUNT}:user/engineer is not authorized to perform: "
    "iam:ListAccessKeys",
)
NO_MACHINES: Final = account(
    operation="DescribeInstances",
    code="UnauthorizedOperation",
    words="You are not authorized to perform this operation.",
)


def state_and_plan(change: Any = lambda state: state) -> tuple[terraform_state.State, AdoptionPlan]:
    state = terraform_state.parse(json.dumps(change(original())).encode(), WHERE)
    return state, plan_adoption(state)


def vpc_of(plan: AdoptionPlan) -> tuple[str, AdoptedResource]:
    """The planned VPC, with its URN in the stack."""
    [vpc] = [resource for resource in plan.adopted if resource.type == "aws:ec2/vpc:Vpc"]
    return resource_urn(STACK, project.NAME, vpc), vpc


def adopted_into(*vpc_ids: str) -> Run:
    """Look for what is missing in a stack with these VPCs."""
    state, plan = state_and_plan()
    urn, _ = vpc_of(plan)
    resources = [{"urn": urn, "id": vpc_id} for vpc_id in vpc_ids]
    return lambda: adoption.missing_resources(
        state, plan, STACK, {"deployment": {"resources": resources}}
    )


def imported(problem: str) -> Run:
    """Import the VPC, at which the engine says *problem*; "" if it says none."""
    _, plan = state_and_plan()
    urn, vpc = vpc_of(plan)

    def import_resources(_: object) -> None:
        if problem:
            raise SandboxError(f"stack {STACK}: aws:ec2/vpc:Vpc sandbox-vpc: {problem}")

    scratch: Any = SimpleNamespace(short_name=STACK, import_resources=import_resources)
    return lambda: adoption.read_from_account(scratch, {"deployment": {}}, "urn", {urn: vpc})


def key_limit(*keys: str) -> Run:
    _, plan = state_and_plan(without("aws_iam_access_key"))
    return lambda: require_key_limit(plan, account(keys=keys), WHERE)


def updated(operation: str, urn_end: str = VPC, *, old: Any = None, new: Any = None) -> Any:
    """A step of the next update, with *old* and *new* inputs."""
    return {
        "op": operation,
        "urn": f"urn:pulumi:{STACK}::sandbox::{urn_end}",
        "detailedDiff": {key: {} for key in old or {}},
        "oldState": {"inputs": old or {}},
        "newState": {"inputs": new or {}},
    }


def judged(*steps: Any, machine: str = "", answer: Answer | None = None) -> Run:
    """The end of a run whose preview has *steps*, with a machine that lost its manager."""
    _, plan = state_and_plan()
    verdict = check_preview({"steps": list(steps)})
    lost = Machine(
        id=machine,
        type="g5.xlarge",
        state="running",
        image="ami-1",
        launched="",
        user="",
        lacks=("its profile is not set",),
        commands=(),
    )
    asked = questions(verdict, [lost] if machine else [])
    given = frozenset({answer.option} if answer else ())
    ended = adoption.Adoption(
        plan=plan,
        settings={},
        refused_settings={},
        missing=plan.adopted,
        verdict=verdict,
        machines=(),
        launch=None,
        questions=asked,
        open_questions=Answers(given=given).open(asked),
        written=False,
    )
    return lambda: run.require_sound(ended, STACK)


def text(*actions: str) -> str:
    return json.dumps({"Statement": [{"Effect": "Allow", "Action": [*actions], "Resource": "*"}]})


TAGGED: Final = updated("update", old={"tags": {"Owner": "x"}}, new={"tags": {}})
EXTENDED: Final = updated(
    "update", POLICY, old={"policy": text("sqs:SendMessage")}, new={"policy": text("ec2:Start*")}
)
BOUNDED: Final = updated(
    "update",
    USER,
    old={"permissionsBoundary": ORGANIZATIONS},
    new={"permissionsBoundary": "not known yet"},
)
REPLACED: Final = updated("replace")
CHANGED: Final = updated("update", old={"cidrBlock": "10.100.0.0/16"}, new={"cidrBlock": "x"})
SAME: Final = updated("same")
REFUSED_RUNS: Final[Mapping[str, RefusedRun]] = {
    "credentials of another account": RefusedRun(
        refused=lambda: require_account(account(account="210987654321"), ACCOUNT, WHERE),
        cured=lambda: require_account(account(), ACCOUNT, WHERE),
    ),
    "credentials that AWS does not accept": RefusedRun(
        refused=lambda: require_account(EXPIRED, ACCOUNT, WHERE),
        cured=lambda: require_account(account(), ACCOUNT, WHERE),
    ),
    "a key that somebody created by hand": RefusedRun(
        refused=key_limit("AKIAIOSFODNN7EXAMPLE", "AKIAI44QH8DHBEXAMPLE"),
        cured=key_limit("AKIAIOSFODNN7EXAMPLE"),
    ),
    "no right to list the keys": RefusedRun(
        refused=lambda: require_key_limit(state_and_plan()[1], NO_KEYS, WHERE),
        cured=key_limit(),
    ),
    "no right to list the machines": RefusedRun(
        refused=lambda: listing(NO_MACHINES, "vpc-1"),
        cured=lambda: listing(account(), "vpc-1"),
    ),
    "a stack of another environment": RefusedRun(
        refused=adopted_into("vpc-0ffffffffffffffff"), cured=adopted_into()
    ),
    "a resource that is only in the state": RefusedRun(
        refused=imported("does not exist"), cured=imported("")
    ),
    "a replacement in the next update": RefusedRun(refused=judged(REPLACED), cured=judged(SAME)),
    "a change without a known reason": RefusedRun(refused=judged(CHANGED), cured=judged(SAME)),
    "another boundary than the stack's": RefusedRun(refused=judged(BOUNDED), cured=judged(SAME)),
    "a tag that is not the module's": RefusedRun(
        refused=judged(TAGGED), cured=judged(TAGGED, answer=TAGS)
    ),
    "a permission that is not the module's": RefusedRun(
        refused=judged(EXTENDED), cured=judged(EXTENDED, answer=PERMISSIONS)
    ),
    "a machine that the manager could not stop": RefusedRun(
        refused=judged(machine="i-0123456789abcdef0"),
        cured=judged(machine="i-0123456789abcdef0", answer=MACHINES),
    ),
}


def refusals() -> Iterator[tuple[str, str, str]]:
    """Each run, and the problem and the cure of its message; `make docs` prints them."""
    for name, case in REFUSED_RUNS.items():
        try:
            case.refused()
        except SandboxError as error:
            problem, _, cure = str(error).removeprefix(f"{WHERE}: ").rpartition("; ")
            yield name, problem, cure

"""A recorder of the registered resources, for tests without an engine."""

import asyncio
import gc
import json
import runpy
import signal
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

import pulumi
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime import mocks, rpc, stack
from pulumi.runtime.config import set_all_config
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.settings import set_root_resource

ROOT: Final = Path(__file__).parents[2]
PROGRAM: Final = ROOT / "__main__.py"
ACCOUNT: Final = "123456789012"
ZONES: Final = ("us-east-1a", "us-east-1b", "us-east-1c", "us-east-1d", "us-east-1e", "us-east-1f")


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A registered resource."""

    urn: str
    type: str
    name: str
    parent: str
    inputs: Mapping[str, Any]
    protect: bool
    provider: str
    custom: bool
    hooks: tuple[str, ...]
    """The hooks that run before its creation."""


@dataclass(slots=True)
class Record:
    """Everything that one run registered, looked up and exported."""

    resources: list[Registered] = field(default_factory=list[Registered])
    invokes: list[str] = field(default_factory=list[str])
    hooks: dict[str, pulumi.ResourceHook] = field(default_factory=dict[str, pulumi.ResourceHook])
    outputs: dict[str, Any] = field(default_factory=dict[str, Any])
    standing: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The resources of the stack's last update by URN, in the form of the engine's answer."""

    def inputs(self, class_name: str) -> list[Mapping[str, Any]]:
        """The inputs of each resource whose type ends in *class_name*, for example `Subnet`."""
        return [
            resource.inputs
            for resource in self.resources
            if resource.type.endswith(f":{class_name}")
        ]

    def only(self, class_name: str, name: str = "") -> Registered:
        """The only resource of *class_name* (and *name*)."""
        [resource] = [
            resource
            for resource in self.resources
            if resource.type.endswith(f":{class_name}") and (not name or resource.name == name)
        ]
        return resource


def config_text(value: object) -> str:
    """*value* in the form in which the engine passes it to a program."""
    return value if isinstance(value, str) else json.dumps(value)


def invoke_answer(token: str, standing: Mapping[str, Any]) -> Mapping[str, Any]:
    """The answer of the engine, or of a new account, to the program's call *token*."""
    return {
        "pulumi:pulumi:readStackResourceOutputs": {"outputs": standing},
        "aws:index/getCallerIdentity:getCallerIdentity": {
            "accountId": ACCOUNT,
            "arn": f"arn:aws:iam::{ACCOUNT}:user/engineer",
            "id": ACCOUNT,
            "userId": "AIDAEXAMPLE",
        },
        "aws:index/getAvailabilityZones:getAvailabilityZones": {
            "names": list(ZONES),
            "zoneIds": [],
            "id": "us-east-1",
            "region": "us-east-1",
            "groupNames": [],
        },
    }[token]


class Cloud(mocks.Mocks):
    """Answers like a new account."""

    def __init__(self, record: Record) -> None:
        self.record = record

    def call(self, args: mocks.MockCallArgs) -> Any:
        self.record.invokes.append(args.token)
        return invoke_answer(args.token, self.record.standing), []

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        identifier = f"{args.name}-id"
        return identifier, {
            "arn": _arn(args),
            "name": args.name,
            "secret": "canary-of-the-access-key",
            **args.inputs,
        }


def _arn(args: mocks.MockResourceArgs) -> str:
    """A real ARN for users and roles, which policies depend on."""
    if args.typ in {"aws:iam/user:User", "aws:iam/role:Role"}:
        path = args.inputs.get("path", "/")
        return f"arn:aws:iam::{ACCOUNT}:{args.typ.rsplit(':', 1)[1].lower()}{path}{args.name}"
    return f"arn:aws:mock:::{args.name}"


class Monitor(mocks.MockMonitor):
    """The engine's monitor, with the features that the SDK's mocks lack."""

    def __init__(self, record: Record, standing: Collection[str] | None = None) -> None:
        super().__init__(Cloud(record))
        self.record = record
        self._standing = standing
        self._skipped: set[str] = set()

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the base class's
        if request.custom and self._is_skipped(request):
            urn = self.make_urn(request.parent, request.type, request.name)
            self._skipped.add(urn)
            # older engines give None for each output, later ones give unknown values
            return resource_pb2.RegisterResourceResponse(urn=urn)
        answer = super().RegisterResource(request)
        if request.type != "pulumi:pulumi:Stack":
            self.record.resources.append(
                Registered(
                    urn=answer.urn,
                    type=request.type,
                    name=request.name,
                    parent=request.parent,
                    inputs=rpc.deserialize_properties(request.object),
                    protect=request.protect,
                    provider=request.provider or request.providers.get("aws", ""),
                    custom=request.custom,
                    hooks=tuple(request.hooks.before_create),
                )
            )
        return answer

    def _is_skipped(self, request: Any) -> bool:
        """Whether a destroy skips the resource: it does not exist, or a dependency is skipped."""
        if self._standing is None:
            return False
        urn = self.make_urn(request.parent, request.type, request.name)
        return urn not in self._standing or not self._skipped.isdisjoint(request.dependencies)

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 - the base class's
        if request.urn.rsplit("::", 2)[1] == "pulumi:pulumi:Stack":
            self.record.outputs.update(
                rpc.deserialize_properties(request.outputs, keep_unknowns=True)
            )
        return empty_pb2.Empty()


class Run:
    """Runs the program, or a part of it; *last* holds what the latest run registered."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # the SDK's mocks support no hooks; tests/e2e tests them on the engine
        monkeypatch.setattr("pulumi.resource_hooks.register_resource_hook", self._hook)
        # without hooks nobody reads the answers about the names
        monkeypatch.setattr("infra.preflight.free_names.is_new", lambda _: False)
        self.last = Record()
        self.standing: Mapping[str, Any] = {}
        """The resources of the stack's last update, for the following runs."""

    def __call__(
        self,
        part: Callable[[], Any] | None = None,
        /,
        **config: object,
    ) -> Record:
        """Run *part*, or the program, with the settings *config*."""
        return self._run(part or self._program, config)

    def in_destroy(self, standing: Collection[str], /, **config: object) -> Record:
        """Run the program like a destroy of a stack with only the resources *standing*, by URN."""
        return self._run(self._program, config, standing)

    def _run(
        self,
        part: Callable[[], Any],
        config: Mapping[str, object],
        standing: Collection[str] | None = None,
    ) -> Record:
        self.last = record = Record(standing=self.standing)
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)  # before the mocks, which use it
        mocks.set_mocks(Cloud(record), project="sandbox", monitor=Monitor(record, standing))
        # the mocks bring a stack of their own, but the program must create it
        set_root_resource(cast("Any", None))
        set_all_config({f"sandbox:{key}": config_text(value) for key, value in config.items()})
        on_interrupt = signal.getsignal(signal.SIGINT)  # the program sets its own
        try:
            loop.run_until_complete(stack.run_in_stack(part))
        finally:
            set_all_config({})
            loop.close()
            signal.signal(signal.SIGINT, on_interrupt)
            gc.unfreeze()  # the program disables the garbage collector, but the tests need it
            gc.enable()
        return record

    @staticmethod
    def _program() -> None:
        runpy.run_path(str(PROGRAM), run_name="__main__")

    def _hook(self, registered: pulumi.ResourceHook) -> "asyncio.Future[None]":
        self.last.hooks[registered.name] = registered
        future: asyncio.Future[None] = asyncio.get_event_loop().create_future()
        future.set_result(None)
        return future


@pytest.fixture
def record(monkeypatch: pytest.MonkeyPatch) -> Run:
    return Run(monkeypatch)


@pytest.fixture
def fake_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Made-up AWS keys, so that no test can reach a real account."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")

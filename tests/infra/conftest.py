"""One recorder for all tests of the program: it keeps what was registered, without an engine."""

import asyncio
import gc
import json
import runpy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pulumi
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime import mocks, rpc, stack
from pulumi.runtime.config import set_all_config
from pulumi.runtime.settings import set_root_resource

PROGRAM = Path(__file__).parents[2] / "__main__.py"
ACCOUNT = "123456789012"
ZONES = ("us-east-1a", "us-east-1b", "us-east-1c", "us-east-1d", "us-east-1e", "us-east-1f")


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A resource as the program asked the engine for it."""

    type: str
    name: str
    parent: str
    inputs: Mapping[str, Any]
    protect: bool
    provider: str


@dataclass(slots=True)
class Record:
    """Everything that one run registered, asked, and handed out."""

    resources: list[Registered] = field(default_factory=list[Registered])
    invokes: list[str] = field(default_factory=list[str])
    hooks: list[str] = field(default_factory=list[str])
    outputs: dict[str, Any] = field(default_factory=dict[str, Any])

    def inputs(self, kind: str) -> list[Mapping[str, Any]]:
        """The inputs of every resource whose type ends in *kind*: `Subnet`."""
        return [one.inputs for one in self.resources if one.type.endswith(f":{kind}")]

    def one(self, kind: str, name: str = "") -> Registered:
        """The only resource of *kind* (and *name*)."""
        found = [
            one
            for one in self.resources
            if one.type.endswith(f":{kind}") and (not name or one.name == name)
        ]
        assert len(found) == 1, [one.name for one in found]
        return found[0]


class Cloud(mocks.Mocks):
    """Answers as a new account would."""

    def __init__(self, record: Record) -> None:
        self.record = record

    def call(self, args: mocks.MockCallArgs) -> Any:
        self.record.invokes.append(args.token)
        answers: dict[str, dict[str, Any]] = {
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
        }
        return answers[args.token], []

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        identifier = f"{args.name}-id"
        return identifier, {
            "arn": f"arn:aws:mock:::{args.name}",
            "name": args.name,
            "secret": "canary-of-the-access-key",
            **args.inputs,
        }


class Monitor(mocks.MockMonitor):
    """The engine's monitor, with what the mocks of the SDK leave out."""

    def __init__(self, record: Record) -> None:
        super().__init__(Cloud(record))
        self.record = record

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the base class's
        answer = super().RegisterResource(request)
        if request.type != "pulumi:pulumi:Stack":
            self.record.resources.append(
                Registered(
                    type=request.type,
                    name=request.name,
                    parent=request.parent,
                    inputs=rpc.deserialize_properties(request.object),
                    protect=request.protect,
                    provider=request.provider or request.providers.get("aws", ""),
                )
            )
        return answer

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 - the base class's
        if request.urn.rsplit("::", 2)[1] == "pulumi:pulumi:Stack":
            self.record.outputs.update(
                rpc.deserialize_properties(request.outputs, keep_unknowns=True)
            )
        return empty_pb2.Empty()


class Run:
    """Run the program, or one part of it; *last* is what the latest run registered."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # the SDK's mocks know no callbacks; the engine's own are tested end to end
        monkeypatch.setattr("pulumi.resource_hooks.register_resource_hook", self._hook)
        self.last = Record()

    def __call__(self, part: Callable[[], Any] | None = None, /, **config: object) -> Record:
        self.last = kept = Record()
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)  # before the mocks, which already use it
        mocks.set_mocks(Cloud(kept), project="sandbox", monitor=Monitor(kept))
        set_root_resource(
            cast("Any", None)
        )  # the mocks bring a stack, the program is to make its own
        texts = {
            f"sandbox:{key}": value if isinstance(value, str) else json.dumps(value)
            for key, value in config.items()
        }
        set_all_config(texts)
        try:
            loop.run_until_complete(stack.run_in_stack(part or self._program))
        finally:
            set_all_config({})
            loop.close()
            gc.unfreeze()  # the program has put the collector to rest, and the tests go on
            gc.enable()
        return kept

    @staticmethod
    def _program() -> None:
        runpy.run_path(str(PROGRAM), run_name="__main__")

    def _hook(self, registered: pulumi.ResourceHook) -> "asyncio.Future[None]":
        self.last.hooks.append(registered.name)
        done: asyncio.Future[None] = asyncio.get_event_loop().create_future()
        done.set_result(None)
        return done


@pytest.fixture
def record(monkeypatch: pytest.MonkeyPatch) -> Run:
    return Run(monkeypatch)

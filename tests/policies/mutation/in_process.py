"""The program and the pack in one process: like a preview, but fast, with all values known.

The monitor keeps the program's requests, and passes them to the pack in the engine's form. No
provider changes the inputs here; tests/policies/test_engine.py has one.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime import mocks, proto, stack
from pulumi.runtime.config import set_all_config
from pulumi.runtime.settings import set_root_resource
from pulumi_policy import deserialize

from policies import config
from policies.additions import Addition
from policies.config import Parameters
from tests.infra.conftest import ACCOUNT, invoke_answer
from tests.policies.mutation.apply import run
from tests.policies.mutation.mutant import Mutant
from tests.policies.pack_server import PackFinding, PackServer, violations

REPOSITORY = Path(__file__).parents[3]
PREFIXES = {"Vpc": "vpc", "InternetGateway": "igw", "RouteTable": "rtb", "Subnet": "subnet"}
ARN_KINDS = {
    "InstanceProfile": "instance-profile",
    "Policy": "policy",
    "Role": "role",
    "User": "user",
}
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


class AwsShapedMocks(mocks.Mocks):
    """Gives every resource an id and an ARN in AWS's form."""

    def __init__(self, region: str) -> None:
        super().__init__()
        self.region = region

    def call(self, args: mocks.MockCallArgs) -> Any:
        return invoke_answer(args.token, {}), []

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        name = args.inputs.get(
            "name", f"{args.name}-1a2b3c4"
        )  # in the form that the provider generates
        type_name = args.typ.rpartition(":")[2]
        outputs = {**args.inputs}
        path = args.inputs.get("path", "/")
        if type_name == "AccessKey":
            created = f"{datetime.now(tz=UTC):%Y-%m-%dT%H:%M:%SZ}"
            outputs = {"status": "Active", **outputs, "secret": SECRET, "createDate": created}
        if kind := ARN_KINDS.get(type_name):
            outputs["arn"] = f"arn:aws:iam::{ACCOUNT}:{kind}{path}{name}"
        if type_name == "LogGroup":
            outputs["arn"] = f"arn:aws:logs:{self.region}:{ACCOUNT}:log-group:{name}"
        if type_name == "Vpc":
            outputs["ownerId"] = ACCOUNT
        digits = f"{abs(hash(args.name)):x}"[:12].rjust(17, "0")
        return f"{PREFIXES.get(type_name, 'id')}-{digits}", {"name": name, **outputs}


def _default_provider(resource_type: str) -> str:
    """The provider that the engine adds to a resource without one."""
    package = resource_type.partition(":")[0]
    return f"urn:pulumi:stack::project::pulumi:providers:{package}::default"


class RecordingMonitor(mocks.MockMonitor):
    """Keeps the requests as the engine's messages to a pack."""

    def __init__(self, region: str) -> None:
        super().__init__(AwsShapedMocks(region))
        self.inputs: list[Any] = []
        self.final: dict[str, Any] = {}
        self.providers: dict[str, Any] = {}

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the base class's
        answer = super().RegisterResource(request)
        if request.type.startswith("pulumi:providers:"):
            self.providers[answer.urn] = request.object
        options = proto.AnalyzerResourceOptions(
            protect=request.protect,
            ignoreChanges=request.ignoreChanges,
            additionalSecretOutputs=request.additionalSecretOutputs,
            parent=request.parent,
        )
        common: dict[str, Any] = {
            "type": request.type,
            "urn": answer.urn,
            "name": request.name,
            "options": options,
        }
        analyzed = proto.AnalyzeRequest(properties=request.object, **common)
        outputs = struct_pb2.Struct()
        outputs.CopyFrom(request.object)
        outputs.MergeFrom(answer.object)
        if answer.id:
            outputs["id"] = answer.id
        for key in request.additionalSecretOutputs:
            if key in outputs:
                value = outputs[key]
                mark = {deserialize.SPECIAL_SIG_KEY: deserialize.SPECIAL_SECRET_SIG}
                outputs.update({key: {**mark, "value": value}})
        final = proto.AnalyzerResource(properties=outputs, **common)
        for key, dependency in request.propertyDependencies.items():
            final.propertyDependencies[key].urns.extend(dependency.urns)
        is_made = request.custom and not request.type.startswith("pulumi:providers:")
        provider = request.provider.rpartition("::")[0] or _default_provider(request.type)
        for message in (analyzed, final) if is_made else ():
            message.provider.urn = provider
            message.provider.properties.CopyFrom(self.providers.get(provider, struct_pb2.Struct()))
        self.inputs.append(analyzed)
        self.final[answer.urn] = final
        return answer

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 - the base class's
        if request.urn in self.final:
            self.final[request.urn].properties.CopyFrom(request.outputs)
        return empty_pb2.Empty()


@lru_cache
def pack_server(parameters: Parameters) -> PackServer:
    return PackServer(parameters)


def check(
    mutants: Sequence[Mutant] = (),
    settings: Mapping[str, Any] | None = None,
    additions: Sequence[Addition] = (),
) -> list[PackFinding]:
    """The findings of the pack on the program with *mutants*, in the stack "production".

    The program and the pack both get the stack's *settings*, as in the engine.
    """
    values: dict[str, Any] = {"protect": True}
    for config_of_stack in (*(mutant.config for mutant in mutants), settings or {}):
        values.update(config_of_stack)
    texts = {
        f"sandbox:{key}": value if isinstance(value, str) else json.dumps(value)
        for key, value in values.items()
    }
    parameters = config.stack_parameters(texts, "production")
    parameters = replace(parameters, additions=tuple(additions))
    server = pack_server(parameters)
    monitor = RecordingMonitor(parameters.region)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)  # before the mocks, which use it
    mocks.set_mocks(
        AwsShapedMocks(parameters.region), project="sandbox", stack="production", monitor=monitor
    )
    set_root_resource(cast("Any", None))  # the program creates its own stack
    set_all_config(texts)
    try:
        loop.run_until_complete(stack.run_in_stack(lambda: run(mutants, REPOSITORY)))
    finally:
        set_all_config({})
        loop.close()
    return [
        *(violation for request in monitor.inputs for violation in server.analyze(request)),
        *violations(
            server.server.AnalyzeStack(
                proto.AnalyzeStackRequest(resources=monitor.final.values()), None
            )
        ),
    ]

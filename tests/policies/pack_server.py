"""The pack's server, asked with the engine's own messages.

A rule that reads a plain ``dict`` well can still fail in the engine, where numbers are floats,
lists and mappings are proxies, and unknown values raise. So every test here puts the properties
into the request that the engine sends, and reads the answer of the pack's server.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from google.protobuf import struct_pb2
from pulumi.runtime import proto
from pulumi_policy import deserialize
from pulumi_policy.policy import EnforcementLevel, _PolicyAnalyzerServicer  # pyright: ignore[reportPrivateUsage] - PolicyPack() serves for ever
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE

from policies import pack
from policies.config import Parameters
from policies.rules import RULES

UNKNOWN = UNKNOWN_STRING_VALUE
NETWORK = "urn:pulumi:dev::sandbox::sandbox:network:Network::sandbox"
TAGS = {"Project": "alignment-league", "Environment": "production", "Purpose": "researcher-sandbox"}


def secret(value: Any) -> dict[str, Any]:
    """*value* as the engine marks a secret."""
    return {deserialize.SPECIAL_SIG_KEY: deserialize.SPECIAL_SECRET_SIG, "value": value}


@dataclass(frozen=True, kw_only=True)
class FakeResource:
    """A resource for the pack."""

    type: str
    props: Mapping[str, Any] = field(default_factory=dict[str, Any])
    name: str = "it"
    parents: str = "sandbox:network:Network$"
    """The types of its parents, as a URN has them."""
    protect: bool = False
    ignore_changes: Sequence[str] = ()
    secret_outputs: Sequence[str] = ()
    dependencies: Mapping[str, Sequence["FakeResource"]] = field(
        default_factory=dict[str, Sequence["FakeResource"]]
    )
    """By property, the resources that its value comes from."""
    provider: Mapping[str, Any] | None = field(
        default_factory=lambda: {"region": "us-east-1", "defaultTags": json.dumps({"tags": TAGS})}
    )

    @property
    def urn(self) -> str:
        return f"urn:pulumi:dev::sandbox::{self.parents}{self.type}::{self.name}"

    def having(self, /, **props: Any) -> "FakeResource":
        """A copy with these properties; None removes a property."""
        changed = {**self.props, **props}
        return replace(
            self, props={key: value for key, value in changed.items() if value is not None}
        )


@dataclass(frozen=True, slots=True)
class Violation:
    """One finding, as the engine would print it."""

    rule: str
    message: str
    mandatory: bool
    urn: str

    @property
    def undecided(self) -> bool:
        return self.message.startswith("can't run policy")


class PackServer:
    """The server of pulumi-policy with the pack's rules, or with *only* one of them."""

    def __init__(
        self,
        parameters: Parameters | None = None,
        config: Mapping[str, Mapping[str, Any]] | None = None,
        only: str = "",
    ) -> None:
        rules = [rule for rule in RULES if not only or rule.id == only]
        self.server: Any = _PolicyAnalyzerServicer(
            pack.NAME,
            "0",
            pack.policies(rules, pack.StackConfig(parameters or Parameters())),
            EnforcementLevel.MANDATORY,
        )
        request = proto.ConfigureAnalyzerRequest()
        for policy in self.server.GetAnalyzerInfo(None, None).policies:
            chosen = (config or {}).get(policy.name, {})
            request.policyConfig[policy.name].enforcementLevel = policy.enforcementLevel
            request.policyConfig[policy.name].properties.update(
                {key: value for key, value in chosen.items() if key != "enforcementLevel"}
            )
        self.server.Configure(request, None)

    def check_resource(self, resource: FakeResource) -> list[Violation]:
        request = proto.AnalyzeRequest(**_common(resource))
        _set_provider(request, resource)
        return [*violations(self.server.Analyze(request, None))]

    def check_stack(self, resources: Iterable[FakeResource]) -> list[Violation]:
        request = proto.AnalyzeStackRequest()
        for resource in resources:
            analyzed = proto.AnalyzerResource(**_common(resource))
            for key, dependencies in resource.dependencies.items():
                urns = (dependency.urn for dependency in dependencies)
                analyzed.propertyDependencies[key].urns.extend(urns)
            _set_provider(analyzed, resource)
            request.resources.append(analyzed)
        return [*violations(self.server.AnalyzeStack(request, None))]

    def check_all(self, resources: Sequence[FakeResource]) -> list[Violation]:
        return [
            *(violation for resource in resources for violation in self.check_resource(resource)),
            *self.check_stack(resources),
        ]


def _common(resource: FakeResource) -> dict[str, Any]:
    """The fields that the messages for a resource and for a stack share."""
    properties = struct_pb2.Struct()
    properties.update(dict(resource.props))
    return {
        "type": resource.type,
        "properties": properties,
        "urn": resource.urn,
        "name": resource.name,
        "options": proto.AnalyzerResourceOptions(
            protect=resource.protect,
            ignoreChanges=resource.ignore_changes,
            additionalSecretOutputs=resource.secret_outputs,
            parent=NETWORK,
        ),
    }


def _set_provider(message: Any, resource: FakeResource) -> None:
    if resource.provider is not None:
        message.provider.type = "pulumi:providers:aws"
        message.provider.urn = "urn:pulumi:dev::sandbox::pulumi:providers:aws::aws"
        message.provider.name = "aws"
        message.provider.properties.update(dict(resource.provider))


def violations(response: Any) -> Iterator[Violation]:
    """The findings in an answer of the server."""
    for diagnostic in response.diagnostics:
        yield Violation(
            rule=diagnostic.policyName,
            message=diagnostic.message.partition("\n")[2] or diagnostic.message,
            mandatory=diagnostic.enforcementLevel == proto.MANDATORY,
            urn=diagnostic.urn,
        )

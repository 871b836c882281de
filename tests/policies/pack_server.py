"""The pack's server, called with the engine's own messages.

A rule that works on a plain ``dict`` can fail in the engine, where numbers are floats, lists and
mappings are proxies, and unknown values raise. So each test here sends the properties in the
engine's request, and reads the answer of the pack's server.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from google.protobuf import struct_pb2
from pulumi.runtime import proto
from pulumi_policy import deserialize
from pulumi_policy.policy import EnforcementLevel, _PolicyAnalyzerServicer
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE

from policies import pack
from policies.config import Parameters
from policies.rules import RULES

UNKNOWN = UNKNOWN_STRING_VALUE
NETWORK = "urn:pulumi:dev::sandbox::sandbox:network:Network::sandbox"
COMPUTED = {"arn", "createDate", "id", "ownerId", "secret", "sesSmtpPasswordV4"}
"""Outputs that AWS sets, which are no inputs of a resource."""
TAGS = {"Project": "alignment-league", "Environment": "production", "Purpose": "researcher-sandbox"}


def secret(value: Any) -> dict[str, Any]:
    """*value* with the mark of a secret, in the form of the engine."""
    return {deserialize.SPECIAL_SIG_KEY: deserialize.SPECIAL_SECRET_SIG, "value": value}


@dataclass(frozen=True, kw_only=True)
class FakeResource:
    """A resource for the pack to check."""

    type: str
    props: Mapping[str, Any] = field(default_factory=dict[str, Any])
    name: str = "it"
    parents: str = "sandbox:network:Network$"
    """The types of its parents, in the form of a URN."""
    protect: bool = False
    ignore_changes: Sequence[str] = ()
    secret_outputs: Sequence[str] = ()
    dependencies: Mapping[str, Sequence["FakeResource"]] = field(
        default_factory=dict[str, Sequence["FakeResource"]]
    )
    """The resources that a property depends on, by property."""
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
class PackFinding:
    """One finding, as the server of the pack answers it."""

    rule: str
    message: str
    mandatory: bool
    urn: str

    @property
    def undecided(self) -> bool:
        return self.rule == "undecided"


class PackServer:
    """The server of pulumi-policy with the pack's rules, or with *only* one of them."""

    def __init__(
        self,
        parameters: Parameters | None = None,
        config: Mapping[str, Mapping[str, Any]] | None = None,
        only: str = "",
    ) -> None:
        rules = [rule for rule in RULES if not only or rule.id == only]
        self._answers: dict[bytes, tuple[list[PackFinding], frozenset[str]]] = {}
        self.pack = pack.Pack(rules, parameters or Parameters())
        self.server: Any = _PolicyAnalyzerServicer(
            pack.NAME, "0", self.pack.policies(), EnforcementLevel.MANDATORY
        )
        request = proto.ConfigureAnalyzerRequest()
        for policy in self.server.GetAnalyzerInfo(None, None).policies:
            chosen = (config or {}).get(policy.name, {})
            request.policyConfig[policy.name].enforcementLevel = policy.enforcementLevel
            request.policyConfig[policy.name].properties.update(
                {key: value for key, value in chosen.items() if key != "enforcementLevel"}
            )
        self.server.Configure(request, None)

    def check_resource(self, resource: FakeResource) -> list[PackFinding]:
        inputs = {key: value for key, value in resource.props.items() if key not in COMPUTED}
        request = proto.AnalyzeRequest(**_common(replace(resource, props=inputs)))
        _set_provider(request, resource)
        return self.analyze(request)

    def analyze(self, request: Any) -> list[PackFinding]:
        """The findings on one resource; equal requests are sent once."""
        key = request.SerializeToString(deterministic=True)
        if key not in self._answers:
            earlier = set(self.pack.undecided)
            self.pack.undecided.clear()
            findings = [*violations(self.server.Analyze(request, None))]
            self._answers[key] = (findings, frozenset(self.pack.undecided))
            self.pack.undecided |= earlier
        findings, undecided = self._answers[key]
        self.pack.undecided |= undecided
        return findings

    def check_stack(self, resources: Iterable[FakeResource]) -> list[PackFinding]:
        request = proto.AnalyzeStackRequest()
        for resource in resources:
            analyzed = proto.AnalyzerResource(**_common(resource))
            for key, dependencies in resource.dependencies.items():
                urns = (dependency.urn for dependency in dependencies)
                analyzed.propertyDependencies[key].urns.extend(urns)
            _set_provider(analyzed, resource)
            request.resources.append(analyzed)
        return [*violations(self.server.AnalyzeStack(request, None))]

    def check_all(self, resources: Sequence[FakeResource]) -> list[PackFinding]:
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


def violations(response: Any) -> Iterator[PackFinding]:
    """The findings in an answer of the server."""
    for diagnostic in response.diagnostics:
        yield PackFinding(
            rule=diagnostic.policyName,
            message=diagnostic.message.partition("\n")[2] or diagnostic.message,
            mandatory=diagnostic.enforcementLevel == proto.MANDATORY,
            urn=diagnostic.urn,
        )

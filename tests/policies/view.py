"""Resources as the engine shows them to a pack: through its messages and pulumi-policy's server.

A rule that reads a plain ``dict`` well can still fail in the engine, where numbers are floats,
lists and mappings are proxies, and unknown values raise. So every test here goes the engine's way:
the properties are put into the request that the engine sends, and the pack's server answers.
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
TAGS = {
    "Project": "alignment-league",
    "Environment": "production",
    "Purpose": "researcher-sandbox",
}


def secret(value: Any) -> dict[str, Any]:
    """*value* with the engine's mark."""
    return {deserialize.SPECIAL_SIG_KEY: deserialize.SPECIAL_SECRET_SIG, "value": value}


@dataclass(frozen=True, kw_only=True)
class Made:
    """One resource of a case. *wires* names, by property, the resources that it comes from."""

    type: str
    props: Mapping[str, Any] = field(default_factory=dict[str, Any])
    name: str = "it"
    inside: str = "sandbox:network:Network$"
    protect: bool = False
    ignores: Sequence[str] = ()
    marked: Sequence[str] = ()
    wires: Mapping[str, Sequence["Made"]] = field(default_factory=dict[str, Sequence["Made"]])
    provider: Mapping[str, Any] | None = field(
        default_factory=lambda: {
            "region": "us-east-1",
            "defaultTags": json.dumps({"tags": TAGS}),
        }
    )

    @property
    def urn(self) -> str:
        return f"urn:pulumi:dev::sandbox::{self.inside}{self.type}::{self.name}"

    def having(self, /, **props: Any) -> "Made":
        """The same with these properties; None takes one away."""
        changed = {**self.props, **props}
        return replace(self, props={k: v for k, v in changed.items() if v is not None})


@dataclass(frozen=True, slots=True)
class Said:
    """What the engine would print of one finding."""

    rule: str
    message: str
    mandatory: bool
    urn: str

    @property
    def undecided(self) -> bool:
        return self.message.startswith("can't run policy")


class View:
    """The pack, asked as the engine asks it; *server* is pulumi-policy's."""

    def __init__(
        self,
        parameters: Parameters | None = None,
        config: Mapping[str, Mapping[str, Any]] | None = None,
        only: str = "",
    ) -> None:
        rules = [rule for rule in RULES if not only or rule.id == only]
        self.server: Any = _PolicyAnalyzerServicer(
            "sandbox",
            "1.0.0",
            pack.policies(rules, parameters or Parameters()),
            EnforcementLevel.MANDATORY,
        )
        infos = self.server.GetAnalyzerInfo(None, None).policies
        request = proto.ConfigureAnalyzerRequest()
        for info in infos:
            chosen = (config or {}).get(info.name, {})
            request.policyConfig[info.name].enforcementLevel = info.enforcementLevel
            request.policyConfig[info.name].properties.update(
                {key: one for key, one in chosen.items() if key != "enforcementLevel"}
            )
        self.server.Configure(request, None)

    def of_resource(self, made: Made) -> list[Said]:
        request = proto.AnalyzeRequest(
            type=made.type,
            properties=_struct(made.props),
            urn=made.urn,
            name=made.name,
            options=_options(made),
        )
        _provide(request, made)
        return [*said(self.server.Analyze(request, None))]

    def of_stack(self, resources: Iterable[Made]) -> list[Said]:
        request = proto.AnalyzeStackRequest()
        for made in resources:
            one = proto.AnalyzerResource(
                type=made.type,
                properties=_struct(made.props),
                urn=made.urn,
                name=made.name,
                options=_options(made),
            )
            for key, wired in made.wires.items():
                one.propertyDependencies[key].urns.extend(other.urn for other in wired)
            _provide(one, made)
            request.resources.append(one)
        return [*said(self.server.AnalyzeStack(request, None))]

    def of_all(self, resources: Sequence[Made]) -> list[Said]:
        return [
            *(said for made in resources for said in self.of_resource(made)),
            *self.of_stack(resources),
        ]


def _struct(props: Mapping[str, Any]) -> struct_pb2.Struct:
    struct = struct_pb2.Struct()
    struct.update(dict(props))
    return struct


def _options(made: Made) -> Any:
    return proto.AnalyzerResourceOptions(
        protect=made.protect,
        ignoreChanges=made.ignores,
        additionalSecretOutputs=made.marked,
        parent=NETWORK,
    )


def _provide(message: Any, made: Made) -> None:
    if made.provider is not None:
        message.provider.type = "pulumi:providers:aws"
        message.provider.urn = "urn:pulumi:dev::sandbox::pulumi:providers:aws::aws"
        message.provider.name = "aws"
        message.provider.properties.update(dict(made.provider))


def said(response: Any) -> Iterator[Said]:
    """What an answer of the server says."""
    for one in response.diagnostics:
        mandatory = one.enforcementLevel == proto.MANDATORY
        yield Said(
            one.policyName, one.message.partition("\n")[2] or one.message, mandatory, one.urn
        )

"""The resources that the stack's last update left in its state, as the engine returns them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pulumi

from infra.catalogue import CATALOGUE

ROOT: Final = "pulumi:pulumi:Stack"
"""The type of the resource that holds the stack's outputs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingResource:
    """A resource that the stack created and did not delete."""

    type: str
    name: str
    outputs: Mapping[str, Any]

    @property
    def id(self) -> str:
        return str(self.outputs.get("id", ""))


def read() -> Sequence[StandingResource]:
    """The stack's resources before this update; asks the engine, not AWS."""
    stack = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    answer: Any = pulumi.runtime.invoke(
        "pulumi:pulumi:readStackResourceOutputs", {"stackName": stack}
    ).value
    return of_answer(answer["outputs"])


def of_answer(resources: Mapping[str, Any]) -> Sequence[StandingResource]:
    """The resources in the engine's answer, which has them by URN, without the root's secrets."""
    return [
        StandingResource(
            type=resource["type"],
            name=urn.rsplit("::", 1)[1],
            outputs={
                name: value
                for name, value in resource["outputs"].items()
                if resource["type"] in CATALOGUE or name == "sandbox_config"
            },
        )
        for urn, resource in resources.items()
        if resource["type"] in CATALOGUE or resource["type"] == ROOT
    ]

"""The form of a mutant, and the functions that change the running program.

A transformation changes a resource that the program registers; an addition registers one more after
it. The program's own files stay unchanged.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pulumi

from infra import catalogue
from infra.lazy_aws import vpc  # the classes that the program uses

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Program:
    """The resources that the program has registered, and their parents, by type and name."""

    resources: dict[tuple[str, str], Any] = field(default_factory=dict[tuple[str, str], Any])
    parents: dict[tuple[str, str], Any] = field(default_factory=dict[tuple[str, str], Any])

    added: list[str] = field(default_factory=list[str])

    def fresh_name(self) -> str:
        """A name for another resource of a mutant."""
        self.added.append(f"mutant-{len(self.added) + 1}")
        return self.added[-1]

    def resource(self, type_: str, name: str = "") -> Any:
        """The first resource of a type, or the one with this name."""
        return self.resources[self._key(type_, name)]

    def beside(self, type_: str, name: str = "") -> pulumi.ResourceOptions:
        """Options for a resource in the same component as the given one."""
        return pulumi.ResourceOptions(parent=self.parents[self._key(type_, name)])

    def _key(self, type_: str, name: str) -> tuple[str, str]:
        return next(key for key in self.resources if key[0] == type_ and name in ("", key[1]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One change, and the rule that must stop it."""

    rule: str
    says: str
    """A part of the expected message that names the change."""
    type: str = ""
    """The type of the resource that changes: the first one, or the one named *name*."""
    name: str = ""
    values: Callable[[Values], object] | None = None
    options: Mapping[str, Any] | None = None
    adds: Callable[[Program], object] | None = None
    config: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Settings of the stack other than the defaults."""
    fresh: bool = False
    """Needs the preview of a new stack, because an existing resource hides the change."""
    engine: bool = True
    """Whether the engine can run it with the installed plugins."""
    alone: bool = False
    """It shares no preview: it replaces what others change, or its message fits theirs."""


def setting(**values: Any) -> Callable[[Values], object]:
    return lambda props: props.update(values)


def document(edit: Callable[[Values], object], key: str = "policy") -> Callable[[Values], object]:
    """Edit the policy document when its value is known."""

    def change(props: Values) -> None:
        def edited(text: str) -> str:
            content = json.loads(text)
            edit(content)
            return json.dumps(content)

        props[key] = pulumi.Output.from_input(props[key]).apply(edited)

    return change


def statement(content: Values, action: str, having: str = "") -> Values:
    """The statement that allows *action*, with the condition key *having* if given."""
    for statement in content["Statement"]:
        actions = statement.get("Action", ())
        keys = json.dumps(statement.get("Condition", {}))
        allowed = [actions] if isinstance(actions, str) else actions
        if statement["Effect"] == "Allow" and action in allowed and having in keys:
            return statement
    raise LookupError(f"{action}: no statement allows it; adapt the mutant to the program")


def without(action: str, key: str) -> Callable[[Values], object]:
    """Remove the condition *key* from the statement for *action*."""

    def edit(content: Values) -> None:
        condition = statement(content, action, having=key)["Condition"]
        for operator in list(condition):
            condition[operator].pop(key, None)
            if not condition[operator]:
                del condition[operator]

    return document(edit)


def with_parts(action: str, **parts: Any) -> Callable[[Values], object]:
    return document(lambda content: statement(content, action).update(parts))


def granting(statement: Values) -> Callable[[Values], object]:
    return document(lambda content: content["Statement"].append({"Effect": "Allow", **statement}))


def no_not_action(content: Values) -> None:
    content["Statement"] = [
        statement for statement in content["Statement"] if "NotAction" not in statement
    ]


def ingress(**values: Any) -> Callable[[Program], object]:
    full: dict[str, Any] = {"ip_protocol": "tcp", "from_port": 22, "to_port": 22, **values}

    def add(program: Program) -> None:
        group = program.resource(catalogue.SECURITY_GROUP.name)
        vpc.SecurityGroupIngressRule(
            program.fresh_name(),
            security_group_id=group.id,
            description=program.fresh_name(),
            **full,
            opts=program.beside(catalogue.SECURITY_GROUP.name),
        )

    return add


def in_network(make: Callable[..., object], **inputs: Any) -> Callable[[Program], object]:
    """Add a resource with the VPC's id to the network component."""

    def add(program: Program) -> None:
        vpc_id = program.resource(catalogue.VPC.name).id
        make(program.fresh_name(), vpc_id=vpc_id, **inputs, opts=program.beside(catalogue.VPC.name))

    return add


MANAGER: Final[Mapping[str, Any]] = {
    "type": catalogue.POLICY.name,
    "name": "sandbox-manager-policy",
}
SANDBOX: Final[Mapping[str, Any]] = {
    "type": catalogue.POLICY.name,
    "name": "sandbox-instance-policy",
}
RUN: Final = "ec2:RunInstances"
ADMIN: Final = "arn:aws:iam::aws:policy/AdministratorAccess"
WORLD_TRUST: Final = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
    }
)

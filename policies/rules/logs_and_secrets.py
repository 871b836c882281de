"""Logs have a long enough retention, and secrets stay secret."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, cast

from pulumi_policy.proxy import UnknownValueError

from infra import catalogue, names
from policies import resource_types
from policies.config import Parameters
from policies.rule import (
    CheckedResource,
    CheckedStack,
    Finding,
    Level,
    ResourceRule,
    Rule,
    StackResource,
    StackRule,
    decide_each,
    given,
    text,
)
from policies.secret_markers import SecretText, is_secret, unmarked
from policies.shown_values import HIDDEN, show

KEY_SECRETS: Final = ("secret", "sesSmtpPasswordV4")
SHORTEST_SECRET: Final = 12
"""In characters. A shorter marked text is not a key, and may occur in another value by chance."""
SECRET_WORDS: Final = ("secret", "password", "access_key", "token", "private_key")
"""Parts of the names of outputs that hold a secret."""


def log_retention_as_configured(
    group: CheckedResource, parameters: Parameters
) -> Iterator[Finding]:
    is_flow_log = text(group.props, "name") == names.FLOW_LOG_GROUP
    key = "flow_log_retention_days" if is_flow_log else "instance_log_retention_days"
    days = given(group.props, "retentionInDays")
    if days != getattr(parameters, key):
        value = show(days) if days else "not set"
        yield Finding(property="retentionInDays", value=value, problem=f"is not sandbox:{key}")


def log_retention(group: CheckedResource, parameters: Parameters) -> Iterator[Finding]:
    days = given(group.props, "retentionInDays")
    if days and days < parameters.log_retention_days:
        problem = f"is less than {parameters.log_retention_days} days"
        yield Finding(property="retentionInDays", value=show(days), problem=problem)


def access_key_outputs_secret(key: CheckedResource, _: Parameters) -> Iterator[Finding]:
    for output in KEY_SECRETS:
        if output not in key.opts.additional_secret_outputs:
            yield Finding(property=output, problem="is not marked as a secret output")


def no_plaintext_secret_outputs(stack: CheckedStack, _: Parameters) -> Iterator[Finding]:
    everything = (*stack.resources, *stack.additions)
    secrets = {secret for resource in everything for secret in _secrets(resource.props)}

    def check(output: tuple[StackResource, str]) -> Iterator[Finding]:
        resource, name = output
        named_secret = any(word in name.lower() for word in SECRET_WORDS)
        # A preview does not tell whether an unknown output is secret, so the rule cannot decide.
        if named_secret and given(resource.props, name):
            problem = "is not marked as a secret, but has the name of one"
        elif _holds(given(resource.props, name), secrets):
            problem = "holds a secret of another resource in plain text"
        else:
            return
        where = f"output {name if name.isidentifier() else HIDDEN}"
        yield Finding(resource=resource, property=where, problem=problem)

    yield from decide_each(_plaintext_outputs(stack), check)
    for key in stack.of_type(catalogue.ACCESS_KEY.name):
        given(key.props, "secret")  # the rule cannot decide as long as the secret is unknown


def secret_stays_with_key(stack: CheckedStack, _: Parameters) -> Iterator[Finding]:
    keys = stack.of_type(catalogue.ACCESS_KEY.name)
    secrets = {secret for key in keys for secret in _secrets(key.props)}

    def check(property_: tuple[StackResource, str]) -> Iterator[Finding]:
        resource, name = property_
        is_addition = resource in stack.additions
        if _holds(given(resource.props, name), secrets, marked=not is_addition):
            yield Finding(resource=resource, property=name, problem="holds the secret of a key")

    others = [
        (resource, name)
        for resource in (*stack.resources, *stack.additions)
        if resource_types.is_aws(resource.resource_type) and resource not in keys
        for name in resource.props
    ]
    yield from decide_each(others, check)
    for key in keys:
        given(key.props, "secret")  # the rule cannot decide as long as the secret is unknown


def _plaintext_outputs(stack: CheckedStack) -> Iterator[tuple[StackResource, str]]:
    """The unmarked outputs of the program: those of the stack and of components."""
    for resource in stack.resources:
        resource_type = resource.resource_type
        if not resource_types.is_aws(resource_type) and not resource_types.is_provider(
            resource_type
        ):
            for name in resource.props:
                if not is_secret(resource.props, name):
                    yield resource, name


def _secrets(props: Any) -> Iterator[str]:  # noqa: ANN401 - any property
    """The texts with a mark that the preview knows."""
    for leaf in _leaves(props):
        with suppress(UnknownValueError):
            value = leaf()
            if isinstance(value, SecretText) and len(value) >= SHORTEST_SECRET:
                yield unmarked(value)


def _holds(value: Any, secrets: set[str], *, marked: bool = False) -> bool:  # noqa: ANN401 - any property
    """Whether a text of *value* holds a secret; texts with a mark count only if *marked*."""
    texts = [leaf() for leaf in _leaves({"value": value})]
    return any(
        isinstance(text, str)
        and (marked or not isinstance(text, SecretText))
        and secret in unmarked(text)
        for text in texts
        for secret in secrets
    )


def _leaves(value: Any) -> Iterator[Callable[[], Any]]:  # noqa: ANN401 - any property
    """All single values inside, each as a function, because reading an unknown one raises."""
    keys: Iterable[Any] = [*value] if isinstance(value, Mapping) else range(len(value))
    for key in keys:

        def leaf(key: Any = key) -> Any:  # noqa: ANN401 - any property
            return cast("Any", value)[key]

        inner: Any = None
        with suppress(UnknownValueError):
            inner = leaf()
        if isinstance(inner, (Mapping, Sequence)) and not isinstance(inner, str):
            yield from _leaves(inner)
        else:
            yield leaf


RULES: Final[tuple[Rule, ...]] = (
    ResourceRule(
        id="log-retention-as-configured",
        why="Logs that never expire cost money for ever, and lost ones answer no question.",
        fix="Set the retention in the stack's config only.",
        types=frozenset({catalogue.LOG_GROUP.name}),
        check=log_retention_as_configured,
    ),
    ResourceRule(
        id="log-retention",
        why="Questions about an attack can come after months.",
        fix="Set the retention in the stack's config to a year or more.",
        level=Level.ADVISORY,  # the setting may be shorter; policies/strict.json refuses it
        parameters=("log_retention_days",),
        types=frozenset({catalogue.LOG_GROUP.name}),
        check=log_retention,
    ),
    ResourceRule(
        id="access-key-outputs-secret",
        why="The secret key and the SES password give everything that the user may do.",
        fix="Leave additionalSecretOutputs of the access key as the provider sets them.",
        types=frozenset({catalogue.ACCESS_KEY.name}),
        check=access_key_outputs_secret,
    ),
    StackRule(
        id="no-plaintext-secret-outputs",
        why="A plain output is readable in the state, in the history and in the pipeline's log.",
        fix="Wrap the output in pulumi.Output.secret.",
        check=no_plaintext_secret_outputs,
    ),
    StackRule(
        id="secret-stays-with-key",
        why="Anyone who may list a resource can read its tags, names and descriptions.",
        fix="Take the secret from the stack's outputs; give it to no other resource.",
        check=secret_stays_with_key,
    ),
)

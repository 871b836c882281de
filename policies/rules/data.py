"""Logs are kept long enough, and secrets stay secret."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, cast

from pulumi_policy.proxy import UnknownValueError

from policies import resource_types as kinds
from policies.config import Parameters
from policies.rule import (
    Finding,
    Resource,
    ResourceRule,
    Rule,
    Stack,
    StackResource,
    StackRule,
    decide_each,
    given,
)
from policies.secret_markers import SecretText, is_secret, plain
from policies.show import show

KEY_SECRETS: Final = ("secret", "sesSmtpPasswordV4")
SHORTEST: Final = 12
"""Marked texts that are shorter are no keys, and are found inside other values by accident."""
TELLING: Final = ("secret", "password", "access_key", "token", "private_key")
"""Parts of an output's name that say that it is one."""


def log_retention(group: Resource, parameters: Parameters) -> Iterator[Finding]:
    days = given(group.props, "retentionInDays")
    if not days:
        yield Finding(
            at="retentionInDays", value="not set", wrong="is kept, and paid for, for ever"
        )
    elif days < parameters.log_retention_days:
        wrong = f"is less than {parameters.log_retention_days} days"
        yield Finding(at="retentionInDays", value=show(days), wrong=wrong)


def key_outputs_marked(key: Resource, _: Parameters) -> Iterator[Finding]:
    if given(key.props, "pgpKey"):
        return  # the state then holds only what the key's owner can read
    for name in KEY_SECRETS:
        if name not in key.opts.additional_secret_outputs:
            yield Finding(at=name, wrong="is not marked as a secret output of the key")


def secret_outputs(stack: Stack, _: Parameters) -> Iterator[Finding]:
    known = {one for resource in stack.resources for one in _secrets(resource.props)}

    def check(output: tuple[StackResource, str]) -> Iterator[Finding]:
        resource, name = output
        telling = any(part in name.lower() for part in TELLING)
        # A preview does not say whether an output that it does not know is secret: undecided.
        if telling and given(resource.props, name):
            wrong = "is called a secret and is not marked as one"
        elif _holds(given(resource.props, name), known):
            wrong = "holds a secret of another resource in plain text"
        else:
            return
        yield Finding(on=resource, at=f"output {_plain(name)}", wrong=wrong)

    yield from decide_each(_plain_outputs(stack), check)
    for key in stack.of(kinds.ACCESS_KEY):
        given(key.props, "secret")  # undecided, while it is not known what to look for


def _plain_outputs(stack: Stack) -> Iterator[tuple[StackResource, str]]:
    """What the program itself puts out: of the stack and of components, less what is marked."""
    for resource in stack.resources:
        kind = resource.resource_type
        if not kinds.is_aws(kind) and not kinds.is_provider(kind):
            for name in resource.props:
                if not is_secret(resource.props, name):
                    yield resource, name


def _plain(name: str) -> str:
    return name if name.isidentifier() else "(not shown)"


def _secrets(props: Any) -> Iterator[str]:  # noqa: ANN401 - any property
    """The marked texts that a preview knows."""
    for leaf in _leaves(props):
        with suppress(UnknownValueError):
            one = leaf()
            if isinstance(one, SecretText) and len(one) >= SHORTEST:
                yield plain(one)


def _holds(value: Any, secrets: set[str]) -> bool:  # noqa: ANN401 - any property
    texts = [leaf() for leaf in _leaves({"it": value})]
    return any(
        isinstance(one, str) and not isinstance(one, SecretText) and secret in one
        for one in texts
        for secret in secrets
    )


def _leaves(value: Any) -> Iterator[Callable[[], Any]]:  # noqa: ANN401 - any property
    """All single values within, each behind a call: asking for an unknown one raises."""
    keys: Iterable[Any] = [*value] if isinstance(value, Mapping) else range(len(value))
    for key in keys:

        def leaf(key: Any = key) -> Any:  # noqa: ANN401 - any property
            return cast("Any", value)[key]

        inner: Any = None
        with suppress(UnknownValueError):
            inner = leaf()
        if isinstance(inner, Mapping | Sequence) and not isinstance(inner, str):
            yield from _leaves(inner)
        else:
            yield leaf


RULES: Final[tuple[Rule, ...]] = (
    ResourceRule(
        id="log-retention",
        why="Less than a year is too short for a late question, and for ever costs for ever.",
        fix="Set sandbox:flow_log_retention_days to a year or more.",
        references=("CKV_AWS_66", "CKV_AWS_338"),
        takes=("log_retention_days",),
        on=frozenset({kinds.LOG_GROUP}),
        check=log_retention,
    ),
    ResourceRule(
        id="key-outputs-marked",
        why="The mail password of a key is as good as the key.",
        fix="Leave additionalSecretOutputs of the access key as the provider sets them.",
        on=frozenset({kinds.ACCESS_KEY}),
        check=key_outputs_marked,
    ),
    StackRule(
        id="secret-outputs",
        why="An output in plain text is in the state, in the history and in the pipeline's log.",
        fix="Wrap the output in pulumi.Output.secret.",
        check=secret_outputs,
    ),
)

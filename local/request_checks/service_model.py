"""Validate a request against AWS's model: botocore's validator, plus the traits that it ignores.

botocore checks names, types, required members and lower bounds. The same model also holds upper
bounds, patterns and enumerations, which botocore leaves to AWS.
https://smithy.io/2.0/spec/constraint-traits.html
"""

from collections.abc import Callable, Mapping, Sequence, Sized
from functools import cache
from typing import Any, Final, NamedTuple

import regex
from botocore.validate import ParamValidator, ValidationErrors
from moto.core.utils import get_service_model

from local.authorization.calls import Call
from local.authorization.signature import Signature
from local.request_checks.refused import Refused

MISSING: Final = "missing required field"
"""botocore's name of this violation; CONSTRAINTS holds the names of all violations."""
CONSTRAINTS: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    MISSING: lambda _: "Member must not be null",
    "invalid length": lambda it: (
        f"Member must have length greater than or equal to {it['min_allowed']}"
    ),
    "invalid range": lambda it: (
        f"Member must have value greater than or equal to {it['min_allowed']}"
    ),
    "too long": lambda it: f"Member must have length less than or equal to {it['most']}",
    "too large": lambda it: f"Member must have value less than or equal to {it['most']}",
    "other form": lambda it: f"Member must satisfy regular expression pattern: {it['pattern']}",
    "other value": lambda it: f"Member must satisfy enum value set: [{', '.join(it['enum'])}]",
    "invalid type": lambda it: f"Member must be of type {' or '.join(it['valid_types'])}",
    "more than one input": lambda it: f"Only one of {', '.join(it['members'])} can be set",
    "empty input": lambda it: f"One of {', '.join(it['members'])} must be set",
}
"""The constraint by the name of its violation, in the wording that AWS's services share."""
INVALID: Final = "InvalidParameterException"


class Violation(NamedTuple):
    """A constraint of the model that a request violates."""

    reason: str
    """The name of the violation in botocore."""
    place: str
    value: str
    """The value for the message, without secrets."""
    constraint: str


class _Violations(ValidationErrors):
    """The violations of a request."""

    def __init__(self) -> None:
        super().__init__()
        self.violations: list[Violation] = []
        self.values: dict[str, str] = {}
        """By place, the texts and numbers that the message may show."""

    def report(self, name: str, reason: str, **kwargs: Any) -> None:
        place = f"{name}.{kwargs['required_name']}" if reason == MISSING else name
        shown = "Value null" if reason == MISSING else f"Value {self.values.get(name, '')}".rstrip()
        self.violations.append(
            Violation(reason, place.removeprefix("."), shown, CONSTRAINTS[reason](kwargs))
        )


class _Validator(ParamValidator):
    """botocore's validator, extended by upper bounds, patterns and enumerations."""

    VALIDATED_METADATA_ATTRS = ParamValidator.VALIDATED_METADATA_ATTRS | {"max", "pattern", "enum"}

    def validate(self, params: Any, shape: Any) -> _Violations:
        violations = _Violations()
        self._validate(params, shape, violations, name="")
        return violations

    def _validate(self, params: Any, shape: Any, errors: Any, name: str) -> None:
        traits = shape.metadata
        if isinstance(params, (str, int, float)) and "sensitive" not in traits:
            errors.values[name] = f"'{params}'"
        super()._validate(params, shape, errors, name)  # pyrefly: ignore[missing-attribute] - typeshed leaves it out
        if "max" in traits:
            sized = isinstance(params, Sized)
            if (len(params) if sized else params) > traits["max"]:
                reason = "too long" if sized else "too large"
                errors.report(name, reason, param=params, most=traits["max"])
        if isinstance(params, Mapping) and len(params) < traits.get("min", 0):
            errors.report(name, "invalid length", param=params, min_allowed=traits["min"])
        if isinstance(params, str):
            if "pattern" in traits and not _pattern(traits["pattern"]).fullmatch(params):
                errors.report(name, "other form", param=params, pattern=traits["pattern"])
            if "enum" in traits and params not in traits["enum"]:
                errors.report(name, "other value", param=params, enum=traits["enum"])


@cache
def _pattern(text: str) -> regex.Pattern[str]:
    """A pattern of the model, in Java's dialect, where words are ASCII only."""
    return regex.compile(text, regex.ASCII)


def refusal(call: Call) -> Refused | None:
    """The refusal of a request that violates the model; None if it does not."""
    model: Any = get_service_model(call.signature.model)
    operation = model.operation_model(call.operation)
    shape = operation.input_shape
    violations = _Validator().validate(dict(call.parameters), shape).violations if shape else []
    if call.service == "ec2":
        return _of_ec2(call, violations)
    if not violations:
        return None
    return Refused(_code(operation), _message(violations))


def malformed(signed: Signature, why: str) -> Refused:
    """The refusal of a request with a value of the wrong type, such as a text for a number."""
    if signed.service == "ec2":
        return Refused("InvalidParameterValue", f"A parameter of the request is invalid: {why}")
    protocol = get_service_model(signed.model).protocol
    return Refused("MalformedInput" if protocol == "query" else "SerializationException", why)


def _of_ec2(call: Call, violations: Sequence[Violation]) -> Refused | None:
    """The refusal with the codes of EC2.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
    """
    missing = [violation.place for violation in violations if violation.reason == MISSING]
    if missing:
        message = f"The request must contain the parameter {missing[0]}"
        return Refused("MissingParameter", message)
    if call.unknown:
        return Refused("UnknownParameter", f"The parameter {call.unknown[0]} is not recognized")
    if not violations:
        return None
    _, place, value, constraint = violations[0]
    message = f"{value} for parameter {place} is invalid. {constraint}"
    return Refused("InvalidParameterValue", message)


def _code(operation: Any) -> str:
    """The error code: that of the operation's model if it has one, else that of the protocol."""
    protocol = operation.service_model.protocol
    if protocol == "query":
        return "ValidationError"
    if protocol == "rest-xml":
        return "InvalidArgument"
    error_names = {shape.name for shape in operation.error_shapes}
    return INVALID if INVALID in error_names else "ValidationException"


def _message(violations: Sequence[Violation]) -> str:
    problems = [
        f"{value} at '{_place(place)}' failed to satisfy constraint: {constraint}"
        for _, place, value, constraint in violations
    ]
    number = (
        "1 validation error" if len(violations) == 1 else f"{len(violations)} validation errors"
    )
    return f"{number} detected: {'; '.join(problems)}"


def _place(place: str) -> str:
    """The place in AWS's notation, counted from 1 and in camel case: `tags.1.member.key`."""
    counted = regex.sub(r"\[(\d+)\]", lambda match: f".{int(match[1]) + 1}.member", place)
    return ".".join(part[:1].lower() + part[1:] for part in counted.split("."))

"""Requests of the solver as rows of the contract, and rows as requests of the solver."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from cvc5 import Solver, Term

from sandbox.permissions import table
from sandbox.permissions.claims.encoding import LISTS, NUMBERS, Encoding, ListKey, TextKey, many
from sandbox.permissions.table import ANY_RESOURCE, Check, Placeholders

if TYPE_CHECKING:
    from sandbox.permissions.claims.proof import Prover
    from sandbox.permissions.claims.table import Claim, Values

Assignment = Mapping[Term, Term]
"""A value for each variable of a request."""
SHOWN: Final = (
    "vpc",
    "profile",
    "stop",
    "output_bucket",
    "log_prefix",
    "environment",
    "account",
    "region",
)
"""The placeholders that a row shows instead of their values, longer ones first."""


def assignment(
    encoding: Encoding, check: Check, placeholders: Placeholders, *, resource: str = ""
) -> Assignment:
    """The values of the variables for one question of a row."""
    terms, text = encoding.terms, encoding.patterns.text
    arn = resource or check.resource
    parts = arn.split(":", 5)[1:] if arn != ANY_RESOURCE else [""] * 5
    account = check.principal.split(":")[4] if check.principal.startswith("arn:") else ""
    values = {
        encoding.action: text(check.action.lower()),
        encoding.principal: text(check.principal),
        encoding.principal_account: text(account),
        encoding.is_arn: terms.mkBoolean(arn != ANY_RESOURCE),
        encoding.foreign: terms.mkBoolean(check.owner != placeholders["account"]),
        **dict(zip(encoding.resource, map(text, parts), strict=True)),
    }
    given = {name.lower(): many(value) for name, value in check.context.items()}
    for name in check.context:
        encoding.key(name)
    for name, key in encoding.keys.items():
        values |= _key_values(encoding, name, key, given.get(name, ()))
    return values


def _key_values(
    encoding: Encoding, name: str, key: TextKey | ListKey, given: Sequence[str]
) -> Assignment:
    members = key.members if isinstance(key, ListKey) else (key,)
    values: dict[Term, Term] = {}
    for number, member in enumerate(members):
        present = number < len(given)
        values[member.present] = encoding.terms.mkBoolean(present)
        if name in NUMBERS:
            values[member.value] = encoding.terms.mkReal(given[number] if present else "0")
        else:
            values[member.value] = encoding.patterns.text(given[number] if present else "")
    return values


def value_of(prover: "Prover", formula: Term, values: Assignment) -> bool:
    """Whether *formula* is true with *values*."""
    return prover.is_true(formula.substitute(list(values), list(values.values())))


def as_row(prover: "Prover", claim: "Claim", broken: Term, values: "Values") -> Mapping[str, Any]:
    """A request that makes *broken* true, as a row; preferably one with a real action."""
    known = {row.action.lower(): row.action for row in table.rows() if not row.is_launch}
    request = _solved(prover, broken, known)
    action = request.text(prover.encoding.action)
    context = request.context()
    for key in table.assumed_context(action, claim.who):
        context.setdefault(key, None)  # a row has it by default, this request does not
    row: dict[str, Any] = {"what": f"breaks {claim.name}"}
    if claim.who.startswith("trust"):
        row["as"] = request.text(prover.encoding.principal)
    row["do"] = known.get(action, action)
    if request.solver.getValue(prover.encoding.is_arn).getBooleanValue():
        row["to"] = ":".join(["arn", *map(request.text, prover.encoding.resource)])
    if context:
        row["with"] = context
    row["decision"] = "allowed" if claim.kind == "can" else "denied"
    return cast("Mapping[str, Any]", _shortened(row, values))


def _solved(prover: "Prover", broken: Term, known: Iterable[str]) -> "_SolvedRequest":
    encoding = prover.encoding
    real = encoding.any_of(encoding.patterns.equal(encoding.action, action) for action in known)
    solver = prover.solver(broken, real)
    if not solver.checkSat().isSat():
        solver = prover.solver(broken)
        solver.checkSat()
    return _SolvedRequest(encoding, solver)


@dataclass(frozen=True, slots=True)
class _SolvedRequest:
    """The request that the solver found."""

    encoding: Encoding
    solver: Solver

    def text(self, variable: Term) -> str:
        return self.solver.getValue(variable).getStringValue()

    def context(self) -> dict[str, Any]:
        """The condition keys that the request has."""
        context: dict[str, Any] = {}
        for name, key in sorted(self.encoding.keys.items()):
            members = key.members if isinstance(key, ListKey) else (key,)
            present = [
                member
                for member in members
                if self.solver.getValue(member.present).getBooleanValue()
            ]
            read = self._number if name in NUMBERS else self.text
            given = [read(member.value) for member in present]
            if given:
                context[self.encoding.spelling[name]] = given if name in LISTS else given[0]
        return context

    def _number(self, variable: Term) -> str:
        return str(float(self.solver.getValue(variable).getRealValue()))


def _shortened(value: Any, values: "Values") -> Any:  # noqa: ANN401 - a row of any shape
    """*value* with placeholders in the place of the values of this stack."""
    if isinstance(value, str):
        value = value.replace("$", "$$")
        for name in SHOWN:
            value = value.replace(str(values[name]), f"${{{name}}}")
        return value
    if isinstance(value, list):
        return [_shortened(item, values) for item in cast("list[Any]", value)]
    if isinstance(value, Mapping):
        items = cast("Mapping[str, Any]", value).items()
        return {key: _shortened(item, values) for key, item in items}
    return value

"""Permission documents: each allows no more, and denies no less, than policies/grants.py lists."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from infra import catalogue, names
from policies import grants, properties
from policies.config import Parameters
from policies.document import InvalidDocumentError, ParsedStatement, parse
from policies.grants import Grant, Trust
from policies.rule import (
    CheckedResource,
    CheckedStack,
    Finding,
    ResourceRule,
    Rule,
    StackResource,
    StackRule,
    decide_each,
    given,
    refers_to,
    text,
)
from policies.rules.closed_list import ATTACHMENTS
from policies.shown_values import show

DOCUMENT_TYPES: Final = frozenset({catalogue.POLICY.name, catalogue.ROLE_POLICY.name})
DOCUMENT_KEYS: Final = {
    catalogue.POLICY.name: "policy",
    catalogue.ROLE_POLICY.name: "policy",
    catalogue.ROLE.name: "assumeRolePolicy",
}
INSTEAD: Final = {
    properties.ATTACHED.get(identity, identity): boundary
    for identity, boundary in properties.BOUNDARIES.items()
}
"""The boundary whose denials the document must hold under sandbox:permissions_boundary."""
OWN_ACCOUNT: Final = re.compile(r"(?<![0-9a-zA-Z-])\d{12}(?![0-9a-zA-Z-])")
OWN_VPC: Final = re.compile(r"\bvpc-[0-9a-f]{8,17}\b")


def _document(resource: CheckedResource) -> str:
    """The name of the document of a resource in policies/grants.py."""
    name = text(resource.props, "name")
    parts = (policy for policy in properties.SPLIT_POLICIES if properties.is_part(name, policy))
    return next(parts, name)


def grants_as_declared(resource: CheckedResource, parameters: Parameters) -> Iterator[Finding]:
    allowed = grants.grants(_document(resource), parameters)
    try:
        statements = parse(given(resource.props, "policy"))
    except InvalidDocumentError as error:
        yield Finding(property="policy", problem=str(error))
        return
    for statement in statements:
        for action, problem in _undeclared(statement, allowed):
            key = f"policy: {statement.name}"
            yield Finding(property=key, value=show(action) if action else "", problem=problem)


def _undeclared(statement: ParsedStatement, allowed: Sequence[Grant]) -> Iterator[tuple[str, str]]:
    if not statement.allows:
        return
    if statement.not_actions or statement.not_resources:
        yield "", "allows everything except what NotAction or NotResource lists"
        return
    for action in statement.actions:
        listed = [grant for grant in allowed if _lists(grant, action)]
        if not listed:
            yield action, "is not an action that this document may allow"
            continue
        for arn in statement.resources or ("",):
            if problem := _resource_problem(statement, arn, listed):
                yield action, f"on {show(arn)}: {problem}"


def _lists(grant: Grant, action: str) -> bool:
    return action.lower() in {listed.lower() for listed in grant.actions}


def _resource_problem(statement: ParsedStatement, arn: str, listed: Sequence[Grant]) -> str:
    """The problem of allowing these actions on the resource; "" if one grant covers them."""
    covering = [grant for grant in listed if re.fullmatch(grant.on, arn)]
    if not covering:
        return "is not a resource that this document may name for it"
    missing = [
        [*statement.missing(grant.when), *statement.unlimited(grant.limits)] for grant in covering
    ]
    fewest = min(missing, key=len)
    return f"does not require {' and '.join(fewest)} to have the listed value" if fewest else ""


def denials_present(policy: CheckedResource, parameters: Parameters) -> Iterator[Finding]:
    name = text(policy.props, "name")
    try:
        statements = parse(given(policy.props, "policy"))
    except InvalidDocumentError:
        return  # grants-as-declared reports it
    yield from _missing_denials(statements, name, parameters)


def denials_in_policies(stack: CheckedStack, parameters: Parameters) -> Iterator[Finding]:
    """The policies hold the denials of the boundaries, and every part is attached."""
    attachments = stack.of_type(*ATTACHMENTS)

    def check(document: str) -> Iterator[Finding]:
        parts = [part for part in stack.of_type(*DOCUMENT_TYPES) if _document(part) == document]
        statements = [
            statement for part in parts for statement in _readable(given(part.props, "policy"))
        ]
        for finding in _missing_denials(statements, INSTEAD[document], parameters) if parts else ():
            yield replace(finding, resource=parts[0])
        for part in parts:
            if part.resource_type == catalogue.POLICY.name and not any(
                refers_to(attachment, "policyArn", part, "arn") for attachment in attachments
            ):
                yield Finding(resource=part, problem="is not attached, so it denies nothing")

    yield from decide_each(INSTEAD if parameters.permissions_boundary else (), check)


def _missing_denials(
    statements: Sequence[ParsedStatement], boundary: str, parameters: Parameters
) -> Iterator[Finding]:
    for denial in grants.denials(boundary, parameters):
        if not any(statement.fulfils(denial) for statement in statements):
            keys = " and ".join(dict.fromkeys(condition.key for condition in denial.when))
            limit = f" with the listed condition on {keys}" if keys else ""
            problem = f"does not deny it on {denial.on}{limit}"
            yield Finding(property="policy", value=denial.action, problem=problem)
    ceiling = {action.lower() for action in grants.ceiling(boundary, parameters)}
    if ceiling and not any(_denies_the_rest(statement, ceiling) for statement in statements):
        problem = "does not deny all actions outside the list of the boundary"
        yield Finding(property="policy", value="Deny NotAction", problem=problem)


def _denies_the_rest(statement: ParsedStatement, ceiling: set[str]) -> bool:
    exceptions = {action.lower() for action in statement.not_actions}
    return (
        not statement.allows
        and bool(exceptions)
        and exceptions <= ceiling
        and statement.resources == ("*",)
        and not statement.conditions
    )


def results_kept_apart(stack: CheckedStack, parameters: Parameters) -> Iterator[Finding]:
    parts = [
        policy
        for policy in stack.of_type(catalogue.POLICY.name)
        if _document(policy) == names.INSTANCE_POLICY
    ]
    statements = [
        statement for policy in parts for statement in _readable(given(policy.props, "policy"))
    ]
    for denial in grants.results(parameters) if parts else ():
        if not any(statement.fulfils(denial) for statement in statements):
            problem = "is not denied on the bucket of results"
            yield Finding(
                resource=parts[0], property="policy", value=denial.action, problem=problem
            )


def _readable(raw: object) -> Sequence[ParsedStatement]:
    try:
        return parse(raw)
    except InvalidDocumentError:
        return ()  # grants-as-declared reports it


def documents_name_own_things(stack: CheckedStack, _: Parameters) -> Iterator[Finding]:
    """Every account and VPC in a document is the stack's own, by the outputs of the VPC."""
    vpcs = stack.of_type(catalogue.VPC.name)

    def check(resource: StackResource) -> Iterator[Finding]:
        key = DOCUMENT_KEYS[resource.resource_type]
        content = text(resource.props, key)
        for pattern, allowed, problem in (
            (OWN_ACCOUNT, {text(vpc.props, "ownerId") for vpc in vpcs}, "names another account"),
            (OWN_VPC, {text(vpc.props, "id") for vpc in vpcs}, "names another VPC"),
        ):
            if set(pattern.findall(content)) - allowed:
                yield Finding(resource=resource, property=key, problem=problem)

    yield from decide_each(stack.of_type(*DOCUMENT_KEYS), check)


def trust_policy_scoped(role: CheckedResource, parameters: Parameters) -> Iterator[Finding]:
    try:
        statements = parse(given(role.props, "assumeRolePolicy"))
    except InvalidDocumentError as error:
        yield Finding(property="assumeRolePolicy", problem=str(error))
        return
    trusted = grants.trusted(text(role.props, "name"), parameters)
    for statement in statements:
        for kind, principal in statement.principals if statement.allows else ():
            if problem := _trust_problem(statement, kind, principal, trusted):
                key = f"assumeRolePolicy: {statement.name}"
                yield Finding(property=key, value=show(principal), problem=problem)


def _trust_problem(
    statement: ParsedStatement, kind: str, principal: str, trusted: Sequence[Trust]
) -> str:
    """The problem of letting a principal assume the role; "" if there is none."""
    for trust in trusted:
        if (kind, principal) != (trust.kind, trust.principal):
            continue
        if statement.not_actions or not set(statement.actions) <= set(trust.actions):
            return "may do more than assume the role"
        missing = [*statement.missing(trust.when)]
        return f"is not limited by {' and '.join(missing)}" if missing else ""
    return "is not a principal that may take on this role"


RULES: Final[tuple[Rule, ...]] = (
    ResourceRule(
        id="grants-as-declared",
        why="docs/permissions.md promises what each identity can do, and under which conditions.",
        fix=f"Keep the permissions of {grants.FILE}; to grant more, change that file too.",
        references=("CIS 2.14", "CIS 6.7", "FSBP IAM.1", "FSBP IAM.21", "FSBP EC2.3", "FSBP EC2.8"),
        types=DOCUMENT_TYPES,
        check=grants_as_declared,
    ),
    ResourceRule(
        id="denials-present",
        why="A boundary must hold against every policy that somebody attaches later.",
        fix=f"Keep the denials of {grants.FILE}, each without a wider condition.",
        types=frozenset({catalogue.POLICY.name}),
        check=denials_present,
    ),
    StackRule(
        id="denials-in-policies",
        why="Under sandbox:permissions_boundary only the policies hold the denials of the program.",
        fix=f"Keep the denials of {grants.FILE} in the policy of the identity, and attach it.",
        check=denials_in_policies,
    ),
    StackRule(
        id="results-kept-apart",
        why="The bucket of results holds the work of every researcher.",
        fix="Keep this Deny of infra/permissions, or set sandbox:instances_read_outputs"
        " or sandbox:results_per_instance.",
        check=results_kept_apart,
    ),
    StackRule(
        id="documents-name-own-things",
        why="A permission on another account or VPC reaches what this stack does not own.",
        fix="Take the account and the VPC from the stack's own resources.",
        check=documents_name_own_things,
    ),
    ResourceRule(
        id="trust-policy-scoped",
        why="Anyone who can assume a role has all of its rights.",
        fix=f"Keep the principals and conditions of {grants.FILE}.",
        types=frozenset({catalogue.ROLE.name}),
        check=trust_policy_scoped,
    ),
)

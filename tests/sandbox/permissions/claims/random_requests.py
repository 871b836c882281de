"""Random requests for the program's own documents and for random documents.

For the program's documents, requests use the values that they name, and similar values. Random
documents use every operator that the encoding supports.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final

from hypothesis import strategies as st

from infra import names
from local.iam import reference
from local.iam.evaluator import VARIABLE, Request, Values, many
from sandbox.permissions import table
from sandbox.permissions.claims import stacks
from sandbox.permissions.claims.encoding import LISTS, NUMBERS, PolicyLayers
from sandbox.permissions.claims.stacks import ClaimedStack
from tests.infra.permissions.row_verdicts import RowQuestion
from tests.infra.permissions.statement_reach import ANY_RESOURCE, can_know

OTHER_ACCOUNT: Final = "999999999999"
OTHER_ACTIONS: Final = (
    "ec2:DeleteTags",
    "ec2:DescribeInstanceAttribute",
    "ec2:RequestSpotInstances",
    "iam:CreateUser",
    "kms:Encrypt",
    "lambda:InvokeFunction",
    "s3:GetObjectVersion",
    "sts:AssumeRole",
    "sts:GetCallerIdentity",
)
"""Actions beside those that a document names."""
FILLINGS: Final[Mapping[str, Sequence[str]]] = {
    "Partition": ["aws"],
    "Region": ["us-east-1", "us-east-1", "us-east-1", "eu-west-1"],
    "Account": [stacks.ACCOUNT.account_id] * 3 + [OTHER_ACCOUNT],
    "BucketName": ["softmax-data", "softmax-sandbox-outputs", "softmax", "payroll", "results"],
    "ObjectName": ["x", "alice/run.bin"],
    "LogGroupName": ["/aws/ec2/sandbox/a", "/sandbox/flow-logs", "/sandbox/flow-logs-2", "/eks"],
    "LogStreamName": ["x", "10.0.0.1/x", "10.0.0.1-2/x", "10.0.0.1", "x/10.0.0.1/x"],
    "RoleNameWithPath": [names.INSTANCE_ROLE, "admin", "sandbox-x", "service/sandbox-manager"],
    "UserNameWithPath": ["service/sandbox-manager", "service/sandbox-manager-2", "admin"],
    "ImageId": ["ami-0c0ffee0000000001", "ami-0a11ce00000000001"],
    "KeyId": ["11111111-2222-3333-4444-555555555555"],
}
"""The values for the variables of an ARN; any other variable becomes an x."""
RESOURCE_POLICIES: Final = (None, None, None, "names the principal", "is public", "of the account")


def own_questions() -> st.SearchStrategy[list[RowQuestion]]:
    """Requests for the documents of one of the program's identities."""
    return st.lists(_own_question(), min_size=1, max_size=1)


@st.composite
def _own_question(draw: st.DrawFn) -> RowQuestion:
    stack = draw(st.sampled_from(_stacks()))
    who = draw(st.sampled_from(sorted(stack.layers)))
    layers = stack.layers[who]
    action = draw(st.sampled_from(_actions(stack.name, who)))
    details = reference.action(action)
    kinds = details.resources if details else ()
    kind = draw(st.sampled_from(kinds)) if kinds else ANY_RESOURCE
    keys = [
        key
        for key in _keys(stack.name, who)
        if details is None or can_know(details, kind, key) or ":" not in key
    ]
    context = {key: draw(_values(stack.name, who, key)) for key in draw(st.sets(_one_of(keys)))}
    trusted = who.startswith("trust")
    principal = str(stack.values.get(f"principal:{who}") or stack.values["principal:manager"])
    owner = draw(_owners())
    if trusted:  # a role, to which only the documents of its own account apply
        principal = draw(st.sampled_from(_principals(stack.name, who)))
        owner = stacks.ACCOUNT.account_id
    return RowQuestion(
        request=_request(principal, action, draw(_arns(kind.pattern)), context, owner),
        owner="",
        identity=layers.identity,
        boundary=draw(st.sampled_from([layers.boundary, layers.boundary, None])),
        resource=layers.resource or draw(_resource_policies(action, principal)),
    )


def _request(
    principal: str, action: str, arn: str, context: Mapping[str, Values], owner: str
) -> Request:
    return Request(
        principal=principal,
        action=action,
        resource=arn,
        context=context,
        foreign=owner != stacks.ACCOUNT.account_id,
    )


def _owners() -> st.SearchStrategy[str]:
    return st.sampled_from([stacks.ACCOUNT.account_id] * 7 + [OTHER_ACCOUNT])


@st.composite
def _resource_policies(draw: st.DrawFn, action: str, principal: str) -> Any:
    name = draw(st.sampled_from(RESOURCE_POLICIES))
    if name is None or not action.startswith(("s3:", "kms:")):
        return None
    if name == "of the account":
        root = f"arn:aws:iam::{stacks.ACCOUNT.account_id}:root"
        statement = {"Effect": "Allow", "Principal": {"AWS": root}, "Action": "*", "Resource": "*"}
        return {"Version": "2012-10-17", "Statement": [statement]}
    return table.resource_policy(name, {"principal": principal})


@st.composite
def _arns(draw: st.DrawFn, pattern: str) -> str:
    def filled(match: re.Match[str]) -> str:
        return draw(st.sampled_from(FILLINGS.get(match[1], ["x"])))

    return re.sub(r"\$\{(\w+)\}", filled, pattern)


@cache
def _stacks() -> Sequence[ClaimedStack]:
    return stacks.made_up_stacks()


@cache
def _layers(stack: str, who: str) -> PolicyLayers:
    return next(made_up.layers[who] for made_up in _stacks() if made_up.name == stack)


def _statements(stack: str, who: str) -> Iterator[Mapping[str, Any]]:
    layers = _layers(stack, who)
    for document in (*layers.identity, layers.boundary, layers.resource):
        yield from document["Statement"] if document else ()


@cache
def _actions(stack: str, who: str) -> Sequence[str]:
    named = {
        action
        for statement in _statements(stack, who)
        for action in many(statement.get("Action", statement.get("NotAction", "*")))
        if "*" not in action
    }
    return sorted({*named, *OTHER_ACTIONS})


@cache
def _tests(stack: str, who: str) -> Mapping[str, Sequence[str]]:
    """The values that the documents compare each condition key with; none for Null."""
    tests: dict[str, list[str]] = {}
    for statement in _statements(stack, who):
        for operator, lines in statement.get("Condition", {}).items():
            for key, values in lines.items():
                compared = [] if operator == "Null" else many(values)  # it checks presence only
                tests.setdefault(key, []).extend(compared)
        for variable in VARIABLE.findall(str(statement.get("Resource", ""))):
            tests.setdefault(variable, [])
    return tests


def _keys(stack: str, who: str) -> Sequence[str]:
    return sorted(_tests(stack, who))


def _one_of(keys: Sequence[str]) -> st.SearchStrategy[str]:
    return st.sampled_from(keys) if keys else st.nothing()


@cache
def _principals(stack: str, who: str) -> Sequence[str]:
    named = [
        name
        for statement in _statements(stack, who)
        for values in statement["Principal"].values()
        for name in many(values)
    ]
    return [*named, "lambda.amazonaws.com", f"arn:aws:iam::{stacks.ACCOUNT.account_id}:user/alice"]


@cache
def _values(stack: str, who: str, key: str) -> st.SearchStrategy[Values]:
    """Values that a document names, similar values, and others."""
    if key.lower() in NUMBERS:
        limits = [float(limit) for limit in _tests(stack, who)[key]]
        return st.sampled_from([str(limit + step) for limit in limits for step in (-1, 0, 0.5, 1)])
    tested = _tests(stack, who)[key] or [
        "10.0.0.1"
    ]  # presence, or the address of a policy variable
    texts = sorted({re.sub(r"[*?]", letter, value) for value in tested for letter in ("a", "1.x")})
    if key.lower() in LISTS:
        return st.lists(st.sampled_from([*texts, "User_Id", "other"]), min_size=1, unique=True)
    if {"true", "false"} & set(texts):
        return st.sampled_from(["true", "false"])
    others = ["arn:aws:x:us-east-1::y"] if texts[0].startswith("arn:") else ["", "other"]
    similar = [value.upper() for value in texts] if others[0] == "" else []
    return st.sampled_from([*texts, *texts, *(f"{value}-2" for value in texts), *similar, *others])


# Random documents

REQUESTS: Final = 10
"""The number of requests for the same random documents."""
TEXT_KEYS: Final = ("aws:SourceVpc", "aws:userid")
ARN_KEY: Final = "aws:SourceArn"
NUMBER_KEY: Final = "aws:MultiFactorAuthAge"
BOOL_KEY: Final = "aws:SecureTransport"
LIST_KEY: Final = "aws:CalledVia"
TEXTS: Final = ("alice", "alice-2", "Alice", "bob")
GLOBS: Final = (*TEXTS, "*", "al*", "a?ice", "*-2", "*li*", "${aws:userid}", "${aws:userid}-*")
SOURCES: Final = ("arn:aws:sns:us-east-1:1:alice", "arn:aws:sns:us-east-1:1:a:b", "arn:aws:sqs:::x")
SOURCE_GLOBS: Final = (
    *SOURCES,
    "arn:aws:sns:*:1:*",
    "arn:aws:s?s:us-east-1:*:al*",
    "arn:*:*:*:*:*",
)
SERVICES: Final = ("athena.amazonaws.com", "ec2.amazonaws.com", "ssm.amazonaws.com")
ACTIONS: Final = ("s3:GetObject", "s3:PutObject", "s3:GetObjectTagging")
ACTION_GLOBS: Final = (*ACTIONS, "s3:Get*", "S3:getobject", "s3:*", "*", "s3:?etObject")
OBJECTS: Final = (
    "arn:aws:s3:::one/alice/x",
    "arn:aws:s3:::one/bob/x",
    "arn:aws:s3:::one-2/x",
    "arn:aws:s3:::two/a:b",
    "arn:aws:s3:::one/x/alice",
)
OBJECT_GLOBS: Final = (
    *OBJECTS,
    "*",
    "arn:aws:s3:::*",
    "arn:aws:s3:::one/*",
    "arn:aws:s3:::one*/x",
    "arn:aws:s3:::t?o/*",
    "arn:aws:s3:::one/${aws:userid}/*",
    "arn:aws:s3:::*e/${aws:userid}/*",
    "arn:aws:s3:::o*/${aws:userid}",
)


def _some(choices: Sequence[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(choices), min_size=1, max_size=2, unique=True)


@st.composite
def _lines(draw: st.DrawFn) -> tuple[str, str, list[str]]:
    """Operator, key and values of one line of a Condition block."""
    kind = draw(st.sampled_from(["text", "arn", "number", "bool", "list", "null"]))
    if_exists = draw(st.sampled_from(["", "IfExists"]))
    negated = draw(st.sampled_from(["", "Not"]))
    match kind:
        case "text":
            key, like = draw(st.sampled_from(TEXT_KEYS)), draw(st.booleans())
            # AWS does not document negated comparisons with a variable that has no value.
            globs = [glob for glob in GLOBS if not negated or "$" not in glob]
            values = draw(_some(globs if like else TEXTS))
            return f"String{negated}{'Like' if like else 'Equals'}{if_exists}", key, values
        case "arn":
            name = draw(st.sampled_from(["Like", "Equals"]))
            values = draw(st.sampled_from(SOURCE_GLOBS))
            return f"Arn{negated}{name}{if_exists}", ARN_KEY, [values]
        case "number":
            comparisons = ["Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan"]
            name = draw(st.sampled_from([*comparisons, "GreaterThanEquals"]))
            limit = draw(st.sampled_from(["60", "3600"]))
            return f"Numeric{name}{if_exists}", NUMBER_KEY, [limit]
        case "bool":
            return f"Bool{if_exists}", BOOL_KEY, [draw(st.sampled_from(["true", "false"]))]
        case "list":
            quantifier = draw(st.sampled_from(["ForAnyValue", "ForAllValues"]))
            values = draw(_some([*SERVICES, "*.amazonaws.com", "e*"]))
            return f"{quantifier}:String{negated}Like", LIST_KEY, values
        case _:
            key = draw(st.sampled_from([*TEXT_KEYS, ARN_KEY, NUMBER_KEY, BOOL_KEY, LIST_KEY]))
            return "Null", key, [draw(st.sampled_from(["true", "false"]))]


@st.composite
def _random_statements(draw: st.DrawFn) -> Mapping[str, Any]:
    condition: dict[str, dict[str, list[str]]] = {}
    for operator, key, values in draw(st.lists(_lines(), max_size=3)):
        condition.setdefault(operator, {})[key] = values
    resource = draw(st.sampled_from(["Resource", "Resource", "NotResource"]))
    globs = [arn for arn in OBJECT_GLOBS if resource == "Resource" or "$" not in arn]
    return {
        "Effect": draw(st.sampled_from(["Allow", "Allow", "Deny"])),
        draw(st.sampled_from(["Action", "Action", "NotAction"])): draw(_some(ACTION_GLOBS)),
        resource: draw(_some(globs)),
        "Condition": condition,
    }


@st.composite
def random_questions(draw: st.DrawFn) -> list[RowQuestion]:
    """Requests for random documents."""

    def document(statements: list[Mapping[str, Any]]) -> Mapping[str, Any]:
        return {"Version": "2012-10-17", "Statement": json.loads(json.dumps(statements))}

    documents = st.lists(_random_statements(), min_size=1, max_size=3).map(document)
    values: Mapping[str, st.SearchStrategy[Values]] = {
        **dict.fromkeys(TEXT_KEYS, st.sampled_from(TEXTS)),
        ARN_KEY: st.sampled_from(SOURCES),
        NUMBER_KEY: st.sampled_from(["59.5", "60", "3600", "4000"]),
        BOOL_KEY: st.sampled_from(["true", "false"]),
        LIST_KEY: st.lists(st.sampled_from(SERVICES), min_size=1, max_size=2, unique=True),
    }
    principal = f"arn:aws:iam::{stacks.ACCOUNT.account_id}:user/alice"
    identity, boundary = (draw(documents),), draw(st.none() | documents)
    # AWS does not document whether a policy for everybody overrides a boundary without a match.
    policy = draw(st.sampled_from([None, None, "names the principal" if boundary else "is public"]))
    resource = table.resource_policy(policy, {"principal": principal}) if policy else None
    owner = stacks.ACCOUNT.account_id
    return [
        RowQuestion(
            request=_request(principal, action, arn, context, owner),
            owner=owner,
            identity=identity,
            boundary=boundary,
            resource=resource,
        )
        for action, arn, context in draw(
            st.lists(
                st.tuples(
                    st.sampled_from(ACTIONS),
                    st.sampled_from(OBJECTS),
                    st.fixed_dictionaries({}, optional=values),
                ),
                min_size=REQUESTS,
                max_size=REQUESTS,
            )
        )
    ]

"""Each command with each kind of failure: it ends soon, in one line with the cure.

A *break* breaks a working set-up: the answers of `pulumi`, the account, the stack's files. No
command may print a traceback or the text of an unexpected error.
"""

import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, Final

import pytest
from botocore.awsrequest import AWSResponse
from botocore.httpsession import URLLib3Session
from moto import mock_aws

from sandbox import cli
from sandbox.core.errors import ExitCode
from tests.sandbox import json_forms
from tests.sandbox.conftest import FakePulumi
from tests.sandbox.fuzz import command_table
from tests.sandbox.fuzz.command_table import (
    ANSWERS,
    COMMANDS,
    READING,
    STACK,
    answer_all,
    words_of_every_command,
)
from tests.sandbox.lock_error import lock, lock_error
from tests.slices import EVERYTHING

pytestmark = pytest.mark.proof
LIMIT: Final = 60
"""Seconds that a command may take; none of them has to wait here."""
Break = Callable[[FakePulumi, pytest.MonkeyPatch], object]
EMULATOR_GAP: Final = "NotImplementedError: The simulate_principal_policy"
JSON_WITHOUT_FIELDS: Final = {
    *(("config", "show"), ("config", "schema")),
    *(("zones", "propose"), ("adopt", "addresses")),
}
"""Commands whose JSON has no fixed fields, or the fields of sandbox_config."""
JSON_TESTED_ELSEWHERE: Final = {
    command
    for command in COMMANDS
    if command[:2] in {("permissions", "check"), ("image", "list"), ("adopt", "check")}
    or command[:2] == ("budget", "status")
    or command[:2] == ("recover", "--yes")
    or "--write" in command
}
"""Commands that need a filled account, or change something; their own tests cover their JSON."""
CHANGING: Final = {
    ("secret",),
    ("settings", "set"),
    ("settings", "unset"),
    *(("image", word) for word in ("build", "prune", "clean", "resume")),
    ("keys", "rotate"),
    ("keys", "rollback"),
    ("budget", "lift"),
    ("adopt", "apply"),
    ("adopt", "finish"),
}
FINE: Final = {ExitCode.DONE, ExitCode.ATTENTION, ExitCode.NOT_YET}


def answered(
    words: str, stdout: object, *, stderr: str = "", code: int = 0, then: str = ""
) -> Break:
    def change(pulumi: FakePulumi, _: pytest.MonkeyPatch) -> object:
        return pulumi.answer(words, stdout, stderr=stderr, code=code, then=then)

    return change


def everywhere(stdout: object, *, stderr: str = "", code: int = 0, then: str = "") -> Break:
    def change(pulumi: FakePulumi, _: pytest.MonkeyPatch) -> None:
        for words in ANSWERS:
            pulumi.answer(words, stdout, stderr=stderr, code=code, then=then)

    return change


def script(text: str, mode: int = 0o755) -> Break:
    def change(pulumi: FakePulumi, _: pytest.MonkeyPatch) -> None:
        file = pulumi.folder / "pulumi"
        file.write_text(text)
        file.chmod(mode)

    return change


def variable(name: str, value: str) -> Break:
    def change(_: FakePulumi, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(name, value)

    return change


def no_pulumi(pulumi: FakePulumi, _: pytest.MonkeyPatch) -> None:
    (pulumi.folder / "pulumi").unlink(missing_ok=True)


def no_credentials(_: FakePulumi, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(
        "botocore.credentials.CredentialResolver.load_credentials", lambda _resolver: None
    )


def config(**entries: Any) -> Break:
    """Let the stack's config hold *entries*, in the form that the engine prints."""
    return answered("config --json", {f"sandbox:{key}": entry for key, entry in entries.items()})


def changed_state(change: Callable[[dict[str, Any]], object]) -> Break:
    state = command_table.deployment()
    change(state["deployment"])
    return answered("stack export", state)


def without(key: str) -> Callable[[dict[str, Any]], object]:
    def change(state: dict[str, Any]) -> None:
        for resource in state["resources"]:
            resource.pop(key, None)

    return change


def aws_answers(status: int, code: str, message: str = "made up") -> Break:
    """AWS answers every call with an error, in the form of each of its protocols."""

    def send(_session: object, request: Any) -> AWSResponse:
        if "json" in str(request.headers.get("Content-Type", "")):
            body = f'{{"__type": "{code}", "message": "{message}"}}'
        elif "ec2." in request.url:
            body = (
                f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error>"
                "</Errors><RequestID>1</RequestID></Response>"
            )
        else:
            body = (
                f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}"
                "</Message></Error><RequestId>1</RequestId></ErrorResponse>"
            )
        raw = SimpleNamespace(stream=lambda **_: iter([body.encode()]), read=body.encode)
        return AWSResponse(request.url, status, {}, raw)  # pyrefly: ignore[bad-argument-type]

    return aws_sends(send)


def aws_prints(status: int, body: bytes) -> Break:
    """A proxy or a captive portal answers in place of AWS."""

    def send(_session: object, request: Any) -> AWSResponse:
        raw = SimpleNamespace(stream=lambda **_: iter([body]), read=lambda: body)
        return AWSResponse(request.url, status, {}, raw)  # pyrefly: ignore[bad-argument-type]

    return aws_sends(send)


def aws_raises(error: Any) -> Break:
    def send(_session: object, request: Any) -> AWSResponse:
        raise error(endpoint_url=request.url, error="made up", proxy_url="http://p")

    return aws_sends(send)


def aws_sends(send: Callable[[object, Any], AWSResponse]) -> Break:
    def change(_: FakePulumi, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(URLLib3Session, "send", send)
        # moto answers before a request is sent
        monkeypatch.setattr("moto.core.botocore_stubber.BotocoreStubber.__call__", nothing)

    return change


def nothing(*_arguments: object, **_keywords: object) -> None:
    return None


def of_pulumi() -> Iterator[tuple[str, Break]]:
    """`pulumi` itself is broken."""
    yield "not on PATH", no_pulumi
    yield "not executable", script("#!/bin/sh\n", mode=0o644)
    yield "another machine's", script("\x7fELF garbage")
    yield "a script without its interpreter", script("#!/no/such/interpreter\n")
    yield "fails without a word", everywhere("", code=255)
    yield "prints bytes", script("#!/bin/sh\nprintf '\\377\\376\\000garbage\\200'\n")
    yield "fails with bytes", script("#!/bin/sh\nprintf '\\377\\376\\200' >&2; exit 1\n")
    yield "killed", everywhere("", then="kill -9 $$")
    yield (
        "fails with control characters",
        everywhere("", stderr="error: \x1b[31m[red]\x07\r", code=1),
    )
    yield "closes its input", script("#!/bin/sh\nexec 0<&-\nsleep 0.05\nexit 1\n")
    yield (
        "is not signed in",
        everywhere(
            "",
            stderr="error: PULUMI_ACCESS_TOKEN must be set for login during non-interactive CLI "
            "sessions\n",
            code=255,
        ),
    )
    yield (
        "cannot reach its bucket",
        everywhere(
            "",
            stderr='error: read ".pulumi/meta.yaml": blob (key ".pulumi/meta.yaml"): '
            "operation error S3: GetObject, https response error StatusCode: 301\n",
            code=255,
        ),
    )
    yield (
        "has no project",
        everywhere("", stderr="error: no Pulumi.yaml project file found\n", code=255),
    )
    yield (
        "needs a passphrase",
        everywhere(
            "",
            stderr='error: constructing secrets manager of type "passphrase": unable to find '
            "either `PULUMI_CONFIG_PASSPHRASE` or `PULUMI_CONFIG_PASSPHRASE_FILE`\n",
            code=255,
        ),
    )


def of_answers() -> Iterator[tuple[str, Break]]:
    """An answer of `pulumi` has another shape than expected."""
    shapes: Mapping[str, object] = {
        "nothing": "",
        "null": "null",
        "a number": "7",
        "a text": '"text"',
        "a list": "[]",
        "a list of null": "[null]",
        "an empty object": "{}",
        "an object of null": '{"deployment": null, "steps": null, "sandbox:region": null}',
        "an object of lists": '{"deployment": [], "steps": {}, "sandbox:region": [], "a": [[]]}',
        "torn JSON": '{"deployment": {"resour',
        "a warning before the JSON": "warning: a new version of Pulumi is available\n{}",
        "a stream of events": '{"type": "prelude"}\n{"type": "summary"}\n',
        "resources of null": '{"deployment": {"resources": [null]}}',
        "resources without fields": '{"deployment": {"resources": [{}]}}',
    }
    for words in READING:
        for name, text in shapes.items():
            yield f"{words}: {name}", answered(words, text)
        yield (
            f"{words}: no such stack",
            answered(words, "", stderr="error: no stack named 'test' found\n", code=255),
        )
        yield f"{words}: locked", answered(words, "", stderr=lock_error(lock()), code=255)
    yield "rename: locked", answered("stack rename", "", stderr=lock_error(lock()), code=255)
    yield (
        "rename: locked in the future",
        answered(
            "stack rename", "", stderr=lock_error(lock(since="2096-01-01T00:00:00+01:00")), code=255
        ),
    )
    yield (
        "rename: a torn lock",
        answered("stack rename", "", stderr=lock_error(lock(since="yesterday")), code=255),
    )
    yield (
        "rename: a lock file without content",
        answered(
            "stack rename",
            "",
            stderr="error: unexpected end of JSON input\n",
            code=255,
        ),
    )
    yield (
        "rename: Cloud's lock",
        answered(
            "stack rename",
            "",
            stderr="error: [409] Conflict: Another update is currently in progress.\n",
        ),
    )
    yield "config: secret", config(key_name={"secret": True})
    yield (
        "config: secret list entry",
        config(allowed_ssh_cidrs={"secret": True, "objectValue": [{"secure": "v1:abc"}]}),
    )
    yield "config: not a region", config(region={"value": "us-esat-1", "secret": False})
    yield "config: unknown key", config(nope={"value": "[b]\x1b[31m", "secret": False})
    yield "config: wrong type", config(zones={"value": "7", "secret": False})
    yield "state: no resource", changed_state(lambda state: state.update(resources=[]))
    yield "state: no manifest", changed_state(lambda state: state.pop("manifest"))
    yield "state: without outputs", changed_state(without("outputs"))
    yield "state: without inputs", changed_state(without("inputs"))
    yield "state: without ids", changed_state(without("id"))
    yield "state: without times", changed_state(without("modified"))
    for kind in ("aws:ec2/vpc:Vpc", "aws:iam/accessKey:AccessKey", "random:index/x:X"):
        pending = {
            "type": "creating",
            "resource": command_table.resource(kind, "pending", inputs={"user": "x"}),
        }
        yield (
            f"state: pending {kind}",
            changed_state(
                lambda state, pending=pending: state.update(pending_operations=[pending])
            ),
        )
        yield (
            f"state: pending {kind} without provider",
            changed_state(
                lambda state, pending=pending: state.update(
                    pending_operations=[pending], resources=[]
                )
            ),
        )
    yield (
        "outputs: config of another version",
        answered(
            "stack output",
            {"sandbox_config": {**command_table.outputs()["sandbox_config"], "schema_version": 2}},
        ),
    )
    yield "outputs: secrets null", answered("stack output", dict.fromkeys(command_table.outputs()))


def of_aws() -> Iterator[tuple[str, Break]]:
    """AWS, the network or the credentials are broken."""
    from botocore import exceptions as boto  # noqa: PLC0415 - only here

    yield "no credentials", no_credentials
    yield "half of the credentials", half_of_the_credentials
    yield "no such profile", variable("AWS_PROFILE", "no-such-profile")
    for status, code in (
        (400, "ExpiredToken"),
        (403, "InvalidClientTokenId"),
        (401, "AuthFailure"),
        (403, "AccessDenied"),
        (403, "UnauthorizedOperation"),
        (400, "Throttling"),
        (503, "RequestLimitExceeded"),
        (500, "InternalFailure"),
        (400, "OptInRequired"),
        (400, "InvalidVpcID.NotFound"),
        (400, "Strange[bold]"),
    ):
        yield f"AWS answers {code}", aws_answers(status, code)
    yield "a name with control characters", aws_answers(400, "X", "\x1b]0;title\x07[/red]\u202e")
    yield "a portal answers 200", aws_prints(200, b"<html><body>Please sign in</body></html>")
    yield "a proxy answers 502", aws_prints(502, b"Bad gateway")
    yield "the endpoint cannot be reached", aws_raises(boto.EndpointConnectionError)
    yield "connecting takes too long", aws_raises(boto.ConnectTimeoutError)
    yield "reading takes too long", aws_raises(boto.ReadTimeoutError)
    yield "the proxy cannot be reached", aws_raises(boto.ProxyConnectionError)
    yield "the certificate is not trusted", aws_raises(boto.SSLError)


def half_of_the_credentials(_: FakePulumi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")


def of_variables() -> Iterator[tuple[str, Break]]:
    """The shell sets something that the commands do not expect."""
    for name, value in (
        ("PULUMI_ENABLE_STREAMING_JSON_PREVIEW", "true"),
        ("PULUMI_STACK", "no/such/[stack]"),
        ("COLUMNS", "20"),
        ("COLUMNS", "0"),
        ("COLUMNS", "many"),
        ("TERM", "dumb"),
        ("NO_COLOR", "1"),
        ("FORCE_COLOR", "1"),
        ("HOME", "/dev/null"),
        ("AWS_CONFIG_FILE", "/dev/full"),
        ("AWS_REGION", "nowhere"),
        ("AWS_MAX_ATTEMPTS", "many"),
        ("AWS_RETRY_MODE", "strange"),
        ("AWS_ENDPOINT_URL", "not a URL"),
        ("AWS_CA_BUNDLE", "/no/such/file"),
        ("TZ", "Nowhere/Nothing"),
    ):
        yield f"{name}={value}", variable(name, value)


BREAKS: Final[Sequence[tuple[str, Break]]] = (
    *of_pulumi(),
    *of_answers(),
    *of_aws(),
    *of_variables(),
)
SLICE: Final = len(COMMANDS)
"""`make test` tries each break with one command, each time another; `make prove` tries all."""


@pytest.fixture(scope="module", autouse=True)
def account() -> Iterator[None]:
    """An empty account, without waits between two attempts of a call."""
    from local.moto_patches import (  # noqa: PLC0415 - they import moto
        cost_tags,
        ebs_default_key,
        instance_quotas,
        public_access_block,
    )

    for patch in (cost_tags, ebs_default_key, instance_quotas, public_access_block):
        patch.install()
    with mock_aws(), pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=nothing))
        monkeypatch.setattr("botocore.retries.bucket.TokenBucket.acquire", nothing)
        yield


@pytest.fixture
def pulumi(fake_pulumi: FakePulumi, made_up_credentials: Mapping[str, str]) -> FakePulumi:
    del made_up_credentials
    answer_all(fake_pulumi)
    return fake_pulumi


def judge(command: Sequence[str], break_name: str, capsys: pytest.CaptureFixture[str]) -> int:
    """Run *command*: it must end soon, with a documented code and, if it fails, one line."""
    started = time.monotonic()
    code = cli.run(["--quiet", *command])
    where = f"{break_name}: sandbox {' '.join(command)}: {code}"
    shown = capsys.readouterr()
    assert time.monotonic() - started < LIMIT, where
    assert code in set(ExitCode), where
    assert "Traceback" not in shown.err + shown.out, where
    if EMULATOR_GAP in shown.err:
        return code
    assert cli.DEBUG not in shown.err, f"{where}: {shown.err}"
    shown_err = (
        re.sub(r"\x1b\[[0-9;]*m", "", shown.err) if "FORCE_COLOR" in os.environ else shown.err
    )
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", shown_err), f"{where}: {shown.err!r}"
    if code not in FINE:
        lines = shown.err.splitlines()
        if lines[0].endswith(":"):  # the problems of an image build, one a line
            return code
        assert len(lines) == 1, f"{where}: {shown.err}"
        assert ";" in lines[0], f"{where}: no cure: {shown.err}"
    return code


def test_every_command_is_in_the_table() -> None:
    words = {tuple(command) for command in words_of_every_command()}
    missing = [
        command for command in words if not any(row[: len(command)] == command for row in COMMANDS)
    ]
    assert set(missing) == command_table.WITHOUT_STACK_AND_ACCOUNT


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command[:3]))
def test_a_command_on_a_healthy_stack_has_no_unexpected_end(
    command: Sequence[str],
    pulumi: FakePulumi,
    capsys: pytest.CaptureFixture[str],
) -> None:
    del pulumi
    judge(command, "healthy", capsys)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("diagram", "--output", "/no/such/folder/file", *STACK), ExitCode.FAILED),
        (("diagram", "--output", "/", *STACK), ExitCode.FAILED),
        (("drift", "--stack", "a\x1b[31mb"), ExitCode.DONE),  # the fake engine takes every name
        (("drift", "--stack", ""), ExitCode.DONE),
        (("diagram", "--stack", "organization/sandbox/test"), ExitCode.DONE),
    ],
    ids=repr,
)
def test_a_strange_value_is_taken_or_refused_in_one_line(
    command: Sequence[str],
    code: ExitCode,
    pulumi: FakePulumi,
    capsys: pytest.CaptureFixture[str],
) -> None:
    del pulumi
    assert judge(command, "strange value", capsys) == code


def takes_json(command: Sequence[str]) -> bool:
    words = next(words for words in words_of_every_command() if command[: len(words)] == words)
    return "JSON" in json_forms.help_of(*words)


@pytest.mark.parametrize(
    "command",
    [
        command
        for command in COMMANDS
        if takes_json(command) and command not in JSON_TESTED_ELSEWHERE
    ],
    ids=lambda command: " ".join(command[:3]),
)
def test_json_is_one_document_with_the_fields_that_the_help_names(
    command: Sequence[str], pulumi: FakePulumi, capsys: pytest.CaptureFixture[str]
) -> None:
    del pulumi
    assert cli.run(["--quiet", *command, "--json"]) in FINE
    printed = json.loads(capsys.readouterr().out)
    words = next(words for words in words_of_every_command() if command[: len(words)] == words)
    if words in JSON_WITHOUT_FIELDS:
        assert printed
        return
    if words == ("permissions", "documents"):
        printed = list(printed.values())
    entries = printed if isinstance(printed, list) else [printed]
    assert entries
    for entry in entries:
        assert set(entry) == json_forms.fields(*words)


def test_every_command_that_reads_prints_json() -> None:
    """A command without --json changes something, or prints a secret for the cluster."""
    without = {
        words
        for words in words_of_every_command()
        if not any("--json" in option.opts for option in json_forms.command(*words).params)
    }
    assert without == CHANGING
    for words in set(words_of_every_command()) - without:
        assert "JSON" in json_forms.help_of(*words), words


@pytest.mark.parametrize("number", range(len(BREAKS)), ids=[name for name, _ in BREAKS])
def test_no_broken_thing_ends_in_a_traceback(
    number: int,
    pulumi: FakePulumi,
    capsys: pytest.CaptureFixture[str],
) -> None:
    name, break_it = BREAKS[number]
    problems: list[str] = []
    for index, command in enumerate(COMMANDS):
        if not EVERYTHING and (index + number) % SLICE:
            continue
        with pytest.MonkeyPatch.context() as monkeypatch:
            break_it(pulumi, monkeypatch)
            try:
                judge(command, name, capsys)
            except AssertionError as error:
                problems.append(str(error).split("\nassert")[0])
    assert not problems, "\n".join(problems)

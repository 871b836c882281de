"""`sandbox permissions table|documents|check` as a user runs them."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import NoCredentialsError

from infra import context
from infra.account import AccountIdentity
from infra.aws_clients import AwsClients
from infra.context import PLACEHOLDER_VPC_ID
from infra.settings import Settings
from sandbox.cli import run
from sandbox.core.errors import ExitCode
from sandbox.permissions import identities
from sandbox.permissions.table import rows
from tests.infra.conftest import ACCOUNT, Record, Run, config_text
from tests.infra.permissions import stacks
from tests.sandbox import json_forms
from tests.sandbox.permissions.fake_aws import simulator

IDENTITIES = ("manager", "instance", "flow-logs", "budget", "ci-deploy", "ci-preview", "ci-setup")
BUDGET = {"monthly_budget_usd": 50, "budget_email": "costs@example.org"}
SERVICE_ACCOUNT = {"service_account": stacks.SERVICE_ACCOUNT}
IRSA = {
    "manager_identity": "irsa",
    "oidc_provider_arn": stacks.oidc_provider(),
    **SERVICE_ACCOUNT,
}
POD_IDENTITY = {"manager_identity": "pod-identity", **SERVICE_ACCOUNT}


class AnsweredStack:
    """A `pulumi` on PATH that answers for one stack, and the recorded run of the program."""

    def __init__(self, folder: Path, program: Run) -> None:
        self.folder = folder
        self.program = program

    def create(self, *, up: bool, **config: object) -> Record:
        """Give the stack *config*, and outputs if it is *up*; return what the program registers."""
        record = self.program(**config)
        outputs = {
            **record.outputs,
            "sandbox_manager_access_key_id": "[secret]",
            "sandbox_manager_secret_access_key": "[secret]",
        }
        answers = {
            "config": {
                f"sandbox:{key}": {"value": config_text(value)} for key, value in config.items()
            },
            "stack": outputs if up else {},
        }
        script = f"import json, sys\nprint(json.dumps({answers!r}[sys.argv[1]]))\n"
        pulumi = self.folder / "pulumi"
        pulumi.write_text(f"#!{sys.executable}\n{script}")
        pulumi.chmod(0o755)
        return record


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AnsweredStack:
    monkeypatch.setenv("PATH", str(tmp_path))
    return AnsweredStack(tmp_path, Run(monkeypatch))


@pytest.fixture
def documents(stack: AnsweredStack, capsys: pytest.CaptureFixture[str]) -> "DocumentsCommand":
    return DocumentsCommand(stack, capsys)


class DocumentsCommand:
    """Runs `sandbox permissions documents --json`."""

    def __init__(self, stack: AnsweredStack, capsys: pytest.CaptureFixture[str]) -> None:
        self.stack = stack
        self._capsys = capsys

    def __call__(self, *options: str) -> Mapping[str, Any]:
        command = ["permissions", "documents", "--json", "--stack", "test", *options]
        code = run(command)
        captured = self._capsys.readouterr()
        assert code == ExitCode.DONE, captured.err
        return json.loads(captured.out)


@pytest.fixture
def no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every call of AWS fails, as without credentials."""

    def refuse(*_: object, **__: object) -> None:
        raise NoCredentialsError

    monkeypatch.setattr(AwsClients, "_client", refuse)


@pytest.fixture
def other_account(monkeypatch: pytest.MonkeyPatch) -> str:
    """The number of the account of the credentials, which is not the stack's."""
    number = "210987654321"
    answer = {"Arn": f"arn:aws:iam::{number}:user/engineer"}
    monkeypatch.setattr(AwsClients, "sts", SimpleNamespace(get_caller_identity=lambda: answer))
    return number


def test_the_table_has_every_row(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["permissions", "table", "--json"]) == ExitCode.DONE
    printed = json.loads(capsys.readouterr().out)
    assert len(printed) == len(rows())
    assert printed[0].keys() == json_forms.fields("permissions", "table")
    assert run(["permissions", "table"]) == ExitCode.DONE
    assert len(capsys.readouterr().out.splitlines()) == len(rows()) + 1


@pytest.mark.usefixtures("no_account")
@pytest.mark.parametrize(
    "config",
    [{}, IRSA, {**POD_IDENTITY, **BUDGET}, {"flow_logs": False, **BUDGET}],
    ids=["defaults", "irsa", "pod identity and budget", "no flow logs and budget"],
)
def test_the_documents_of_a_stack_that_is_up_are_those_that_the_program_registers(
    documents: DocumentsCommand, config: Mapping[str, Any]
) -> None:
    """Without an AWS account: the outputs name the account and the VPC."""
    record = documents.stack.create(up=True, **config)

    def registered(class_name: str, name: str, key: str = "policy") -> Any:
        text: str = record.only(class_name, name).inputs[key]
        for resource_name, arn in {
            "sandbox-flow-logs": f"logs:us-east-1:{ACCOUNT}:log-group:/sandbox/flow-logs",
            "sandbox-spending-stop": f"iam::{ACCOUNT}:policy/sandbox-spending-stop",
        }.items():
            text = text.replace(f"arn:aws:mock:::{resource_name}", f"arn:aws:{arn}")
        return json.loads(text)

    printed = documents()
    assert tuple(printed) == IDENTITIES
    trust_key = "assumeRolePolicy"
    assert printed["manager"] == {
        "policies": [registered("Policy", "sandbox-manager-policy")],
        "boundary": registered("Policy", "sandbox-manager-boundary"),
        "trust": (
            registered("Role", "sandbox-manager", trust_key)
            if "manager_identity" in config
            else None
        ),
    }
    assert printed["instance"] == {
        "policies": [registered("Policy", "sandbox-instance-policy")],
        "boundary": registered("Policy", "sandbox-instance-boundary"),
        "trust": registered("Role", "sandbox-instance-role", trust_key),
    }
    nothing = {"policies": [], "boundary": None, "trust": None}
    assert printed["flow-logs"] == (
        {
            "policies": [registered("Policy", "sandbox-flow-logs")],
            "boundary": registered("Policy", "sandbox-flow-logs-boundary"),
            "trust": registered("Role", "sandbox-flow-logs", trust_key),
        }
        if config.get("flow_logs", True)
        else nothing
    )
    assert printed["budget"] == (
        {
            "policies": [registered("RolePolicy", "sandbox-budget")],
            "boundary": registered("Policy", "sandbox-budget-boundary"),
            "trust": registered("Role", "sandbox-budget", trust_key),
        }
        if "monthly_budget_usd" in config
        else nothing
    )


def test_the_documents_of_a_stack_that_is_not_up_are_for_the_account_of_the_credentials(
    documents: DocumentsCommand, other_account: str
) -> None:
    documents.stack.create(up=False)
    printed = json.dumps(documents())
    assert PLACEHOLDER_VPC_ID in printed
    assert other_account in printed
    assert ACCOUNT not in printed


@pytest.mark.usefixtures("no_account")
def test_the_documents_of_a_stack_that_is_not_up_need_credentials(
    stack: AnsweredStack, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.create(up=False)
    assert run(["permissions", "documents", "--stack", "test"]) == ExitCode.FAILED
    assert "credentials" in capsys.readouterr().err


@pytest.mark.usefixtures("no_account")
def test_the_roles_of_the_pipelines_are_those_of_the_published_files(
    documents: DocumentsCommand,
) -> None:
    documents.stack.create(up=True, **BUDGET)
    printed = documents()
    deploy, preview = printed["ci-deploy"], printed["ci-preview"]
    for published, policy in zip(
        (identities.CI_ROLE, identities.CI_ROLE_IDENTITIES, identities.CI_ROLE_BUDGET),
        deploy["policies"],
        strict=True,
    ):
        text = published.read_text().replace("ACCOUNT", ACCOUNT).replace("REGION", "us-east-1")
        assert policy == json.loads(text)
    assert [item for part in preview["policies"] for item in part["Statement"]] == [
        item
        for whole in deploy["policies"]
        for item in whole["Statement"]
        if not item["Sid"].startswith("Change")
    ]
    assert all(part["Statement"] for part in preview["policies"])
    (setup,) = printed["ci-setup"]["policies"]
    assert json.dumps(setup).count("-boundary") == 4
    assert (deploy["boundary"], deploy["trust"]) == (None, None)


@pytest.mark.usefixtures("no_account")
def test_the_roles_of_the_pipelines_follow_the_settings(documents: DocumentsCommand) -> None:
    documents.stack.create(up=True, log_prefix="/league/")
    printed = json.dumps(documents("--identity", "ci-deploy"))
    assert "log-group:/league/instances*" in printed
    assert "/aws/ec2/sandbox/" not in printed


@pytest.mark.usefixtures("no_account")
def test_one_identity_can_be_printed_alone(documents: DocumentsCommand) -> None:
    documents.stack.create(up=True)
    assert list(documents("--identity", "instance")) == ["instance"]


@pytest.mark.usefixtures("no_account")
def test_a_wrong_identity_lists_the_right_ones(
    stack: AnsweredStack, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.create(up=True)
    command = ["permissions", "documents", "--stack", "test", "--identity", "admin"]
    assert run(command) == ExitCode.USAGE
    message = capsys.readouterr().err
    assert [name for name in ("admin", *IDENTITIES) if name not in message] == []


@pytest.mark.usefixtures("no_account")
def test_without_json_each_document_has_a_line_with_its_identity(
    stack: AnsweredStack, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.create(up=True)
    assert run(["permissions", "documents", "--stack", "test"]) == ExitCode.DONE
    headings = [line for line in capsys.readouterr().out.splitlines() if line.startswith("# ")]
    assert headings[:3] == ["# manager: policy 1", "# manager: boundary", "# instance: policy 1"]


@pytest.mark.parametrize(
    ("throttled", "settings_in_account", "code"),
    [
        ("", {}, ExitCode.DONE),
        ("ec2:DescribeTags", {}, ExitCode.NOT_YET),
        ("ec2:DescribeTags", {"region": "eu-west-1"}, ExitCode.ATTENTION),
    ],
    ids=["all rows hold", "one call is throttled", "the account has another policy"],
)
def test_check_ends_with_the_code_of_its_worst_row(
    check: "CheckCommand", throttled: str, settings_in_account: stacks.Given, code: ExitCode
) -> None:
    check.account_answers(settings_in_account, throttled)
    answers = json.loads(check("--json", code=code))
    assert len(answers) == len(rows())
    assert answers[0].keys() == json_forms.fields("permissions", "check")


def test_check_shows_the_row_without_an_answer_and_the_counts(check: "CheckCommand") -> None:
    check.account_answers({}, "ec2:DescribeTags")
    heading, unanswered, summary = check(code=ExitCode.NOT_YET).splitlines()
    assert heading.split() == ["who", "action", "what", "expected", "result", "why"]
    assert "Throttling" in unanswered
    assert "1 without an answer" in summary


@pytest.fixture
def check(
    stack: AnsweredStack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> "CheckCommand":
    stack.create(up=True)
    return CheckCommand(monkeypatch, capsys)


class CheckCommand:
    """Runs `sandbox permissions check` against a made-up account."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def account_answers(self, settings_in_account: stacks.Given, throttled: str) -> None:
        """Let the account hold the policies of these settings, and throttle one action."""
        context = stacks.policy_context(settings_in_account, vpc_id="sandbox-vpc-id")
        iam = simulator(
            stacks.identities(context),
            failing=lambda call: "Throttling" if call["ActionNames"] == [throttled] else None,
        )
        arn = f"arn:aws:iam::{ACCOUNT}:user/engineer"
        sts = SimpleNamespace(get_caller_identity=lambda: {"Arn": arn})
        self._monkeypatch.setattr(AwsClients, "iam", iam)
        self._monkeypatch.setattr(AwsClients, "sts", sts)

    def __call__(self, *options: str, code: ExitCode) -> str:
        assert run(["permissions", "check", "--stack", "test", *options]) == code
        return self._capsys.readouterr().out


@pytest.mark.usefixtures("no_account")
def test_check_without_credentials_ends_with_one_line(
    stack: AnsweredStack, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.create(up=True)
    assert run(["permissions", "check", "--stack", "test", "--quiet"]) == ExitCode.FAILED
    [line] = capsys.readouterr().err.splitlines()
    assert "aws sts get-caller-identity" in line


@pytest.mark.usefixtures("other_account")
def test_check_names_an_unknown_profile_of_the_manager(
    stack: AnsweredStack,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    stack.create(up=True)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setattr(AwsClients, "iam", simulator({}))
    command = ["permissions", "check", "--stack", "test", "--manager-profile", "nobody"]
    assert run(command) == ExitCode.FAILED
    assert "nobody" in capsys.readouterr().err


def test_the_roles_of_the_pipelines_name_the_stacks_own_partition_and_log_groups() -> None:
    settings = Settings.model_validate({"region": "us-gov-west-1", "log_prefix": "/league/"})
    identity_of_account = AccountIdentity(partition="aws-us-gov", account_id=ACCOUNT)
    for identity in ("ci-deploy", "ci-preview", "ci-setup"):
        text = json.dumps(
            identities.BUILD[identity](
                settings, context.policy_context(settings, identity_of_account)
            )
        )
        assert "arn:aws-us-gov:" in text
        assert "arn:aws:" not in text
        assert "/aws/ec2/sandbox/" not in text
        assert identity == "ci-setup" or ":log-group:/league/" in text


def test_the_account_of_an_arn() -> None:
    assert AccountIdentity.of_arn(
        "arn:aws-us-gov:iam::123456789012:user/service/x"
    ) == AccountIdentity(partition="aws-us-gov", account_id="123456789012")

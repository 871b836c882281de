"""Each check of `sandbox doctor`, good and bad."""

import json
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError
from moto import mock_aws

from infra.aws_clients import AwsClients
from infra.settings import Settings
from local.moto_patches import ebs_default_key, public_access_block
from sandbox import cli
from sandbox.core.errors import ExitCode
from sandbox.doctor import examination
from sandbox.doctor.examination import CheckResult, Patient
from tests.cost_explorer_errors import LINKED_ACCOUNT, NOT_ENABLED
from tests.sandbox.conftest import FakePulumi
from tests.sandbox.fuzz import command_table

ACCOUNT: Final = "123456789012"
ARN: Final = f"arn:aws:sts::{ACCOUNT}:assumed-role/admin/ann"
AWS_KEY: Final = f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/aws/ebs"
GOOD: Final[Mapping[str, Mapping[str, object]]] = {
    "ec2": {
        "describe_availability_zones": {"AvailabilityZones": [{}, {}]},
        "describe_instance_types": {"InstanceTypes": [{"VCpuInfo": {"DefaultVCpus": 48}}]},
        "describe_vpc_block_public_access_options": {
            "VpcBlockPublicAccessOptions": {"InternetGatewayBlockMode": "off"}
        },
        "get_ebs_encryption_by_default": {"EbsEncryptionByDefault": True},
        "get_ebs_default_kms_key_id": {"KmsKeyId": AWS_KEY},
    },
    "sts": {"get_caller_identity": {"Arn": ARN}},
    "quotas": {"get_service_quota": {"Quota": {"Value": 96.0}}},
    "cost_explorer": {"list_cost_allocation_tags": {"CostAllocationTags": []}},
}
"""What each operation answers in an account that is ready."""


def aws_with(**changes: object) -> Any:
    """Clients whose operations answer as in `GOOD`, except for *changes*; they raise an error."""

    def operation(answer: object) -> Callable[..., object]:
        def call(**_: object) -> object:
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call

    clients = {
        service: SimpleNamespace(
            **{name: operation(changes.get(name, answer)) for name, answer in answers.items()}
        )
        for service, answers in GOOD.items()
    }
    identity = {"partition": "aws", "account_id": ACCOUNT}
    return SimpleNamespace(region="us-east-1", identity=identity, **clients)


def client_error(code: str, message: str = "made up") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "Operation")


@pytest.fixture
def pulumi(fake_pulumi: FakePulumi) -> FakePulumi:
    """A healthy stack, and a kubectl."""
    command_table.answer_all(fake_pulumi)
    kubectl(fake_pulumi, '{"clientVersion": {"gitVersion": "v1.31.0"}}')
    return fake_pulumi


def kubectl(pulumi: FakePulumi, prints: str) -> None:
    file = pulumi.folder / "kubectl"
    file.write_text(f"#!/bin/sh\necho '{prints}'\n")
    file.chmod(0o755)


def examined(monkeypatch: pytest.MonkeyPatch, **changes: object) -> dict[str, CheckResult]:
    """Every result by its check, in the account of `aws_with` with *changes*."""
    monkeypatch.setattr(Patient, "aws", aws_with(**changes))
    return {finding.check: finding for finding in examination.examine("test")}


@pytest.mark.usefixtures("pulumi")
def test_a_ready_stack_has_only_good_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    findings = examined(monkeypatch)
    assert list(findings) == list(examination.CHECKS)
    pinnable = {"account"}  # a stack may leave its account unpinned
    assert {name for name, finding in findings.items() if finding.status != "ok"} <= pinnable
    assert cli.run(["doctor", "--stack", "test", "--json"]) == ExitCode.DONE
    printed = json.loads(capsys.readouterr().out)
    assert [line["check"] for line in printed] == list(examination.CHECKS)
    assert set(printed[0]) == {"check", "status", "details", "cure"}


@pytest.mark.usefixtures("pulumi")
@pytest.mark.parametrize(
    ("check", "status", "words", "changes"),
    [
        ("credentials", "act", "sign in", {"get_caller_identity": NoCredentialsError()}),
        (
            "credentials",
            "act",
            "sign in again",
            {"get_caller_identity": client_error("ExpiredToken")},
        ),
        (
            "region",
            "act",
            "sandbox:region",
            {"describe_availability_zones": EndpointConnectionError(endpoint_url="https://x")},
        ),
        (
            "Cost Explorer",
            "act",
            "root user",
            {"list_cost_allocation_tags": client_error("AccessDeniedException", NOT_ENABLED)},
        ),
        (
            "Cost Explorer",
            "note",
            "cost_allocation_tags to off",
            {
                "list_cost_allocation_tags": client_error(
                    "AccessDeniedException",
                    LINKED_ACCOUNT,
                )
            },
        ),
        (
            "Cost Explorer",
            "act",
            "ask for ce:ListCostAllocationTags",
            {"list_cost_allocation_tags": client_error("AccessDeniedException", "no policy")},
        ),
        (
            "vCPU quota",
            "act",
            "L-DB2E81BA --desired-value 48",
            {"get_service_quota": {"Quota": {"Value": 0.0}}},
        ),
        (
            "VPC Block Public Access",
            "act",
            "exclusion",
            {
                "describe_vpc_block_public_access_options": {
                    "VpcBlockPublicAccessOptions": {"InternetGatewayBlockMode": "block-ingress"}
                }
            },
        ),
        (
            "EBS encryption",
            "act",
            "reset-ebs-default-kms-key-id",
            {"get_ebs_default_kms_key_id": {"KmsKeyId": "arn:aws:kms:us-east-1:1:key/1234"}},
        ),
        (
            "EBS encryption",
            "ok",
            "",
            {"get_ebs_encryption_by_default": {"EbsEncryptionByDefault": False}},
        ),
    ],
)
def test_a_finding_of_the_account_names_its_cure(
    monkeypatch: pytest.MonkeyPatch,
    check: str,
    status: str,
    words: str,
    changes: dict[str, object],
) -> None:
    finding = examined(monkeypatch, **changes)[check]
    assert finding.status == status
    assert words in finding.cure


@pytest.mark.parametrize(
    ("check", "words", "answer"),
    [
        ("pulumi", "install", ("version", "v3.100.0\n")),
        ("pulumi", "install", ("version", "garbage")),
        ("stack", "--stack", ("stack ls", [{"name": "other"}])),
        (
            "settings",
            "us-east-1",
            ("config --json", {"sandbox:region": {"value": "us-east", "secret": False}}),
        ),
        (
            "other settings",
            "pulumi config rm aws:region",
            ("config --json", {"aws:region": {"value": "us-east-1", "secret": False}}),
        ),
        (
            "secrets",
            "PULUMI_CONFIG_PASSPHRASE",
            ("stack export", {"deployment": {"resources": [], "x": {"plaintext": "null"}}}),
        ),
        (
            "account",
            "210987654321",
            ("stack output", {"instance_role_arn": "arn:aws:iam::210987654321:role/sandbox"}),
        ),
    ],
)
def test_a_finding_of_pulumi_names_its_cure(
    pulumi: FakePulumi,
    monkeypatch: pytest.MonkeyPatch,
    check: str,
    words: str,
    answer: tuple[str, object],
) -> None:
    pulumi.answer(*answer)
    finding = examined(monkeypatch)[check]
    assert finding.status == "act"
    assert words in finding.cure


@pytest.mark.parametrize(
    "settings",
    [
        {"cost_allocation_tags": "auto"},
        {"monthly_budget_usd": 5, "budget_email": "costs@example.org"},
    ],
)
def test_a_tag_that_is_not_active_is_worth_a_note_where_it_is_needed(
    settings: dict[str, object],
) -> None:
    tags = [{"TagKey": "user_id", "Type": "UserDefined", "Status": "Active"}]
    aws = aws_with(list_cost_allocation_tags={"CostAllocationTags": tags})
    patient = Patient(name="test", aws_of=lambda _region: aws)
    patient.__dict__["settings"] = Settings.model_validate(settings)
    finding = examination.cost_explorer(patient)
    assert (finding.status, finding.details.split(":")[0]) == ("note", "Project")
    patient.__dict__["settings"] = Settings()
    assert examination.cost_explorer(patient).status == "ok"


@pytest.mark.parametrize("prints", [None, "garbage", "{}"])
def test_kubectl_is_only_worth_a_note(
    pulumi: FakePulumi, monkeypatch: pytest.MonkeyPatch, prints: str | None
) -> None:
    if prints is None:
        monkeypatch.setenv("PATH", "")
    else:
        kubectl(pulumi, prints)
    finding = examination.kubectl(Patient(name="test"))
    assert finding.status == "note"
    assert "secret --apply" in finding.cure


@pytest.mark.usefixtures("pulumi")
def test_a_finding_to_act_on_is_told_by_the_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = aws_with(get_caller_identity=NoCredentialsError())
    monkeypatch.setattr(Patient, "aws", changed)
    assert cli.run(["--quiet", "doctor", "--stack", "test"]) == ExitCode.ATTENTION


def test_the_emulated_account_has_the_settings_of_a_new_one(
    made_up_credentials: Mapping[str, str],
) -> None:
    del made_up_credentials
    for patch in (ebs_default_key, public_access_block):
        patch.install()
    with mock_aws():
        aws = AwsClients("us-east-1")
        patient = Patient(name="test", aws_of=lambda _region: aws)
        patient.__dict__["settings"] = Settings()
        patient.__dict__["outputs"] = {"vpc_id": "vpc-1"}
        assert examination.public_access(patient).status == "ok"
        assert examination.volume_encryption(patient).status == "ok"
        aws.ec2.modify_vpc_block_public_access_options(
            InternetGatewayBlockMode="block-bidirectional"
        )
        aws.ec2.modify_ebs_default_kms_key_id(KmsKeyId="arn:aws:kms:us-east-1:1:key/2")
        assert "vpc-1" in examination.public_access(patient).cure
        assert examination.volume_encryption(patient).status == "act"
        aws.ec2.reset_ebs_default_kms_key_id()
        assert examination.volume_encryption(patient).status == "ok"

"""The checks of `sandbox doctor`. Each checks one thing, and a failure ends no other check."""

import json
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Final, Literal

from botocore.exceptions import ClientError

from ami.plan import QUOTAS
from infra import cost_allocation
from infra.aws_clients import RAISE_QUOTA, AwsClients, error_reason
from infra.cost_allocation import ACTIVE
from infra.settings import NAMESPACE, Settings
from sandbox.core import aws_errors
from sandbox.core.pulumi_cli import run_pulumi
from sandbox.core.stack import Stack

OLDEST_PULUMI: Final = (3, 220)
"""The oldest command line that runs the program (README)."""
AWS_MANAGED_KEY: Final = "alias/aws/ebs"
"""The key of EBS in each account that every principal may use (Amazon EBS encryption)."""
COLUMNS: Final = ("", "check", "details", "what to do")
ACCOUNT_SETTING: Final = "account_id"
Status = Literal["ok", "note", "act"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """How a check ended. The field names are those of `--json`."""

    check: str
    status: Status = "ok"
    details: str
    cure: str = ""

    def row(self) -> Sequence[str]:
        return self.status, self.check, self.details, self.cure

    def as_json(self) -> dict[str, str]:
        return asdict(self)


@dataclass(kw_only=True)
class Patient:
    """The subject of the checks; each part is read once, when the first check needs it."""

    name: str | None
    """The stack, as the user named it."""
    aws_of: Callable[[str], AwsClients] = field(default=AwsClients)

    @cached_property
    def stack(self) -> Stack:
        return Stack.select(self.name)

    @cached_property
    def settings(self) -> Settings:
        return self.stack.settings()

    @cached_property
    def outputs(self) -> Mapping[str, Any]:
        return self.stack.outputs()

    @cached_property
    def aws(self) -> AwsClients:
        return self.aws_of(self.settings.region)


def examine(stack_name: str | None) -> Sequence[CheckResult]:
    """Run every check on the stack *stack_name*; a check may need the earlier ones."""
    patient = Patient(name=stack_name)
    return [_guarded(check, examination, patient) for check, examination in CHECKS.items()]


def _guarded(
    check: str, examination: Callable[[Patient], CheckResult], patient: Patient
) -> CheckResult:
    """The result of *examination*; an error is a result, too."""
    try:
        return examination(patient)
    except Exception as error:  # noqa: BLE001 - one broken check hides no other
        text = aws_errors.describe(error) if aws_errors.of_aws(error) else error_reason(error)
    problem, _, cure = text.rpartition("; ")
    return CheckResult(
        check=check, status="act", details=problem or cure, cure=cure if problem else ""
    )


def pulumi(_: Patient) -> CheckResult:
    version = run_pulumi("version").strip()
    numbers = re.match(r"v?(\d+)\.(\d+)", version)
    if numbers and (int(numbers[1]), int(numbers[2])) >= OLDEST_PULUMI:
        return CheckResult(check="pulumi", details=version)
    oldest = ".".join(map(str, OLDEST_PULUMI))
    return CheckResult(
        check="pulumi",
        status="act",
        details=f"{version or 'prints no version'}; the program needs {oldest} or newer",
        cure="install a newer one from https://www.pulumi.com/docs/install/",
    )


def stack(patient: Patient) -> CheckResult:
    patient.stack.require_exists()
    return CheckResult(check="stack", details=patient.stack.name)


def config(patient: Patient) -> CheckResult:
    settings = patient.settings
    return CheckResult(check="settings", details=f"valid; environment {settings.environment}")


def secrets(patient: Patient) -> CheckResult:
    """Whether the passphrase or the KMS key decrypts the stack's secrets."""
    deployment: Mapping[str, Any] = patient.stack.export(show_secrets=True)["deployment"] or {}
    provider: Mapping[str, Any] = deployment.get("secrets_providers") or {}
    state: Mapping[str, Any] = provider.get("state") or {}
    name = state.get("url") or provider.get("type") or "none yet: the stack was never updated"
    return CheckResult(check="secrets", details=name)


def credentials(patient: Patient) -> CheckResult:
    arn = patient.aws.sts.get_caller_identity()["Arn"]
    return CheckResult(check="credentials", details=arn)


def account(patient: Patient) -> CheckResult:
    """Whether the credentials belong to the account of the stack."""
    current = patient.aws.identity["account_id"]
    pinned = str(getattr(patient.settings, ACCOUNT_SETTING, ""))
    known = pinned or _account_of(patient.outputs)
    if known and known != current:
        return CheckResult(
            check="account",
            status="act",
            details=f"your credentials belong to {current}, the stack to {known}",
            cure=f"sign in to account {known}",
        )
    if not pinned and ACCOUNT_SETTING in Settings.model_fields:
        return CheckResult(
            check="account",
            status="note",
            details=f"{current}, not pinned",
            cure=f"sandbox settings set {ACCOUNT_SETTING} {current} --stack {patient.stack.name}",
        )
    return CheckResult(check="account", details=current)


def _account_of(outputs: Mapping[str, Any]) -> str:
    arn = str(outputs.get("instance_role_arn") or "").split(":")
    return arn[4] if len(arn) > 5 else ""  # noqa: PLR2004 - arn:partition:iam::account:role


def region(patient: Patient) -> CheckResult:
    zones = patient.aws.ec2.describe_availability_zones()["AvailabilityZones"]
    return CheckResult(check="region", details=f"{patient.aws.region}, {len(zones)} zones")


def kubectl(_: Patient) -> CheckResult:
    """Kubectl is needed only to apply the service's secret."""
    missing = "for sandbox secret --apply: install it from https://kubernetes.io/docs/tasks/tools/"
    try:
        completed = subprocess.run(
            ["kubectl", "version", "--client", "--output", "json"],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=True,
            timeout=30,
        )
        version = json.loads(completed.stdout)["clientVersion"]["gitVersion"]
    except (FileNotFoundError, PermissionError):
        return CheckResult(check="kubectl", status="note", details="is not on PATH", cure=missing)
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError):
        details = "does not print its version"
        return CheckResult(check="kubectl", status="note", details=details, cure=missing)
    return CheckResult(check="kubectl", details=str(version))


def cost_explorer(patient: Patient) -> CheckResult:
    """AWS has three reasons to refuse: the account's setting, a linked account, and a right."""
    check = "Cost Explorer"
    try:
        statuses = cost_allocation.statuses(patient.aws.cost_explorer)
    except ClientError as error:
        reason = cost_allocation.known_refusal(error)
        if reason is None:
            raise
        return CheckResult(
            check=check,
            status="note" if reason is cost_allocation.LINKED else "act",
            details=reason.problem,
            cure=reason.cure,
        )
    waiting = [tag for tag, status in statuses.items() if status != ACTIVE]
    wanted = patient.settings.cost_allocation_tags != "off" or patient.settings.monthly_budget_usd
    if not (waiting and wanted):
        return CheckResult(check=check, details="answers")
    return CheckResult(
        check=check,
        status="note",
        details=f"{', '.join(waiting)}: not an active cost allocation tag, so AWS counts nothing "
        "by it",
        cure="set sandbox:cost_allocation_tags to auto, and update the stack a day after the first "
        "launch",
    )


def vcpu_quota(patient: Patient) -> CheckResult:
    """Whether the account may run a machine of the default type; new accounts have 0 vCPUs."""
    check, instance_type = "vCPU quota", patient.settings.default_instance_type
    family = re.match("[a-z]+", instance_type)
    quota = next((quota for quota in QUOTAS if family and family[0] in quota.families), None)
    if not quota:
        return CheckResult(check=check, details=f"none is known for {instance_type}")
    (described,) = patient.aws.ec2.describe_instance_types(InstanceTypes=[instance_type])[
        "InstanceTypes"
    ]
    needed = described.get("VCpuInfo", {}).get("DefaultVCpus", 0)
    answer = patient.aws.quotas.get_service_quota(ServiceCode="ec2", QuotaCode=quota.code)
    allowed = int(answer["Quota"].get("Value", 0))
    details = f"{allowed} ({quota.code}); {instance_type} needs {needed}"
    if allowed >= needed:
        return CheckResult(check=check, details=details)
    return CheckResult(
        check=check,
        status="act",
        details=details,
        cure=f"{RAISE_QUOTA} --service-code ec2 --quota-code {quota.code} "
        f"--desired-value {needed} --region {patient.aws.region}",
    )


def public_access(patient: Patient) -> CheckResult:
    """VPC Block Public Access stops SSH before any security group is asked."""
    check = "VPC Block Public Access"
    options = patient.aws.ec2.describe_vpc_block_public_access_options()
    mode = options["VpcBlockPublicAccessOptions"].get("InternetGatewayBlockMode", "off")
    if mode == "off":
        return CheckResult(check=check, details="off")
    vpc = patient.outputs.get("vpc_id", "VPC_ID")
    return CheckResult(
        check=check,
        status="act",
        details=f"{mode}: nobody reaches a sandbox by SSH",
        cure="aws ec2 create-vpc-block-public-access-exclusion "
        "--internet-gateway-exclusion-mode allow-bidirectional "
        f"--vpc-id {vpc} --region {patient.aws.region}",
    )


def volume_encryption(patient: Patient) -> CheckResult:
    """The key that encrypts the volumes, which the manager has to be allowed to use.

    With a key that it may not use a launch is accepted, and the instance ends with
    Client.InternalError (Amazon EC2: troubleshoot instance launch).
    """
    ec2 = patient.aws.ec2
    by_default = ec2.get_ebs_encryption_by_default()["EbsEncryptionByDefault"]
    key = ec2.get_ebs_default_kms_key_id()["KmsKeyId"]
    default = "encryption by default is on" if by_default else "launches request encryption"
    if key.endswith(AWS_MANAGED_KEY):
        return CheckResult(check="EBS encryption", details=f"{default}, with {AWS_MANAGED_KEY}")
    return CheckResult(
        check="EBS encryption",
        status="act",
        details=f"the default key is {key}, which the manager may not use",
        cure=f"aws ec2 reset-ebs-default-kms-key-id --region {patient.aws.region}, or allow the "
        "manager in the key's policy",
    )


def unread(patient: Patient) -> CheckResult:
    """Settings of the stack's file that this program does not read."""
    others = [key for key in patient.stack.foreign_config() if not key.startswith("pulumi:")]
    if not others:
        return CheckResult(check="other settings", details="none")
    return CheckResult(
        check="other settings",
        status="act",
        details=f"{', '.join(others)}: the program reads {NAMESPACE}:* only",
        cure=f"remove it: pulumi config rm {others[0]} --stack {patient.stack.name}",
    )


CHECKS: Final[Mapping[str, Callable[[Patient], CheckResult]]] = {
    "pulumi": pulumi,
    "stack": stack,
    "settings": config,
    "other settings": unread,
    "secrets": secrets,
    "credentials": credentials,
    "account": account,
    "region": region,
    "kubectl": kubectl,
    "Cost Explorer": cost_explorer,
    "vCPU quota": vcpu_quota,
    "VPC Block Public Access": public_access,
    "EBS encryption": volume_encryption,
}
"""The checks by name, in the order of the report."""

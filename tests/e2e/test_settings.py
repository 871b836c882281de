"""Every documented setting, changed and changed back on one stack, with the guard rails."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pytest

from infra.settings import Settings
from sandbox.core.errors import ExitCode
from tests.e2e.account import Client
from tests.e2e.engine_stack import EngineStack
from tests.sandbox import in_process


def ranges(network: str) -> Sequence[str]:
    """More ranges than a prefix list is created with in one request."""
    return [f"{network}.{number}.0/24" for number in range(101)]


PROVIDER_ARN: Final = (
    "arn:aws:iam::123456789012:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/ABCDEF0123456789"
)
OTHER: Final[Mapping[str, Any]] = {
    "environment": "staging",
    "protect": True,
    "watch_terraform_tags": True,
    "vpc_cidr": "10.101.0.0/16",
    "main_vpc_cidr": "10.1.0.0/16",
    "zones": {"us-east-1a": 0, "us-east-1b": 3},
    "allowed_ssh_cidrs": ["203.0.113.0/24", "2001:db8:1::/48"],
    "allowed_egress": ["tcp 443 0.0.0.0/0", "udp 53 0.0.0.0/0"],
    "tags": {"CostCenter": "research"},
    "flow_logs": False,
    "flow_log_retention_days": 90,
    "default_instance_type": "g5.xlarge",
    "allowed_instance_types": ["g5.*", "p4d.24xlarge"],
    "sandbox_ami_id": "",  # replaced by the emulator's own image
    "key_name": "researchers",
    "s3_read_buckets": ["team-*", "data"],
    "s3_output_bucket": "team-outputs",
    "instances_read_outputs": True,
    "log_prefix": "/sandboxes/logs/",
    "logs_per_instance": True,
    "instance_log_retention_days": 30,
    "manager_keys": {"a": "retiring", "b": "current"},
    "cost_allocation_tags": "auto",
    "permissions_boundary": "arn:aws:iam::123456789012:policy/organization",
    "volume_types": ["gp3"],
    "max_volume_gib": 500,
    "capacity_reservations": ["cr-0123456789abcdef0"],
    "instance_tags": ["Name", "Team"],
    "instances_only_from_vpc": True,
    "ecr_repositories": ["sandbox/*"],
}
"""A value other than the default for each setting that depends on no other."""
PAIRS: Final[Sequence[Mapping[str, Any]]] = (
    {"monthly_budget_usd": 500, "budget_email": "costs@example.org"},
    {
        "manager_identity": "irsa",
        "oidc_provider_arn": PROVIDER_ARN,
        "service_account": "team/manager",
    },
    {
        "manager_identity": "pod-identity",
        "service_account": "team/manager",
        "manager_path": "/",
    },
    {
        "monthly_budget_usd": 500,
        "budget_email": "costs@example.org",
        "manager_identity": "pod-identity",
        "service_account": "team/manager",
    },
    {"flow_logs": False, "flow_log_retention_days": 30},
    {"results_per_instance": True, "s3_read_buckets": ["data"]},
    {"zones": {"us-east-1a": 0}, "vpc_cidr": "192.168.0.0/24"},
    {"allowed_ssh_cidrs": ranges("198.51")},
)
"""Settings that depend on each other."""
ELSEWHERE: Final = {
    "region": "moves everything, so a standing stack refuses it",
    "account_id": "pins the account and changes nothing",
}
TOGETHER: Final = {
    key: value
    for key, value in OTHER.items()
    if key not in {"protect", "vpc_cidr", "zones", "environment", "flow_logs"}
}
"""Settings whose change replaces nothing and can be reverted by the default."""


@pytest.fixture(scope="module")
def standing(sandbox: EngineStack, client: Client) -> EngineStack:
    """A stack with the defaults, to which each change returns."""
    client("ec2").create_key_pair(KeyName="researchers")
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    client("iam").create_policy(
        PolicyName="organization",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [everything]}),
    )
    sandbox.configure()
    sandbox.up("--policy-pack", "policies")
    return sandbox


def prepared(settings: Mapping[str, Any], client: Client) -> dict[str, Any]:
    """*settings* with an image of the account in place of the empty one."""
    image: dict[str, Any] = {}
    if settings.get("sandbox_ami_id") == "":
        registered = client("ec2").register_image(Name="sandbox", RootDeviceName="/dev/sda1")
        image = {"sandbox_ami_id": registered["ImageId"]}
    return {**settings, **image}


def change(stack: EngineStack, settings: Mapping[str, Any]) -> None:
    """Update *stack* to *settings*, with the guard rails."""
    stack.configure(**settings)
    stack.up("--policy-pack", "policies")


def command(stack: EngineStack, *words: str, code: int = ExitCode.DONE) -> Any:
    """The JSON that `sandbox` *words* prints; it ends with *code*."""
    arguments = (*words, "--json", "--stack", stack.name)
    completed = in_process.run(arguments, stack.folder, stack.environment)
    assert completed.returncode == code, completed.stdout + completed.stderr
    return json.loads(completed.stdout)


NO_DRIFT: Final = {"differing": [], "missing": [], "unmanaged": []}


def test_every_setting_is_tried() -> None:
    tried = OTHER.keys() | ELSEWHERE.keys() | {key for pair in PAIRS for key in pair}
    assert Settings.model_fields.keys() <= tried


def admitted(stack: EngineStack, client: Client) -> Sequence[str]:
    """The ranges in the prefix lists that the security group admits."""
    ec2 = client("ec2")
    group = stack.outputs()["security_group_id"]
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
    lists = [rule["PrefixListId"] for rule in rules["SecurityGroupRules"] if not rule["IsEgress"]]
    assert len(lists) == 2
    entries = [
        ec2.get_managed_prefix_list_entries(PrefixListId=prefix_list)["Entries"]
        for prefix_list in lists
    ]
    return sorted(entry["Cidr"] for part in entries for entry in part)


def test_most_settings_change_together_and_back(standing: EngineStack, client: Client) -> None:
    for settings, network in ((TOGETHER, "198.51"), ({}, "198.52")):
        many = {"allowed_ssh_cidrs": ranges(network)}
        change(standing, prepared({**settings, **many}, client))
        assert admitted(standing, client) == sorted(ranges(network))
        if settings:
            assert command(standing, "drift") == NO_DRIFT
    assert set(standing.preview()) == {"same"}


@pytest.mark.thorough
def test_each_setting_alone_and_the_pairs_that_matter(
    standing: EngineStack, client: Client
) -> None:
    for settings in (*({key: value} for key, value in OTHER.items()), *PAIRS):
        change(standing, prepared(settings, client))
        standing.configure()
        # as documented: protection is disabled without the policy pack
        standing.up(*([] if "protect" in settings else ["--policy-pack", "policies"]))
        assert set(standing.preview()) == {"same"}, settings


@pytest.mark.thorough
def test_drift_and_status_know_an_organizations_boundary(
    standing: EngineStack, client: Client
) -> None:
    change(standing, {"permissions_boundary": OTHER["permissions_boundary"]})
    assert command(standing, "drift") == NO_DRIFT
    lines = command(standing, "status", code=ExitCode.ATTENTION)  # it has no image
    assert {line["item"]: line["details"] for line in lines}["drift"] == "none"
    iam = client("iam")
    iam.delete_user_permissions_boundary(UserName="sandbox-manager")
    drifted = command(standing, "drift", code=ExitCode.ATTENTION)
    assert [entry["name"] for entry in drifted["differing"]] == ["sandbox-manager"]
    standing.up("--refresh", "--policy-pack", "policies")
    user = iam.get_user(UserName="sandbox-manager")["User"]
    boundary = user["PermissionsBoundary"]["PermissionsBoundaryArn"]
    assert boundary == OTHER["permissions_boundary"]
    standing.configure()
    standing.up("--policy-pack", "policies")

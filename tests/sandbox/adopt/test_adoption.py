"""One environment of the old module is refused, adopted and updated, in this order.

The real engine, the real provider and an emulated account. The tests follow each other on one
account; `make prove-adopt` adds the other variants of the state and the other interruptions.
"""

import json
import signal

import pytest

from sandbox.core.errors import ExitCode
from tests.killed_by_pulumi import path_that_kills
from tests.sandbox import json_forms
from tests.sandbox.adopt.adoption_env import (
    AdoptionEnv,
    changes,
    counts,
    error_line,
    moved_ids,
    secret_of,
)
from tests.sandbox.adopt.conftest import OpenEnv
from tests.sandbox.adopt.fake_account import Json, changed

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def environment(open_env: OpenEnv, tmp_path_factory: pytest.TempPathFactory) -> AdoptionEnv:
    return open_env("the original", tmp_path_factory.mktemp("adoption"))


def test_a_replacement_is_refused_with_a_full_report_and_nothing_is_written(
    environment: AdoptionEnv,
) -> None:
    group = environment.client("ec2").describe_security_groups(
        Filters=[{"Name": "group-name", "Values": ["sandbox-instances"]}]
    )["SecurityGroups"][0]
    other = environment.client("ec2").create_security_group(
        GroupName="sandbox-instances-2", Description="Other", VpcId=group["VpcId"]
    )["GroupId"]
    state = environment.state_file.read_text()
    environment.state_file.write_text(state.replace(group["GroupId"], other))
    machine = old_launch(environment, group["VpcId"], other)
    account, files = environment.account(), environment.files_of_stack()

    refused = environment.check("--json")

    assert environment.account() == account
    environment.client("ec2").terminate_instances(InstanceIds=[machine])
    assert environment.files_of_stack() == files
    environment.state_file.write_text(state)
    environment.client("ec2").delete_security_group(GroupId=other)
    assert refused.returncode == ExitCode.REFUSED
    assert "nothing was written; restore these with Terraform" in error_line(refused)
    report: Json = json.loads(refused.stdout)
    assert set(report) == json_forms.fields("adopt", "check")
    assert report["verdict"]["sound"] is False
    objections: list[str] = report["verdict"]["objections"]
    assert any("sandbox-instances: would be replaced" in line for line in objections)
    assert all(line in error_line(refused) for line in objections)
    assert report["stack"] == "production"
    assert report["settings"]["zones"] == {"us-east-1a": 0, "us-east-1b": 1, "us-east-1c": 2}
    adopted = [entry["id"] for entry in report["adopted"]]
    assert other in adopted
    listed = [*adopted, *(entry["id"] for entry in report["left_alone"])]
    assert len(listed) == sum(
        len(block["instances"])
        for block in environment.state["resources"]
        if block["mode"] == "managed"
    )
    assert all(change["reasons"] for change in changes(report, "update"))
    assert len(refused.stderr.splitlines()) > 5  # a line before each step
    launch = report["launch"]
    assert (launch["machine"], launch["not_judged"]) == (machine, "")
    decisions = {part["name"].split()[0]: part["decision"] for part in launch["parts"]}
    assert decisions == {
        **dict.fromkeys(("instance", "tags", "volume"), "denied"),
        **dict.fromkeys(("image", "network", "subnet", "security-group"), "allowed"),
    }
    assert all(bool(part["changes"]) == (part["decision"] == "denied") for part in launch["parts"])
    assert launch["parts"][0]["changes"][:2] == [
        "name the profile sandbox-instance-profile, not none",
        "require IMDSv2: MetadataOptions HttpTokens = required",
    ]


def old_launch(environment: AdoptionEnv, vpc: str, group: str) -> str:
    """Launch a machine as the service did before: nothing but its user and its owner is named."""
    ec2 = environment.client("ec2")
    filters = [{"Name": "vpc-id", "Values": [vpc]}]
    subnet = next(
        subnet["SubnetId"]
        for subnet in ec2.describe_subnets(Filters=filters)["Subnets"]
        if subnet["SubnetId"] in environment.state_file.read_text()
    )
    image = ec2.register_image(Name="sandbox", RootDeviceName="/dev/sda1")["ImageId"]
    named = [{"Key": "user_id", "Value": "alice"}, {"Key": "Owner", "Value": "alice"}]
    return ec2.run_instances(
        ImageId=image,
        InstanceType="g5.12xlarge",
        SubnetId=subnet,
        SecurityGroupIds=[group],
        TagSpecifications=[{"ResourceType": "instance", "Tags": named}],
        MinCount=1,
        MaxCount=1,
    )["Instances"][0]["InstanceId"]


def test_a_run_that_is_killed_after_its_last_write_has_adopted(environment: AdoptionEnv) -> None:
    account = environment.account()
    killed = environment.killed_apply(
        path_that_kills(
            environment.folder / "deadly",
            environment.variables["PATH"],
            "stack import",
            only_if=f'[ "$PWD" = "{environment.project}" ]',
            done=True,
        )
    )
    assert killed.returncode == -signal.SIGKILL
    assert environment.account() == account
    files = environment.files_of_stack()
    completed = environment.apply("--quiet")
    assert completed.returncode == ExitCode.DONE, completed.stderr
    assert "0 to replace, 0 to delete" in completed.stdout
    assert completed.stderr == ""
    assert environment.account() == account
    assert environment.files_of_stack() == files


def test_the_update_keeps_every_id_and_changes_only_what_the_check_lists(
    environment: AdoptionEnv,
) -> None:
    require_sound_update(environment)


def require_sound_update(environment: AdoptionEnv) -> dict[str, int]:
    """Check and update an adopted stack; the counts of what the update did."""
    before, adopted = environment.account(), environment.ids()
    checked = environment.check("--json")
    assert checked.returncode == ExitCode.DONE, checked.stderr
    report: Json = json.loads(checked.stdout)
    updates = changes(report, "update")
    assert report["verdict"]["objections"] == []

    update = environment.pulumi("up", "--yes", "--skip-preview")
    did = counts(update)
    after, ids = environment.account(), environment.ids()
    moved = moved_ids(adopted, ids)
    assert moved == set()
    assert did.get("updated", 0) == len(updates)
    assert did.get("created", 0) == len(changes(report, "create"))
    created = {identifier for urn, identifier in ids.items() if urn not in adopted}
    gone = {key for key in before if key not in after}
    # the rules of the VPC's default group go when the program takes the group over
    assert [key for key in gone if before[key].get("GroupId") not in created] == []
    listed = {(change["type"], change["name"]) for change in updates}
    announced = created | {
        identifier for urn, identifier in adopted.items() if _type_and_name(urn) in listed
    }
    silent = {key for key in changed(before, after) - gone if key[1] not in announced}
    # a gateway endpoint adds its route to the table; attaching a second policy changes no resource
    assert {kind for kind, _ in silent} <= {"RouteTables", "user's policies", "role's policies"}
    again = environment.check("--json")
    assert json.loads(again.stdout)["changes"] == []
    if secret := secret_of(environment.state):
        assert environment.outputs()["sandbox_manager_secret_access_key"] == secret
        printed = checked.stdout + checked.stderr + update + again.stdout
        assert secret not in printed
        assert environment.files_with(secret) == []
    return {"changed ids": len(moved), **did}


def _type_and_name(urn: str) -> tuple[str, str]:
    parts = urn.split("::", 3)
    return parts[2].rpartition("$")[2], parts[3]

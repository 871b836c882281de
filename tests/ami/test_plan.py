"""The plan checks everything before it creates anything, and reports all problems at once."""

from __future__ import annotations

import inspect
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.credentials import Credentials, RefreshableCredentials
from botocore.exceptions import ClientError

from ami import plan, price, public_address
from ami.credentials import expiry_warning
from ami.errors import PlanError
from ami.limits import Limits
from infra import names
from sandbox.image import commands
from tests.ami import fake_account

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ami.target import BuildTarget
    from infra.aws_clients import AwsClients
    from tests.ami.conftest import EmulatedAccount


def plan_for(
    account: EmulatedAccount, clients: AwsClients, target: BuildTarget | None = None, **options: Any
) -> plan.BuildPlan:
    return plan.make(
        clients, target or account.target, account.options(**options), limits=fake_account.FAST
    )


def test_a_plan_names_what_it_will_use(account: EmulatedAccount, clients: AwsClients) -> None:
    build_plan = plan_for(account, clients)
    assert build_plan.base_image == "ami-0ubuntu22040000001"
    assert (build_plan.instance_type, build_plan.vcpus, build_plan.gpus) == ("g5.12xlarge", 48, 4)
    assert [subnet.zone for subnet in build_plan.subnets] == [
        "us-east-1a",
        "us-east-1b",
        "us-east-1c",
    ]
    assert build_plan.ssh_from == "203.0.113.7/32"
    assert build_plan.tags["Purpose"] == names.BUILD_PURPOSE
    assert account.created() == set()


UNUSABLE_OPTIONS: tuple[tuple[dict[str, Any], str], ...] = (
    ({"instance_type": "g9.huge"}, "--instance-type g9.huge: .*us-east-1"),
    ({"instance_type": "c5.large"}, "--instance-type c5.large: .*NVIDIA"),
    ({"instance_type": "g5g.xlarge"}, "--instance-type g5g.xlarge: .*x86_64"),
    ({"instance_type": "p4d.24xlarge"}, r"needs 96 vCPUs, .*\(L-417A185B\).* is 0"),
    ({"ssh_from": "0.0.0.0/0"}, "--ssh-from 0.0.0.0/0: "),
    ({"ssh_from": "here"}, "--ssh-from here: "),
    ({"ssh_from": "2001:db8::1"}, "--ssh-from 2001:db8::1: "),
    ({"ssh_key": "nobody's"}, "--ssh-key nobody's: "),
    ({"disk_gib": 8, "disk_iops": 3000, "disk_throughput": 125}, "--disk 8: .*80 GiB"),
    ({"disk_iops": 2000}, "--disk-iops 2000: .*3000 to 75000"),
    ({"disk_iops": 3000}, "--disk-throughput 1000: .*125 to 750 MiB/s"),
    ({"ssh_key_file": Path("key")}, "--ssh-key-file key: .*--ssh-key NAME"),
)


def test_an_option_that_cannot_work_is_refused(
    account: EmulatedAccount, clients: AwsClients
) -> None:
    for options, message in UNUSABLE_OPTIONS:
        with pytest.raises(PlanError, match=message):
            plan_for(account, clients, **options)
    assert account.created() == set()


def test_vcpus_in_use_count_against_the_quota(
    account: EmulatedAccount, clients: AwsClients
) -> None:
    def launch(instance_type: Any, number: int, **parameters: Any) -> list[str]:
        instances = account.ec2.run_instances(
            ImageId="ami-0ubuntu22040000001",
            InstanceType=instance_type,
            MinCount=number,
            MaxCount=number,
            SubnetId=account.target.subnet_ids[0],
            **parameters,
        )["Instances"]
        return [instance.get("InstanceId", "") for instance in instances]

    # the quota is 192; the two g5.xlarge of the decoys have 8
    first = launch("g5.12xlarge", 2)
    launch("g6.8xlarge", 1)
    launch("c5.24xlarge", 2)  # of another quota
    launch("g5.48xlarge", 1, InstanceMarketOptions={"MarketType": "spot"})  # likewise
    assert plan_for(account, clients).vcpus == 48
    launch("g5.4xlarge", 1)
    with pytest.raises(PlanError, match=r"is 192, of which 152 are in use.*value 200 "):
        plan_for(account, clients)
    account.ec2.stop_instances(InstanceIds=first[:1])
    assert plan_for(account, clients).vcpus == 48


def test_all_problems_are_named_at_once(account: EmulatedAccount, clients: AwsClients) -> None:
    with pytest.raises(PlanError) as refused:
        plan_for(account, clients, instance_type="c5.large", ssh_from="0.0.0.0/0", disk_gib=20)
    assert len(refused.value.problems) == 3
    lines = [line.strip() for line in str(refused.value).splitlines()]
    assert lines[1:] == list(refused.value.problems)


UNFIT_TYPES = (
    ("p3dn.24xlarge", "older than Turing"),
    ("g6f.xlarge", "share of one"),
    ("p6-b200.48xlarge", "subnet manager"),
)


def test_a_type_whose_gpus_the_image_cannot_drive_is_refused(
    account: EmulatedAccount, clients: AwsClients
) -> None:
    for instance_type, reason in UNFIT_TYPES:
        with pytest.raises(PlanError, match=f"--instance-type {instance_type}: .*{reason}"):
            plan_for(account, clients, instance_type=instance_type)


def test_subnets_without_a_route_to_the_internet_are_refused(
    account: EmulatedAccount, clients: AwsClients
) -> None:
    closed = fake_account.network(account.ec2, public=False)
    with pytest.raises(PlanError, match="internet gateway"):
        plan_for(account, clients, closed)


def test_without_the_parameter_the_base_image_is_searched_by_its_owner(
    account: EmulatedAccount, clients: AwsClients
) -> None:
    def missing(**_: object) -> None:
        raise ClientError({"Error": {"Code": "ParameterNotFound", "Message": ""}}, "GetParameter")

    clients.ssm.meta.events.register("before-call.ssm.GetParameter", missing)
    owners: list[Any] = []
    clients.ec2.meta.events.register(
        "provide-client-params.ec2.DescribeImages",
        lambda params, **_: owners.append(params.get("Owners")),
    )
    assert plan_for(account, clients).base_image == "ami-0ubuntu22040000001"
    assert owners[0] == ["099720109477"]


def test_a_price_that_aws_does_not_tell_is_unknown(
    account: EmulatedAccount, clients: AwsClients
) -> None:
    def denied(**_: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetProducts")

    clients.pricing.meta.events.register("before-call.pricing.GetProducts", denied)
    assert str(price.of_plan(clients, plan_for(account, clients))).startswith("unknown (")


def refuse(client: Any, operation: str, code: str) -> None:
    """Answer every call of *operation* with the error *code*."""

    def answer(model: Any, **_: object) -> None:
        raise ClientError({"Error": {"Code": code, "Message": "says AWS"}}, model.name)

    client.meta.events.register(f"before-call.*.{operation}", answer)


def test_the_dry_run_is_the_launch_with_everything_that_a_rule_may_demand(
    account: EmulatedAccount, clients: AwsClients
) -> None:
    requests: list[dict[str, Any]] = []

    def note(params: dict[str, Any], **_: object) -> None:
        requests.append(params)

    clients.ec2.meta.events.register("provide-client-params.ec2.RunInstances", note)
    plan_for(account, clients)
    (request,) = requests
    assert request["DryRun"] is True
    assert request["MetadataOptions"]["HttpTokens"] == "required"
    assert request["MetadataOptions"]["HttpPutResponseHopLimit"] == 1
    assert request["BlockDeviceMappings"][0]["Ebs"]["Encrypted"] is True
    tagged = {specification["ResourceType"] for specification in request["TagSpecifications"]}
    assert tagged == {"instance", "volume", "network-interface"}


def test_a_launch_that_a_rule_forbids_is_refused_before_anything_is_created(
    account: EmulatedAccount, clients: AwsClients
) -> None:
    refuse(clients.ec2, "RunInstances", "UnauthorizedOperation")
    with pytest.raises(PlanError, match=r"would not launch g5\.12xlarge: .*UnauthorizedOperation"):
        plan_for(account, clients)
    assert account.created() == set()


def test_a_quota_that_cannot_be_read_is_a_warning_with_the_default(
    account: EmulatedAccount, clients: AwsClients
) -> None:
    refuse(clients.quotas, "GetServiceQuota", "AccessDeniedException")
    (warning,) = plan_for(account, clients).warnings
    assert "L-DB2E81BA" in warning
    assert "default is 0 vCPUs" in warning


def test_a_quota_that_was_never_changed_has_the_default_of_aws(
    account: EmulatedAccount, clients: AwsClients
) -> None:
    refuse(clients.quotas, "GetServiceQuota", "NoSuchResourceException")
    with pytest.raises(PlanError, match=r"L-DB2E81BA\) of us-east-1 is 0"):
        plan_for(account, clients)


def test_a_key_of_the_account_as_ebs_default_is_a_warning_with_the_rights_that_it_needs(
    account: EmulatedAccount, clients: AwsClients
) -> None:
    assert plan_for(account, clients).warnings == ()
    key = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    account.ec2.modify_ebs_default_kms_key_id(KmsKeyId=key)
    (warning,) = plan_for(account, clients).warnings
    assert key in warning
    assert "kms:CreateGrant" in warning
    refuse(clients.ec2, "GetEbsDefaultKmsKeyId", "UnauthorizedOperation")
    (warning,) = plan_for(account, clients).warnings
    assert "UnauthorizedOperation" in warning


def test_credentials_that_may_expire_during_the_build_are_a_warning(
    account: EmulatedAccount, clients: AwsClients, monkeypatch: pytest.MonkeyPatch
) -> None:
    clients.credentials = Credentials("made-up", "made-up", "token", method="env")
    monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", "2026-01-01T00:00:00Z")
    (warning,) = plan_for(account, clients).warnings
    assert "2026-01-01 00:00 UTC" in warning


NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_only_credentials_that_nobody_renews_can_expire() -> None:
    def warning(credentials: Credentials | None, **environment: str) -> str:
        return expiry_warning(credentials, until=NOON, environment=environment)

    variables = Credentials("made-up", "made-up", "token", method="env")
    role = RefreshableCredentials(
        "made-up",
        "made-up",
        "token",
        expiry_time=datetime.now(UTC) + timedelta(hours=1),
        refresh_using=dict,
        method="assume-role",
    )
    assert warning(None) == ""
    assert warning(Credentials("made-up", "made-up", method="env")) == "", "a user's own key"
    assert warning(role) == ""
    assert warning(variables, AWS_CREDENTIAL_EXPIRATION="2026-01-01T13:00:00+00:00") == ""
    assert "11:00 UTC" in warning(variables, AWS_SESSION_EXPIRATION="2026-01-01T11:00:00Z")
    assert "cannot be renewed" in warning(variables)
    file = Credentials("made-up", "made-up", "token", method="shared-credentials-file")
    assert "cannot be renewed" in warning(file, AWS_CREDENTIAL_EXPIRATION="2026-01-01T13:00:00Z")


def test_the_deadline_and_the_clean_up_leave_every_build_its_time() -> None:
    limits = Limits()
    assert limits.work <= limits.deadline, "the machine would end itself during the work"
    assert limits.stopped <= 1800, "the last timer of seal.sh ends the machine then"
    clean = inspect.signature(commands.clean).parameters["older_than"].default
    assert clean * 3600 >= limits.build, "clean would remove a build that runs"


@pytest.fixture
def address_service(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The addresses that a fake of AWS's service returns, one after the other."""
    answers: list[str] = []

    class AddressService(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(f"{answers.pop(0)}\n".encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - of the base class
            pass

    server = HTTPServer(("127.0.0.1", 0), AddressService)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(public_address, "ADDRESS_SERVICE", address)
    yield answers
    server.shutdown()
    server.server_close()


def test_the_own_address_is_asked_for_without_the_proxy_and_must_be_one(
    address_service: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # no server listens there
    address_service += ["198.51.100.7"] * public_address.REQUESTS
    assert public_address.public_address() == "198.51.100.7"
    address_service += ["198.51.100.7", "198.51.100.8", "198.51.100.7"]
    with pytest.raises(PlanError, match=r"198\.51\.100\.7, 198\.51\.100\.8.*--ssh-from"):
        public_address.public_address()
    monkeypatch.setattr(public_address, "ADDRESS_SERVICE", "http://127.0.0.1:9")
    with pytest.raises(PlanError, match=r"without the proxy.*--ssh-from"):
        public_address.public_address()

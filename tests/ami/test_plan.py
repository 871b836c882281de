"""Everything is checked before anything is created, and every problem is named at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from ami import plan, price
from ami.errors import PlanError
from infra import names
from tests.ami import fake_account

if TYPE_CHECKING:
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
    ({"disk_gib": 8}, "--disk 8: .*60 GiB"),
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
        plan_for(account, clients, instance_type="c5.large", ssh_from="0.0.0.0/0", disk_gib=8)
    assert len(refused.value.problems) == 3
    lines = [line.strip() for line in str(refused.value).splitlines()]
    assert lines[1:] == list(refused.value.problems)


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
        lambda params, **_: owners.append(params.get("Owners")),  # pyright: ignore[reportUnknownLambdaType, reportUnknownMemberType, reportUnknownArgumentType]
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

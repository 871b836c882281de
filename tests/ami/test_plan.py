"""Everything is checked before anything is made, and all that is wrong is said at once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from ami import plan, price, stack
from ami.errors import PlanError
from tests.ami import world

if TYPE_CHECKING:
    from ami.aws import Aws
    from tests.ami.conftest import Account


def plan_for(
    account: Account, clients: Aws, facts: stack.Facts | None = None, **ask: Any
) -> plan.Plan:
    return plan.make(clients, facts or account.facts, account.request(**ask), limits=world.FAST)


def test_a_plan_names_what_it_will_use(account: Account, clients: Aws) -> None:
    made = plan_for(account, clients)
    assert made.base_image == "ami-0ubuntu22040000001"
    assert (made.instance_type, made.vcpus, made.gpus) == ("g5.12xlarge", 48, 4)
    assert [one.zone for one in made.subnets] == ["us-east-1a", "us-east-1b", "us-east-1c"]
    assert made.ssh_from == "203.0.113.7/32"
    assert made.tags["Purpose"] == "ami-build"
    assert account.new() == set()


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        ({"instance_type": "g9.huge"}, "--instance-type g9.huge: us-east-1 has no such type"),
        ({"instance_type": "c5.large"}, "c5.large: has no NVIDIA GPU"),
        ({"instance_type": "g5g.xlarge"}, "is no x86_64 machine"),
        ({"instance_type": "p4d.24xlarge"}, r"needs 96 vCPUs, the quota .*\(L-417A185B\).* is 0"),
        ({"ssh_from": "0.0.0.0/0"}, "would let the whole internet in"),
        ({"ssh_from": "here"}, "--ssh-from here: "),
        ({"ssh_key": "nobody's"}, "no key pair of that name"),
        ({"disk_gib": 8}, "--disk 8: at least 60 GiB"),
    ],
)
def test_an_option_that_cannot_work_is_refused(
    account: Account, clients: Aws, ask: dict[str, Any], said: str
) -> None:
    with pytest.raises(PlanError, match=said):
        plan_for(account, clients, **ask)
    assert account.new() == set()


def test_vcpus_in_use_count_against_the_quota(account: Account, clients: Aws) -> None:
    def launch(kind: Any, number: int, **more: Any) -> list[str]:
        made = account.look.run_instances(
            ImageId="ami-0ubuntu22040000001",
            InstanceType=kind,
            MinCount=number,
            MaxCount=number,
            SubnetId=account.facts.subnet_ids[0],
            **more,
        )["Instances"]
        return [one.get("InstanceId", "") for one in made]

    # 192 are allowed, the two g5.xlarge of others have 8
    first = launch("g5.12xlarge", 2)
    launch("g6.8xlarge", 1)
    launch("c5.24xlarge", 2)  # of another quota
    launch("g5.48xlarge", 1, InstanceMarketOptions={"MarketType": "spot"})  # likewise
    assert plan_for(account, clients).vcpus == 48
    launch("g5.4xlarge", 1)
    with pytest.raises(PlanError, match=r"is 192, of which 152 are in use: .*value 200 "):
        plan_for(account, clients)
    account.look.stop_instances(InstanceIds=first[:1])
    assert plan_for(account, clients).vcpus == 48


def test_all_problems_are_said_at_once(account: Account, clients: Aws) -> None:
    with pytest.raises(PlanError) as wrong:
        plan_for(account, clients, instance_type="c5.large", ssh_from="0.0.0.0/0", disk_gib=8)
    assert len(wrong.value.problems) == 3


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("p3dn.24xlarge", "older than Turing"),
        ("g6f.xlarge", "share of one"),
        ("p6-b200.48xlarge", "subnet manager"),
    ],
)
def test_a_type_whose_gpus_the_image_cannot_drive_is_refused(
    account: Account, clients: Aws, kind: str, reason: str
) -> None:
    with pytest.raises(PlanError, match=f"--instance-type {kind}: its .*{reason}"):
        plan_for(account, clients, instance_type=kind)


def test_a_subnet_without_a_way_out_is_refused(account: Account, clients: Aws) -> None:
    closed = world.network(account.look, public=False)
    with pytest.raises(PlanError, match="no route to an internet gateway"):
        plan_for(account, clients, closed)


def test_the_base_image_is_searched_by_its_owner_where_there_is_no_parameter(
    account: Account, clients: Aws
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


def test_a_price_that_aws_does_not_say_is_unknown_and_not_made_up(
    account: Account, clients: Aws
) -> None:
    def denied(**_: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetProducts")

    clients.pricing.meta.events.register("before-call.pricing.GetProducts", denied)
    assert str(price.of(clients, plan_for(account, clients))).startswith("unknown (the price list")


def test_a_stacks_outputs_become_facts() -> None:
    sandbox = {
        "vpc_id": "vpc-1",
        "region": "eu-west-1",
        "default_instance_type": "g5.xlarge",
        "subnet_ids": {"eu-west-1a": "subnet-1", "eu-west-1b": "subnet-2"},
    }
    facts = stack.read("s", {"sandbox_config": sandbox}, config={"sandbox:environment": "test"})
    assert facts.subnet_ids == ("subnet-1", "subnet-2")
    assert (facts.region, facts.environment) == ("eu-west-1", "test")


def test_a_stack_that_was_never_made_says_what_to_run() -> None:
    with pytest.raises(PlanError, match="no output sandbox_config: run pulumi up --stack s"):
        stack.read("s", {}, config={})


def test_a_lonely_subnet_of_an_older_stack_is_enough() -> None:
    sandbox = {"vpc_id": "v", "region": "r", "default_instance_type": "t"}
    outputs = {"sandbox_config": sandbox, "public_subnet_ids": ["subnet-9"]}
    assert stack.read("s", outputs, config={}).subnet_ids == ("subnet-9",)
    assert replace(stack.read("s", outputs, config={}), stack="t").stack == "t"

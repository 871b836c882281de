"""Settings other than the defaults in the real engine: production, many ranges, refused config."""

from tests.e2e.account import Client, everything
from tests.e2e.engine_stack import EngineStack


def test_a_refused_config_is_one_clear_message_and_makes_nothing(
    sandbox: EngineStack, client: Client
) -> None:
    before = everything(client)
    sandbox.configure(
        vpc_cidr="10.0.0.1/16", allowed_ssh_cidrs=["203.0.113.7"], alowed_ssh_cidrs=["0.0.0.0/0"]
    )
    for command in (["preview"], ["up", "--yes", "--skip-preview"]):
        output = sandbox.pulumi(*command, fails=True).output
        assert "the stack's config cannot be used:" in output
        assert "sandbox:vpc_cidr = 10.0.0.1/16: 10.0.0.1/16 has host bits set" in output
        assert "203.0.113.7/32" in output
        assert "the nearest is sandbox:allowed_ssh_cidrs" in output
        assert "Traceback" not in output
    assert everything(client) == before


def test_a_wrong_type_is_refused_by_the_engine_itself(sandbox: EngineStack) -> None:
    sandbox.configure(flow_logs="yes")
    output = sandbox.pulumi("preview", fails=True).output
    assert "flow_logs' must be of type 'boolean'" in output
    assert "Traceback" not in output


def test_the_production_stacks_settings_preview(sandbox: EngineStack) -> None:
    sandbox.pulumi("stack", "init", "production")
    sandbox.pulumi("preview", "--stack", "production")
    sandbox.pulumi("stack", "rm", "production", "--yes", "--preserve-config")
    sandbox.pulumi("stack", "select", sandbox.name)


def test_more_ranges_than_a_request_holds_are_several_prefix_lists(
    sandbox: EngineStack, client: Client
) -> None:
    ec2 = client("ec2")
    for network in ("198.51", "198.52"):
        ranges = [f"{network}.{number}.0/24" for number in range(101)]
        sandbox.configure(allowed_ssh_cidrs=ranges, flow_logs=False)
        sandbox.up()
        group = sandbox.outputs()["security_group_id"]
        rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
        admitted = [rule for rule in rules["SecurityGroupRules"] if not rule["IsEgress"]]
        assert len(admitted) == 2
        entries = [
            entry["Cidr"]
            for rule in admitted
            for entry in ec2.get_managed_prefix_list_entries(PrefixListId=rule["PrefixListId"])[
                "Entries"
            ]
        ]
        assert sorted(entries) == sorted(ranges)
    sandbox.pulumi("preview", "--expect-no-changes")

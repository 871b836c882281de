"""Other choices than the defaults, in the real engine: production, many ranges, refused config."""

from tests.e2e.account import Client, everything
from tests.e2e.sandbox import Sandbox


def test_a_refused_config_is_one_clear_message_and_makes_nothing(
    sandbox: Sandbox, client: Client
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


def test_a_wrong_type_is_refused_by_the_engine_itself(sandbox: Sandbox) -> None:
    sandbox.configure(flow_logs="yes")
    output = sandbox.pulumi("preview", fails=True).output
    assert "flow_logs' must be of type 'boolean'" in output
    assert "Traceback" not in output


def test_the_production_stacks_settings_preview(sandbox: Sandbox) -> None:
    sandbox.pulumi("stack", "init", "production")
    sandbox.pulumi("preview", "--stack", "production")
    sandbox.pulumi("stack", "rm", "production", "--yes", "--preserve-config")
    sandbox.pulumi("stack", "select", sandbox.name)


def test_more_ranges_than_a_group_holds_are_one_prefix_list(
    sandbox: Sandbox, client: Client
) -> None:
    ranges = [f"198.51.{number}.0/24" for number in range(70)]
    sandbox.configure(allowed_ssh_cidrs=ranges, flow_logs=False)
    sandbox.up()
    ec2 = client("ec2")
    group = sandbox.outputs()["security_group_id"]
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
    admitted = [rule for rule in rules["SecurityGroupRules"] if not rule["IsEgress"]]
    assert len(admitted) == 1
    entries = ec2.get_managed_prefix_list_entries(PrefixListId=admitted[0]["PrefixListId"])
    assert sorted(entry["Cidr"] for entry in entries["Entries"]) == sorted(ranges)
    sandbox.pulumi("preview", "--expect-no-changes")


def test_more_than_the_accounts_quota_is_said_before_anything_changes(sandbox: Sandbox) -> None:
    sandbox.configure(
        allowed_ssh_cidrs=[f"198.51.{number}.0/24" for number in range(150)], flow_logs=False
    )
    output = sandbox.pulumi("preview", fails=True).output
    assert "L-0EA8095F" in output
    assert "at least 210" in output
    assert "Traceback" not in output

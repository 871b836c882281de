"""What the program publishes is what a service can read."""

from sandbox_client.config import SandboxConfig
from tests.infra.conftest import Run


def test_the_program_publishes_a_configuration_that_loads(record: Run) -> None:
    outputs = record(zones={"us-east-1d": 0, "us-east-1a": 1}).outputs
    config = SandboxConfig.from_outputs(outputs)
    assert [one.zone for one in config.subnets] == ["us-east-1d", "us-east-1a"]
    assert config.required_tags["Environment"] == "production"


def test_it_publishes_every_field_and_no_other(record: Run) -> None:
    assert record().outputs["sandbox_config"].keys() == SandboxConfig.model_fields.keys()

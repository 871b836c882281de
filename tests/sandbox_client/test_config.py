"""The configuration for the service: accepted values, and its compatibility with version 1."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from sandbox_client.config import SandboxConfig, SandboxConfigError
from tests.sandbox_client.frozen_config import FROZEN_FILE, frozen_config, frozen_values

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "docs" / "sandbox_config.schema.json"
TERRAFORM = {
    "vpc_id",
    "subnet_id",
    "security_group_id",
    "instance_profile",
    "region",
    "default_instance_type",
}
"""The fields of the replaced module's output."""


def test_the_first_version_1_still_loads() -> None:
    config = SandboxConfig.from_file(FROZEN_FILE)
    assert config.model_dump(mode="json", exclude_unset=True) == frozen_values()


def test_nothing_that_version_1_did_not_have_is_required() -> None:
    required = {name for name, field in SandboxConfig.model_fields.items() if field.is_required()}
    assert required <= frozen_values().keys()


def test_every_field_of_the_replaced_module_is_still_there() -> None:
    assert SandboxConfig.model_fields.keys() >= TERRAFORM
    assert frozen_values().keys() >= TERRAFORM


def test_a_reader_ignores_fields_that_a_newer_stack_adds() -> None:
    newer = frozen_values()
    newer["new_field"] = {"any": "thing"}
    newer["subnets"][0]["new_field"] = 1
    assert SandboxConfig.model_validate(newer) == SandboxConfig.model_validate(frozen_values())


def test_the_published_schema_is_the_models() -> None:
    assert json.loads(SCHEMA.read_text()) == SandboxConfig.model_json_schema()


def test_the_first_version_1_is_valid_by_the_published_schema() -> None:
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(frozen_values(), schema)
    with pytest.raises(jsonschema.ValidationError, match="'vpc_id' is a required property"):
        jsonschema.validate(
            {key: frozen_values()[key] for key in frozen_values() if key != "vpc_id"}, schema
        )


def test_a_service_loads_it_without_pulumi_or_boto3() -> None:
    probe = (
        "import sys; sys.modules['pulumi'] = sys.modules['boto3'] = None; "
        "from sandbox_client import SandboxConfig, launch_request; "
        f"print(launch_request(SandboxConfig.from_file({str(FROZEN_FILE)!r}), 'alice')['ImageId'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == frozen_values()["ami_id"]


@pytest.mark.parametrize(
    "name", [name for name, field in SandboxConfig.model_fields.items() if field.is_required()]
)
def test_each_loader_names_the_missing_field(name: str, tmp_path: Path) -> None:
    rest = {key: value for key, value in frozen_values().items() if key != name}
    mounted = tmp_path / "config.json"
    mounted.write_text(json.dumps(rest))
    with pytest.raises(SandboxConfigError, match=f"^outputs: sandbox_config.{name}: is missing;"):
        SandboxConfig.from_outputs(json.dumps({"sandbox_config": rest}))
    with pytest.raises(SandboxConfigError, match=f"config.json: {name}: is missing;"):
        SandboxConfig.from_file(mounted)
    with pytest.raises(SandboxConfigError, match=f"^SANDBOX_{name.upper()}: is missing;"):
        SandboxConfig.from_environment(variables(rest))


def variables(config: dict[str, Any]) -> dict[str, str]:
    return {
        f"SANDBOX_{key.upper()}": value if isinstance(value, str) else json.dumps(value)
        for key, value in config.items()
    }


def test_all_loaders_read_the_same(tmp_path: Path) -> None:
    whole = frozen_config()
    outputs = json.dumps({"vpc_id": "vpc-1", "sandbox_config": frozen_values()})
    mounted = tmp_path / "outputs.json"
    mounted.write_text(outputs)
    assert SandboxConfig.from_outputs(outputs) == whole
    assert SandboxConfig.from_outputs({"sandbox_config": frozen_values()}) == whole
    assert SandboxConfig.from_file(mounted) == whole
    assert SandboxConfig.from_environment(variables(frozen_values())) == whole
    assert SandboxConfig.from_environment({"SANDBOX_CONFIG": json.dumps(frozen_values())}) == whole


def test_text_that_looks_like_a_number_stays_text() -> None:
    assert (
        SandboxConfig.from_environment(variables({**frozen_values(), "key_name": "42"})).key_name
        == "42"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema_version": 2}, "outputs: sandbox_config.schema_version: is 2"),
        ({"vpc_id": ""}, "outputs: sandbox_config.vpc_id: ''"),
        ({"subnets": []}, "outputs: sandbox_config.subnets: "),
        (
            {"subnets": [{"zone": "us-east-1a"}]},
            r"outputs: sandbox_config.subnets\[0\].subnet_id: is missing",
        ),
        ({"subnet_id": "subnet-other"}, "outputs: sandbox_config: subnet_id subnet-other and"),
        (
            {"metadata_options": {"http_tokens": "optional"}},
            "outputs: sandbox_config.metadata_options.http_tokens: 'optional'",
        ),
    ],
)
def test_a_wrong_field_is_named_with_its_value(change: dict[str, Any], message: str) -> None:
    with pytest.raises(SandboxConfigError, match=message):
        SandboxConfig.from_outputs({"sandbox_config": {**frozen_values(), **change}})


def test_every_problem_is_named_at_once() -> None:
    with pytest.raises(SandboxConfigError) as caught:
        SandboxConfig.from_environment({"SANDBOX_REGION": "us-east-1"})
    missing = frozen_values().keys() - {"region"}
    assert all(f"SANDBOX_{name.upper()}: is missing" in str(caught.value) for name in missing)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "outputs: is not"),
        ("[]", "outputs: is not"),
        ("{}", "outputs: sandbox_config: is missing"),
        ('{"vpc_id": "vpc-1"}', "outputs: sandbox_config: is missing .* vpc_id"),
    ],
)
def test_text_that_is_not_the_output_of_a_stack_is_refused(text: str, message: str) -> None:
    with pytest.raises(SandboxConfigError, match=message):
        SandboxConfig.from_outputs(text)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SandboxConfigError, match=r"away\.json: cannot be read: No such file"):
        SandboxConfig.from_file(tmp_path / "away.json")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_a_file_that_powershell_wrote_loads(encoding: str, tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text(FROZEN_FILE.read_text(), encoding=encoding)
    assert SandboxConfig.from_file(file) == frozen_config()


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_bytes(b"{\xff\xfe\x80")
    with pytest.raises(SandboxConfigError, match=r"config\.json: is not"):
        SandboxConfig.from_file(file)

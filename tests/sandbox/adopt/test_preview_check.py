"""Which changes of a preview are accepted, without an engine."""

from typing import Any

import pytest

from sandbox.adopt.preview_check import check_preview

SUBNET = "sandbox:network:Network$aws:ec2/subnet:Subnet::sandbox-public-us-east-1a"
POLICY = "sandbox:manager:Manager$aws:iam/policy:Policy::sandbox-manager-policy"


def step(operation: str, urn_end: str = SUBNET, **fields: Any) -> dict[str, Any]:
    return {"op": operation, "urn": f"urn:pulumi:p::sandbox::{urn_end}", **fields}


def objections(*steps: dict[str, Any]) -> tuple[str, ...]:
    return check_preview({"steps": list(steps)}).objections


def test_creations_and_unchanged_resources_are_sound() -> None:
    verdict = check_preview({"steps": [step("create")], "changeSummary": {"create": 1, "same": 2}})
    assert verdict.sound
    assert (verdict.count("create"), verdict.unchanged) == (1, 2)


def test_an_update_with_a_known_reason_is_sound_and_gives_it() -> None:
    verdict = check_preview(
        {"steps": [step("update", detailedDiff={"tags.Terraform": {}, "mapPublicIpOnLaunch": {}})]}
    )
    assert verdict.sound
    [change] = verdict.changes
    assert change.properties == ("tags", "mapPublicIpOnLaunch")
    assert len(change.reasons) == 2


def test_an_update_without_a_known_reason_is_named_with_its_property() -> None:
    [objection] = objections(step("update", detailedDiff={"cidrBlock": {}}))
    assert "sandbox-public-us-east-1a: cidrBlock" in objection


def test_a_reason_holds_for_its_own_resource_only() -> None:
    other = POLICY.replace("manager-policy", "other-policy")
    assert objections(step("update", POLICY, diffReasons=["policy"])) == ()
    assert objections(step("update", other, diffReasons=["policy"])) != ()


def test_an_update_that_does_not_say_what_it_changes_is_refused() -> None:
    [objection] = objections(step("update"))
    assert "sandbox-public-us-east-1a" in objection


@pytest.mark.parametrize("operation", ["replace", "create-replacement", "delete-replaced"])
def test_a_replacement_is_refused_in_each_form_of_the_engine(operation: str) -> None:
    [objection] = objections(step(operation))
    assert objection.endswith("would be replaced")


def test_a_replacement_in_three_steps_is_one_change() -> None:
    steps = [step("create-replacement"), step("replace"), step("delete-replaced")]
    assert check_preview({"steps": steps}).count("replace") == 1


@pytest.mark.parametrize(("operation", "word"), [("delete", "deleted"), ("import", "import")])
def test_every_other_change_is_refused(operation: str, word: str) -> None:
    [objection] = objections(step(operation))
    assert word in objection

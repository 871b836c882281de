"""The verdict on a preview, without an engine."""

from typing import Any

import pytest

from sandbox.adopt.preview_check import judge

SUBNET = "sandbox:network:Network$aws:ec2/subnet:Subnet::sandbox-public-us-east-1a"
POLICY = "sandbox:manager:Manager$aws:iam/policy:Policy::sandbox-manager-policy"


def step(op: str, tail: str = SUBNET, **more: Any) -> dict[str, Any]:
    return {"op": op, "urn": f"urn:pulumi:p::sandbox::{tail}", **more}


def objections(*steps: dict[str, Any]) -> tuple[str, ...]:
    return judge({"steps": list(steps)}).objections


def test_creations_and_what_stays_the_same_are_sound() -> None:
    verdict = judge({"steps": [step("create"), step("same"), step("same", POLICY)]})
    assert verdict.objections == ()
    assert (len(verdict.created), verdict.same) == (1, 2)


def test_an_update_with_a_known_reason_is_sound_and_gives_it() -> None:
    verdict = judge(
        {"steps": [step("update", detailedDiff={"tags.Terraform": {}, "mapPublicIpOnLaunch": {}})]}
    )
    assert verdict.objections == ()
    assert verdict.updated[0].properties == ("tags", "mapPublicIpOnLaunch")
    assert len(verdict.updated[0].reasons) == 2


def test_an_update_without_a_known_reason_is_named_with_its_property() -> None:
    assert objections(step("update", detailedDiff={"cidrBlock": {}})) == (
        "aws:ec2/subnet:Subnet sandbox-public-us-east-1a: cidrBlock would change",
    )


def test_a_reason_holds_for_its_own_resource_only() -> None:
    other = POLICY.replace("manager-policy", "other-policy")
    assert objections(step("update", POLICY, diffReasons=["policy"])) == ()
    assert objections(step("update", other, diffReasons=["policy"])) != ()


def test_an_update_that_does_not_say_what_it_changes_is_refused() -> None:
    assert "the engine does not say how" in objections(step("update"))[0]


@pytest.mark.parametrize("op", ["replace", "create-replacement", "delete-replaced"])
def test_a_replacement_is_refused_however_it_is_written(op: str) -> None:
    assert objections(step(op)) == (
        "aws:ec2/subnet:Subnet sandbox-public-us-east-1a: would be replaced",
    )


def test_a_replacement_in_three_steps_is_one() -> None:
    steps = [step("create-replacement"), step("replace"), step("delete-replaced")]
    assert len(judge({"steps": steps}).replaced) == 1


@pytest.mark.parametrize(("op", "said"), [("delete", "deleted"), ("import", "changed (import)")])
def test_whatever_else_would_move_is_refused(op: str, said: str) -> None:
    assert objections(step(op))[0].endswith(f"would be {said}")

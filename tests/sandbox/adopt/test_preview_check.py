"""Which changes of a preview are accepted, without an engine."""

import json
from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any

import pytest

from sandbox.adopt.answers import PERMISSIONS, TAGS, Answer
from sandbox.adopt.preview_check import check_preview
from sandbox.adopt.questions import Answers, questions

SUBNET = "sandbox:network:Network$aws:ec2/subnet:Subnet::sandbox-public-us-east-1a"
MANAGER_POLICY = "sandbox:manager:Manager$aws:iam/policy:Policy::sandbox-manager-policy"
INSTANCE_POLICY = "sandbox:instances:Instances$aws:iam/policy:Policy::sandbox-instance-policy"
ROLE = "sandbox:instances:Instances$aws:iam/role:Role::sandbox-instance-role"
USER = "sandbox:manager:Manager$aws:iam/user:User::sandbox-manager"
Fields = Mapping[str, Any]


def step(operation: str, urn_end: str = SUBNET, **fields: Any) -> dict[str, Any]:
    return {"op": operation, "urn": f"urn:pulumi:p::sandbox::{urn_end}", **fields}


def update(
    urn_end: str, differences: Fields, *, old: Fields | None = None, new: Fields | None = None
) -> dict[str, Any]:
    return step(
        "update",
        urn_end,
        detailedDiff=differences,
        oldState={"inputs": old or {}},
        newState={"inputs": new or {}},
    )


def objections(*steps: dict[str, Any]) -> tuple[str, ...]:
    return check_preview({"steps": list(steps)}).objections


def test_creations_and_unchanged_resources_are_sound() -> None:
    verdict = check_preview({"steps": [step("create")], "changeSummary": {"create": 1, "same": 2}})
    assert verdict.sound
    assert (verdict.count("create"), verdict.unchanged) == (1, 2)


def test_an_update_with_a_known_reason_is_sound_and_gives_it() -> None:
    verdict = check_preview(
        {
            "steps": [
                update(
                    SUBNET,
                    {"tags.Terraform": {"kind": "delete"}, "mapPublicIpOnLaunch": {}},
                    new={"mapPublicIpOnLaunch": True},
                )
            ]
        }
    )
    assert verdict.sound
    [change] = verdict.changes
    assert change.properties == ("tags", "mapPublicIpOnLaunch")
    assert len(change.reasons) == 2


def test_an_update_without_a_known_reason_is_named_with_its_property() -> None:
    [objection] = objections(step("update", detailedDiff={"cidrBlock": {}}))
    assert "sandbox-public-us-east-1a: cidrBlock" in objection


def test_a_rule_may_get_another_description() -> None:
    rule = "sandbox:ssh_access:SshAccess$aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
    assert objections(step("update", f"{rule}::ssh", diffReasons=["description"])) == ()
    assert objections(step("update", f"{rule}::ssh", diffReasons=["cidrIpv4"])) != ()


def test_subnets_may_only_start_to_give_public_addresses() -> None:
    stop = update(SUBNET, {"mapPublicIpOnLaunch": {}}, new={"mapPublicIpOnLaunch": False})
    assert objections(stop) != ()


def tags_update(old: Fields, new: Fields) -> dict[str, Any]:
    return update(SUBNET, {"tags": {}, "tagsAll": {}}, old={"tags": old}, new={"tags": new})


def asked(*steps: dict[str, Any]) -> list[tuple[str, Answer]]:
    verdict = check_preview({"steps": list(steps)})
    return [(question.about, question.answer) for question in questions(verdict, [])]


@pytest.mark.parametrize("new", [{}, {"CostCenter": "2"}])
def test_whether_a_tag_goes_that_is_not_the_modules_is_a_question(new: dict[str, str]) -> None:
    step = tags_update({"CostCenter": "1", "Purpose": "old"}, new)
    assert objections(step) == ()
    assert asked(step) == [
        ("the tags CostCenter of Subnet sandbox-public-us-east-1a would go", TAGS)
    ]
    [change] = check_preview({"steps": [step]}).changes
    assert (change.kind, change.details) == ("question", ("the tags CostCenter would go",))


def test_resources_of_one_name_are_both_asked_about() -> None:
    """The VPC and its gateway are both named sandbox-vpc."""
    network = "sandbox:network:Network$aws:ec2"
    gateway, vpc = (
        update(
            f"{network}/{kind}::sandbox-vpc",
            {"tags": {}},
            old={"tags": tags},
            new={"tags": {"Name": "sandbox-vpc"}},
        )
        for kind, tags in (
            ("internetGateway:InternetGateway", {"Owner": "x"}),
            ("vpc:Vpc", {"Terraform": "true"}),
        )
    )
    assert asked(gateway, vpc) == [("the tags Owner of InternetGateway sandbox-vpc would go", TAGS)]


def test_a_question_does_not_hide_what_is_in_the_way() -> None:
    step = tags_update({"CostCenter": "1"}, {})
    [objection] = objections({**step, "detailedDiff": {**step["detailedDiff"], "cidrBlock": {}}})
    assert objection.endswith("cidrBlock would change")


def test_tags_of_the_module_may_go_and_others_may_come() -> None:
    old = {"Terraform": "true", "Purpose": "old", "__defaults": []}
    assert objections(tags_update(old, {"Name": "sandbox", "Owner": "research"})) == ()


@pytest.mark.parametrize("resource", [ROLE, USER])
def test_a_boundary_is_only_set_where_there_was_none(resource: str) -> None:
    new = {"permissionsBoundary": "not known yet"}
    difference = {"permissionsBoundary": {"kind": "update"}}
    assert objections(update(resource, difference, old={"permissionsBoundary": ""}, new=new)) == ()
    boundary = "arn:aws:iam::123456789012:policy/organisation"
    old = {"permissionsBoundary": boundary}
    [objection] = objections(update(resource, difference, old=old, new=new))
    assert boundary in objection


def trust(*services: str, **fields: Any) -> str:
    names = services[0] if len(services) == 1 else list(services)
    statement = {"Effect": "Allow", "Principal": {"Service": names}, "Action": "sts:AssumeRole"}
    return json.dumps({"Statement": [{**statement, **fields}]})


NEW_TRUST = {"Sid": "TakenByInstances", "Action": ["sts:AssumeRole"]}
CONDITION = {"Condition": {"Bool": {"aws:SecureTransport": "true"}}}


def trust_update(old: str) -> dict[str, Any]:
    new = {"assumeRolePolicy": trust("ec2.amazonaws.com", **NEW_TRUST)}
    difference = {"assumeRolePolicy": {"kind": "update"}}
    return update(ROLE, difference, old={"assumeRolePolicy": old}, new=new)


def test_a_trust_may_get_a_name_for_its_statement() -> None:
    assert objections(trust_update(trust("ec2.amazonaws.com"))) == ()


@pytest.mark.parametrize(
    "old",
    [
        trust("ec2.amazonaws.com", "ssm.amazonaws.com"),
        trust("lambda.amazonaws.com"),
        trust("ec2.amazonaws.com", **CONDITION),
        "not JSON",
    ],
)
def test_a_trust_may_not_change_otherwise(old: str) -> None:
    assert objections(trust_update(old)) != ()


def policy(*statements: tuple[str, str], deny: str = "") -> str:
    document = [
        {"Effect": "Allow", "Action": [action], "Resource": resource}
        for action, resource in statements
    ]
    if deny:
        document.append({"Effect": "Deny", "Action": ["s3:GetObject*"], "Resource": deny})
    return json.dumps({"Statement": document})


def policy_update(urn_end: str, old: str, new: str) -> dict[str, Any]:
    return update(urn_end, {"policy": {"kind": "update"}}, old={"policy": old}, new={"policy": new})


def test_a_policy_change_lists_the_permissions_that_come_and_go() -> None:
    old = policy(("ec2:Describe*", "*"), ("ec2:StopInstances", "*"))
    new = policy(("ec2:DescribeVpcs", "*"), ("ec2:StopInstances", "arn:aws:ec2:*:*:instance/*"))
    verdict = check_preview({"steps": [policy_update(MANAGER_POLICY, old, new)]})
    assert verdict.sound
    [change] = verdict.changes
    removed, narrowed, added = change.details
    assert narrowed.endswith(" ec2:StopInstances")
    assert removed.endswith(" ec2:Describe*")
    assert added.endswith(" ec2:DescribeVpcs")


def test_whether_a_permission_goes_that_is_not_the_modules_is_a_question() -> None:
    old = policy(("ec2:StopInstances", "*"), ("sqs:SendMessage", "*"))
    step = policy_update(MANAGER_POLICY, old, policy(("ec2:StopInstances", "*")))
    assert objections(step) == ()
    about = "the actions sqs:SendMessage of Policy sandbox-manager-policy would go"
    assert asked(step) == [(about, PERMISSIONS)]


STEPS = (
    tags_update({"CostCenter": "1"}, {}),
    policy_update(MANAGER_POLICY, policy(("sqs:SendMessage", "*")), policy(("ec2:Stop*", "*"))),
)


@pytest.mark.parametrize(
    ("given", "typed", "open_options"),
    [
        ((), None, ["--drop-tags", "--drop-permissions"]),
        (("--drop-tags",), None, ["--drop-permissions"]),
        (("--drop-tags", "--drop-permissions"), None, []),
        ((), "y\ny\n", []),
        ((), "n\ny\n", ["--drop-tags"]),
        (("--drop-permissions",), "\n", ["--drop-tags"]),
    ],
)
def test_questions_are_answered_by_options_or_one_by_one(
    given: Sequence[str],
    typed: str | None,
    open_options: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if typed is not None:
        terminal = StringIO(typed)
        monkeypatch.setattr(terminal, "isatty", lambda: True)
        monkeypatch.setattr("sys.stdin", terminal)
    both = questions(check_preview({"steps": list(STEPS)}), [])
    answers = Answers(given=frozenset(given), ask=True)
    assert [question.answer.option for question in answers.open(both)] == open_options
    prompts = capsys.readouterr().err
    assert prompts.count("[y/N]") == (0 if typed is None else 2 - len(given))
    assert "drop these tags?" in prompts or typed is None


def test_a_policy_that_is_not_known_before_the_update_is_refused() -> None:
    old = policy(("ec2:StopInstances", "*"))
    assert objections(policy_update(MANAGER_POLICY, old, "a placeholder")) != ()


def test_a_reason_holds_for_its_own_resource_only() -> None:
    document = policy(("ec2:StopInstances", "*"))
    other = MANAGER_POLICY.replace("manager-policy", "other-policy")
    assert objections(policy_update(MANAGER_POLICY, document, document)) == ()
    assert objections(policy_update(other, document, document)) != ()


def test_buckets_that_come_and_results_that_go_are_listed() -> None:
    arn = "arn:aws:s3:::"
    new = policy(
        ("s3:GetObject", f"{arn}softmax-*/*"), ("ecr:BatchGetImage", "*"), deny=f"{arn}results/*"
    )
    before = policy(("s3:GetObject", f"{arn}softmax-*/*"), ("ecr:BatchGetImage", "*"))
    without_buckets = policy(("ecr:BatchGetImage", "*"))
    [with_s3] = check_preview({"steps": [policy_update(INSTANCE_POLICY, before, new)]}).changes
    [without_s3] = check_preview(
        {"steps": [policy_update(INSTANCE_POLICY, without_buckets, new)]}
    ).changes
    assert with_s3.details[0].endswith("s3:GetObject* on results/*")
    assert any(detail.endswith(" softmax-*") for detail in without_s3.details)
    assert with_s3.reasons != without_s3.reasons


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


POD_ROLE = "sandbox:manager:Manager$aws:iam/role:Role::sandbox-manager"


def pod_trust(principal: str, **conditions: str) -> str:
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"Service": principal},
        "Action": "sts:AssumeRole",
    }
    if conditions:
        statement["Condition"] = {"StringEquals": conditions}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def trust_change(old: str, new: str) -> dict[str, Any]:
    return update(
        POD_ROLE,
        {"assumeRolePolicy": {}},
        old={"assumeRolePolicy": old},
        new={"assumeRolePolicy": new},
    )


def test_a_trust_may_get_conditions_and_lists_them() -> None:
    narrow = pod_trust("pods.eks.amazonaws.com", namespace="default")
    change = trust_change(pod_trust("pods.eks.amazonaws.com"), narrow)
    assert objections(change) == ()
    [listed] = check_preview({"steps": [change]}).changes
    assert listed.details == ("only with namespace = default",)


def test_a_trust_may_lose_no_condition_and_get_no_other_principal() -> None:
    narrow = pod_trust("pods.eks.amazonaws.com", namespace="default")
    assert objections(trust_change(narrow, pod_trust("pods.eks.amazonaws.com")))
    assert objections(
        trust_change(pod_trust("pods.eks.amazonaws.com"), pod_trust("ec2.amazonaws.com"))
    )
    other = pod_trust("pods.eks.amazonaws.com", namespace="other")
    assert objections(trust_change(narrow, other))

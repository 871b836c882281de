"""Statements become documents within the limits of AWS."""

import itertools
import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra import names
from infra.permissions import instance, manager, trust
from infra.permissions.statements import (
    MANAGED_POLICY_LIMIT,
    DocumentError,
    Statement,
    allow,
    document,
    documents,
    statement,
)
from infra.stack_outputs import LOG_STREAM
from local.iam.evaluator import Layers, Request, decide
from sandbox_client.config import SandboxConfig
from tests.infra.permissions.stacks import all_statements, policy_context

CONTEXT = policy_context({"sandbox_ami_id": "ami-0c0ffee0000000001"})
NAMES = tuple(all_statements(CONTEXT))


def parsed(text: str) -> list[dict[str, Any]]:
    return json.loads(text)["Statement"]


def filler(number: int, size: int) -> Statement:
    return replace(allow("s3:GetObject", on="arn:aws:s3:::" + "x" * size), sid=f"Number{number}")


def test_a_statements_sid_and_sentence_are_its_functions_name_and_docstring() -> None:
    @statement
    def feed_the_cat() -> Statement:
        """Feed the cat, every day.

        Also on Sundays.
        """
        return allow("cat:Feed", on="*")

    assert (feed_the_cat().sid, feed_the_cat().sentence) == (
        "FeedTheCat",
        "Feed the cat, every day. Also on Sundays.",
    )


def test_a_statement_without_a_sentence_is_refused() -> None:
    with pytest.raises(DocumentError, match="feed_the_cat: has no docstring"):

        @statement
        def feed_the_cat() -> Statement:
            return allow("cat:Feed", on="*")


def test_a_sandbox_may_write_to_the_stream_that_the_configuration_names() -> None:
    stream = LOG_STREAM.format(ip_address="10.100.0.15", instance_id="i-0aaaaaaaaaaaaaaaa")
    stack = policy_context({"logs_per_instance": True})
    group = stack.log_group(names.instance_log_group(stack.log_prefix))
    request = Request(
        principal=stack.instance_role_arn,
        action="logs:PutLogEvents",
        resource=f"{group}:log-stream:{stream}",
        context={
            "aws:Ec2InstanceSourcePrivateIPv4": "10.100.0.15",
            "aws:Ec2InstanceSourceVpc": stack.vpc_id,
        },
    )
    policies = [json.loads(text) for text in documents(instance.policy(stack))]
    assert decide(Layers(identity=policies), request) == "allowed"
    assert SandboxConfig.model_fields["log_stream"].default == LOG_STREAM


@pytest.mark.parametrize("name", NAMES)
def test_every_sid_is_valid_and_unique(name: str) -> None:
    sids = [item.sid for item in all_statements(CONTEXT)[name]]
    assert len(set(sids)) == len(sids)
    assert all(re.fullmatch(r"[A-Za-z0-9]+", sid) for sid in sids)


@pytest.mark.parametrize("name", NAMES)
def test_with_the_defaults_each_identity_needs_one_document(name: str) -> None:
    assert len(documents(all_statements(CONTEXT)[name])) == 1


@given(st.lists(st.integers(min_value=1, max_value=6_000), min_size=1, max_size=10))
def test_documents_keep_order_and_stay_below_the_limit(sizes: list[int]) -> None:
    statements = [filler(number, size) for number, size in enumerate(sizes)]
    split = documents(statements)
    assert all(len(text) <= MANAGED_POLICY_LIMIT for text in split)
    assert [item["Sid"] for text in split for item in parsed(text)] == [
        item.sid for item in statements
    ]
    assert split == documents(statements)


@given(st.lists(st.integers(min_value=1, max_value=6_000), min_size=2, max_size=10))
def test_a_document_is_closed_only_when_the_next_statement_does_not_fit(sizes: list[int]) -> None:
    split = documents([filler(number, size) for number, size in enumerate(sizes)])
    for text, following in itertools.pairwise(split):
        merged = {"Version": "2012-10-17", "Statement": [*parsed(text), parsed(following)[0]]}
        assert len(json.dumps(merged, separators=(",", ":"))) > MANAGED_POLICY_LIMIT


def test_a_document_of_exactly_the_limit_is_not_split() -> None:
    room = MANAGED_POLICY_LIMIT - len(document([filler(0, 1), filler(1, 1)]))
    assert len(documents([filler(0, 1), filler(1, 1 + room)])) == 1
    assert len(documents([filler(0, 1), filler(1, 2 + room)])) == 2


def test_documents_hold_no_white_space_because_aws_does_not_count_it() -> None:
    for statements in all_statements(CONTEXT).values():
        assert not re.search(r"\s", document(statements))


def test_the_managers_policy_is_split_at_a_sid_when_the_settings_grow() -> None:
    wide = replace(CONTEXT, instance_types=tuple(f"g{n}.metal-{n}xl" for n in range(280)))
    split = documents(manager.policy(wide))
    assert len(split) == 2
    assert [item["Sid"] for text in split for item in parsed(text)] == [
        item.sid for item in manager.policy(wide)
    ]


def test_a_statement_that_fits_into_no_document_is_named() -> None:
    with pytest.raises(DocumentError, match=r"^Number0: 7,\d+ characters"):
        documents([filler(0, 7_000)])


def test_more_policies_than_aws_attaches_are_refused() -> None:
    statements = [filler(number, 5_000) for number in range(11)]
    with pytest.raises(DocumentError, match=r"^Number0 … Number10: 11 policies.* 10 "):
        documents(statements)
    assert len(documents(statements[:10])) == 10


def test_a_boundary_that_needs_two_documents_is_refused() -> None:
    with pytest.raises(DocumentError, match=r"^Number0 … Number1: 8,\d+ characters"):
        document([filler(0, 4_000), filler(1, 4_000)])


@pytest.mark.parametrize("given_name", ["manager", "default/", "/manager", "a/b/c", "default/*"])
def test_a_service_account_must_be_a_single_one(given_name: str) -> None:
    with pytest.raises(ValueError, match="namespace/name"):
        trust.pod_identity(given_name)


def test_without_a_configured_image_only_the_projects_images_are_launched() -> None:
    sids = {item.sid for item in manager.policy(replace(CONTEXT, ami_id=""))}
    assert "LaunchTheConfiguredImage" not in sids
    assert "LaunchImagesOfTheProject" in sids


def test_a_results_bucket_outside_the_patterns_is_readable_if_asked_for() -> None:
    elsewhere = replace(CONTEXT, s3_output_bucket="results", instances_read_outputs=True)
    reads = {item.sid: item.resources for item in instance.policy(elsewhere)}
    assert "arn:aws:s3:::results/*" in reads["ReadTheProjectsBuckets"]
    assert "KeepResultsFromOtherSandboxes" not in reads

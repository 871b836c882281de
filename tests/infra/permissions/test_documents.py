"""How statements become documents that AWS takes."""

import itertools
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.permissions import flow_logs, instance, manager, trust
from infra.permissions.statements import (
    MANAGED_POLICY_LIMIT,
    DocumentError,
    Statement,
    allow,
    document,
    documents,
    statement,
)
from tests.infra.permissions.scopes import SCOPE

PROVIDER = "arn:aws:iam::123456789012:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/0123456789"
GROUP = "arn:aws:logs:us-east-1:123456789012:log-group:/sandbox/flow-logs"
ALL = {
    "manager policy": manager.policy(SCOPE),
    "manager boundary": manager.boundary(SCOPE),
    "instance policy": instance.policy(SCOPE),
    "instance boundary": instance.boundary(SCOPE),
    "flow logs policy": flow_logs.policy(SCOPE, GROUP),
    "instance trust": trust.ec2(),
    "flow logs trust": trust.flow_logs(SCOPE),
    "service account trust": trust.irsa(PROVIDER, "default/manager"),
    "pod identity trust": trust.pod_identity("default/manager"),
}


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
        def feed_the_cat() -> Statement:  # pyright: ignore[reportUnusedFunction] - never made
            return allow("cat:Feed", on="*")


@pytest.mark.parametrize("name", ALL)
def test_every_sid_is_one_that_aws_takes_and_stands_once(name: str) -> None:
    sids = [one.sid for one in ALL[name]]
    assert len(set(sids)) == len(sids)
    assert all(re.fullmatch(r"[A-Za-z0-9]+", sid) for sid in sids)


@pytest.mark.parametrize("name", ALL)
def test_today_every_identity_needs_one_document(name: str) -> None:
    assert len(documents(ALL[name])) == 1


@given(st.lists(st.integers(min_value=1, max_value=6_000), min_size=1, max_size=10))
def test_documents_keep_order_and_stay_below_the_limit(sizes: list[int]) -> None:
    statements = [filler(number, size) for number, size in enumerate(sizes)]
    split = documents(statements)
    assert all(len(text) <= MANAGED_POLICY_LIMIT for text in split)
    assert [one["Sid"] for text in split for one in parsed(text)] == [s.sid for s in statements]
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


def test_what_aws_counts_is_what_is_measured() -> None:
    for statements in ALL.values():
        assert not re.search(r"\s", document(statements))


def test_the_managers_policy_is_split_at_a_sid_when_the_settings_grow() -> None:
    wide = replace(SCOPE, instance_types=tuple(f"g{n}.metal-{n}xl" for n in range(280)))
    split = documents(manager.policy(wide))
    assert len(split) == 2
    assert [one["Sid"] for text in split for one in parsed(text)] == [
        one.sid for one in manager.policy(wide)
    ]


def too_long_alone() -> Sequence[Statement]:
    return [filler(0, 7_000)]


def test_a_statement_that_fits_into_no_document_is_named() -> None:
    with pytest.raises(DocumentError, match=r"^Number0: 7,\d+ characters in one statement, AWS"):
        documents(too_long_alone())


def test_more_policies_than_aws_attaches_are_refused() -> None:
    statements = [filler(number, 5_000) for number in range(11)]
    with pytest.raises(DocumentError, match=r"^Number0 … Number10: 11 policies, AWS attaches 10 "):
        documents(statements)
    assert len(documents(statements[:10])) == 10


def test_a_boundary_that_needs_two_documents_is_refused() -> None:
    with pytest.raises(
        DocumentError, match=r"^Number0 … Number1: 8,\d+ characters in one document"
    ):
        document([filler(0, 4_000), filler(1, 4_000)])


@pytest.mark.parametrize("given_name", ["manager", "default/", "/manager", "a/b/c", "default/*"])
def test_a_service_account_that_names_no_single_one_is_refused(given_name: str) -> None:
    with pytest.raises(ValueError, match="write namespace/name"):
        trust.pod_identity(given_name)


def test_without_a_configured_image_only_the_projects_images_are_launched() -> None:
    sids = {one.sid for one in manager.policy(replace(SCOPE, ami_id=""))}
    assert "LaunchTheConfiguredImage" not in sids
    assert "LaunchImagesOfTheProject" in sids


def test_a_results_bucket_outside_the_patterns_is_readable_if_asked_for() -> None:
    elsewhere = replace(SCOPE, s3_output_bucket="results", instances_read_outputs=True)
    reads = {one.sid: one.resources for one in instance.policy(elsewhere)}
    assert "arn:aws:s3:::results/*" in reads["ReadTheProjectsBuckets"]
    assert "KeepResultsFromOtherSandboxes" not in reads

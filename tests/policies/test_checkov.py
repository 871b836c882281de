"""Where checkov has the same demand: the same inputs, and every difference with its reason."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from tests.policies import cache
from tests.policies.case import Case
from tests.policies.checkov import hcl
from tests.policies.test_rules import CASES
from tests.policies.view import Made

THEIRS: Final = {
    "ingress-only-ssh": ("CKV_AWS_25", "CKV_AWS_260", "CKV_AWS_277"),
    "ssh-not-world-open": ("CKV_AWS_24",),
    "group-rules-described": ("CKV_AWS_23",),
    "no-wildcard-actions": ("CKV_AWS_62", "CKV_AWS_63"),
    "no-iam-changes": ("CKV_AWS_286",),
    "writes-scoped": ("CKV_AWS_290", "CKV_AWS_355"),
    "trust-is-narrow": ("CKV_AWS_60", "CKV_AWS_61"),
    "no-aws-managed-policies": ("CKV_AWS_274",),
    "instances-imdsv2": ("CKV_AWS_79",),
    "volumes-encrypted": ("CKV_AWS_3", "CKV_AWS_8", "CKV_AWS_235"),
    "images-not-public": ("CKV_AWS_205",),
    "no-secrets-in-user-data": ("CKV_AWS_46",),
    "log-retention": ("CKV_AWS_66", "CKV_AWS_338"),
}
"""checkov's ids for our rules; a finding of any of them counts."""
DOCS: Final = Path(__file__).parents[2] / "docs" / "policies.md"


def comparable() -> list[tuple[Case, Made]]:
    return [
        (case, case.seen)
        for case in CASES
        if case.rule in THEIRS and isinstance(case.seen, Made) and case.seen.type in hcl.NAMES
    ]


@pytest.fixture(scope="session")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Checkov's failed ids for each case."""
    folder = tmp_path_factory.mktemp("hcl")
    blocks = [hcl.resource(made, f"case{at}") for at, (_, made) in enumerate(comparable())]
    (folder / "main.tf").write_text("\n".join(blocks), encoding="utf-8")
    ids = ",".join(sorted({one for ids in THEIRS.values() for one in ids}))
    flags = ["--framework", "terraform", "--output", "json", "--soft-fail", "--quiet"]
    command = [cache.checkov(), "--directory", folder, "--check", ids, *flags, "--skip-download"]
    ran = subprocess.run(command, check=True, capture_output=True, text=True)
    report: Any = json.loads(ran.stdout)
    failed: dict[str, set[str]] = {case.id: set() for case, _ in comparable()}
    names = [case.id for case, _ in comparable()]
    for one in report["results"]["failed_checks"]:
        number = int(one["resource"].rpartition(".case")[2])
        failed[names[number]].add(one["check_id"])
    assert report["summary"]["parsing_errors"] == 0
    return failed


def differences(theirs: dict[str, set[str]]) -> set[tuple[str, str]]:
    """The cases where one side finds something and the other does not."""
    found: set[tuple[str, str]] = set()
    for case, _ in comparable():
        they = bool(theirs[case.id] & set(THEIRS[case.rule]))
        if they != bool(case.findings):
            found.add((case.id, "only checkov" if they else "only this pack"))
    return found


@pytest.mark.proof
def test_every_difference_from_checkov_is_listed_with_its_reason(
    theirs: dict[str, set[str]],
) -> None:
    rows = re.findall(r"^\| `(.+?)` \| (only .+?) \| .+ \|$", DOCS.read_text(), re.MULTILINE)
    assert {(name, side) for name, side in rows} == differences(theirs)


@pytest.mark.proof
def test_each_compared_rule_has_an_input_that_both_refuse(theirs: dict[str, set[str]]) -> None:
    refused = {
        case.rule
        for case, _ in comparable()
        if case.findings and theirs[case.id] & set(THEIRS[case.rule])
    }
    assert refused == set(THEIRS)

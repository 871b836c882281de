"""Writes docs/permissions.md from the contract, the claims and what remains."""

# ruff: noqa: E501 - a row of a Markdown table is one line

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

from sandbox.permissions.claims.table import Claim, Holder, claims
from sandbox.permissions.table import groups, load, rows

TITLES: Final = {
    "manager": "The sandbox manager",
    "manager out of budget": "The sandbox manager after the budget is spent",
    "instance": "A sandbox",
    "flow logs": "The role of the VPC's flow log",
    "budget": "The role of the budget",
    "pipeline": "The pipeline that updates the stack",
    "pipeline preview": "The pipeline that previews the stack",
}
"""The title of each identity, in the order of the page."""
TRUST: Final = "trust"
"""The prefix of the identities of trust policies."""
HOLDERS: Final[tuple[Holder, ...]] = ("policy", "boundary", "denial")
REMAINS: Final = Path(__file__).parent / "remains.yaml"

INTRODUCTION: Final = """# Permissions

For security reviewers: what each identity can do, what it is denied, what holds each limit, and what
remains. A sentence names the default of a setting in brackets, as in `s3_read_buckets` (`softmax-*`).

| limit held by | meaning |
|---|---|
| policy | The identity's policy alone allows no more. |
| boundary | Its permissions boundary allows no more, even with AdministratorAccess attached. |
| both | Policy and boundary. |
| denial | Its boundary denies the rest explicitly, also where the policy of a bucket, a key or a role names the identity. |
| all else | The denial of all other actions, a row of "is denied". |

Each sentence is proven for all requests: any action, any resource, each condition key absent or with
any value. `sandbox permissions prove` proves the {claims} claims with an SMT solver, for the defaults and
for each setting that changes a policy, and prints the request that breaks one. Two independent
evaluators of IAM decide {rows} single requests (`sandbox permissions table`); {not_allowed} are denied.

Only a real account shows which condition keys AWS sets, and what its other policies allow.
`sandbox permissions check --stack production --manager-profile PROFILE` asks IAM's policy simulator
every row, and EC2 about launches (DryRun). It changes nothing, and lists the rows that it could
not ask.
"""

WHATEVER_IS_ATTACHED: Final = """
## Whatever is attached

The manager and the roles of the sandboxes, the flow log and the budget have a permissions boundary. It
allows what the policy of the identity allows, and denies all else. So a policy that somebody attaches
later adds nothing: the tests attach AdministratorAccess. Two things are outside a boundary:

- The image in `sandbox_ami_id`. The boundary names it by the tag `sandbox_ami_id` of the manager, which
  the deployment sets. So a new image needs no new boundary.
- A list in `s3_read_buckets` that is too long for a boundary (about 40 names).

An administrator changes a boundary; organizations can set theirs:
[guard-rails.md](guard-rails.md#who-changes-a-boundary).

## What a service must do

- A launch names everything that the policy checks: `MetadataOptions` with `HttpTokens=required`,
  `Encrypted=true` for each volume, the instance profile, the three tags.
- Volumes are encrypted with the account's default key for EBS. If that is a customer managed key, its
  policy must allow the manager to use it through EC2; the keys of buckets must allow the sandboxes'
  role.
"""


def text() -> str:
    """The whole of docs/permissions.md."""
    not_allowed = sum(row.decision != "allowed" for row in rows())
    introduction = INTRODUCTION.format(
        claims=len(claims()), rows=len(rows()), not_allowed=not_allowed
    )
    return introduction + "\n".join(_sections()) + "\n" + WHATEVER_IS_ATTACHED


def sentences(who: str) -> Mapping[str, Sequence[Claim]]:
    """The claims about *who* by sentence, in the order of the contract."""
    listed = [group.sentence for group in groups() if group.who == who]
    claims_of_identity = [claim for claim in claims() if claim.who == who]
    return {
        sentence: [claim for claim in claims_of_identity if claim.sentence == sentence]
        for sentence in dict.fromkeys((*listed, *(claim.sentence for claim in claims_of_identity)))
    }


def _sections() -> Iterator[str]:
    for who, title in TITLES.items():
        yield from ("", f"## {title}")
        listed = sentences(who).items()
        yield from _table("can", {key: proofs for key, proofs in listed if not _is_denial(key)})
        yield from _table("is denied", {key: proofs for key, proofs in listed if _is_denial(key)})
        yield from _remaining(who)
    yield from ("", "## Who can assume a role")
    trusts = dict.fromkeys(group.who for group in groups() if group.who.startswith(TRUST))
    assumed = {key: proofs for who in trusts for key, proofs in sentences(who).items()}
    yield from _table("sentence", assumed)


def _is_denial(sentence: str) -> bool:
    return sentence.startswith("Deny ")


def _table(heading: str, listed: Mapping[str, Sequence[Claim]]) -> Iterator[str]:
    if listed:
        yield from ("", f"| {heading} | limit held by | claims |", "|---|---|---|")
    for sentence, proofs in listed.items():
        holders = {holder for claim in proofs for holder in claim.held_by}
        held_by = ", ".join(holder for holder in HOLDERS if holder in holders)
        held_by = held_by.replace("policy, boundary", "both") or "all else"
        yield f"| {_shown(sentence)} | {held_by} | {_names(proofs)} |"


def _names(proofs: Iterable[Claim]) -> str:
    return "<br>".join(f"`{claim.name}`" for claim in proofs)


def _shown(sentence: str) -> str:
    """The sentence of a denial is a phrase below the heading "is denied"."""
    shown = sentence.removeprefix("Deny ")
    return shown[0].upper() + shown[1:]


def _remaining(who: str) -> Iterator[str]:
    entries = [entry for entry in what_remains() if entry["who"] == who]
    if entries:
        yield from ("", "| what remains | what bounds it |", "|---|---|")
    for entry in entries:
        yield f"| {' '.join(entry['what'].split())} | {' '.join(entry['bound'].split())} |"


@cache
def what_remains() -> Sequence[Mapping[str, Any]]:
    return cast("Sequence[Mapping[str, Any]]", load(REMAINS))


if __name__ == "__main__":
    sys.stdout.write(text())

"""Writes docs/permissions.md from the contract."""

import sys
from collections.abc import Iterator
from typing import Final

from sandbox.permissions.table import Decision, Group, groups, rows

TITLES: Final = {
    "manager": "The sandbox manager",
    "manager out of budget": "The sandbox manager after the budget is spent",
    "instance": "A sandbox",
    "flow logs": "The role of the VPC's flow log",
    "budget": "The role of the budget",
}
"""The title of each identity of the contract, in the order of the page."""
DECISIONS: Final[tuple[Decision, ...]] = ("allowed", "denied", "forbidden")

INTRODUCTION: Final = """# Permissions

This page is for security reviewers: it lists what each identity may do and what it is denied.
`make docs` writes it from the contract in `sandbox/permissions/contract/`.

Each sentence describes one statement of a policy, and stands for rows of the contract. A row names
an action, a resource, the context of the call, and IAM's decision:

- *allowed*: the action is possible.
- *denied*: no policy allows the action (an implicit deny).
- *forbidden*: a policy denies the action (an explicit deny), whatever other policies are attached
  later.

A sentence about an allowed action also counts rows that are denied or forbidden: they are similar
actions just outside the permission. The contract has {rows} rows; {not_allowed} of them are denied
or forbidden. The tests put every row to two independent IAM evaluators. They also weaken each
statement in every way that one edit can, and require that a row notices it.

`sandbox permissions table` prints all rows, `sandbox permissions documents` prints the policies of
a stack.
"""

LIMITS: Final = """
## Known limits

- A launch must name everything that the policy checks: `MetadataOptions` with
  `HttpTokens=required`, `Encrypted=true` for each volume, the instance profile, and the three
  tags for the instance and its volumes. Defaults of the image are not part of the request. One
  exception is possible: where the image or the account encrypts volumes by default, EC2 may count
  a volume as encrypted although the launch does not name it.
- Volumes are encrypted with the account's default key for EBS. If that is a customer managed key,
  its key policy must allow the manager to use it through EC2; AWS's own key does so. The same
  holds for buckets that are encrypted with a customer managed key, and for the instances' role.
- Cost Explorer has no permissions below the account: the manager sees the costs of the whole
  account.
- A sandbox can overwrite results, its own and those of others, because S3 does not separate
  writing from overwriting. Turn on versioning for the results bucket.
- `softmax-*` lets sandboxes read every bucket of the account with this prefix. Name the buckets
  that researchers need in `s3_read_buckets`.
- Only a real account shows that EC2 sets each condition key at run time. `sandbox permissions
  check --stack production --manager-profile PROFILE` asks IAM's policy simulator in that account
  every row, and asks EC2 about the launches (DryRun, with the manager's key). It changes nothing,
  and lists the rows that could not be asked.
"""


def text() -> str:
    """The whole of docs/permissions.md."""
    not_allowed = sum(row.decision != "allowed" for row in rows())
    introduction = INTRODUCTION.format(rows=len(rows()), not_allowed=not_allowed)
    return introduction + "\n".join(_sections()) + "\n" + LIMITS


def _sections() -> Iterator[str]:
    for who, title in TITLES.items():
        own_groups = [group for group in groups() if group.who == who]
        yield from ("", f"## {title}")
        yield from _list("May:", [group for group in own_groups if group.kind == "can"])
        yield from _list("Is denied:", [group for group in own_groups if group.kind == "deny"])
    yield from ("", "## Who can assume a role")
    yield from _list("", [group for group in groups() if group.who.startswith("trust")])


def _list(heading: str, listed: list[Group]) -> Iterator[str]:
    if listed:
        yield from (["", heading, ""] if heading else [""])
        yield from map(_line, listed)


def _line(group: Group) -> str:
    counts = [
        f"{count} {decision}"
        for decision in DECISIONS
        if (count := sum(row.decision == decision for row in group.rows))
    ]
    sentence = group.sentence.removeprefix("Deny ")
    return f"- {sentence[0].upper()}{sentence[1:]} ({', '.join(counts)})"


if __name__ == "__main__":
    sys.stdout.write(text())

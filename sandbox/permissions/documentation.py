"""Writes docs/permissions.md from the contract."""

# ruff: noqa: E501 - a row of a Markdown table is one line

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
What IAM cannot hold, and what bounds it, is under "What remains".

Rows are samples. So each sentence is also a claim about all requests, in
`sandbox/permissions/claims/`: any action, any resource, and each condition key absent or with any
value. `sandbox permissions prove` proves the claims with an SMT solver, for the default settings
and for each setting that changes a policy, and prints the request that breaks a claim. It does not
prove which condition keys AWS sets, nor what other policies of the account allow.

`sandbox permissions table` prints all rows, `sandbox permissions documents` prints the policies of
a stack.
"""

REMAINS: Final = """
## Whatever is attached

Each of the four identities has a permissions boundary. It allows the same actions, on the same
resources, under the same conditions, as the policy of the identity, and denies all else. So a
policy that somebody attaches later adds nothing: the tests attach AdministratorAccess and put every
row again; what is denied stays denied. Two things are outside a boundary:

- The image in `sandbox_ami_id`: the boundary names it by the tag `sandbox_ami_id` of the manager,
  so that a new image needs no new version of the boundary. The deployment sets the tag; the manager
  cannot.
- A list in `s3_read_buckets` that is too long for a boundary (about 40 names). Then the boundary
  allows reads of all buckets of this account, and only the policy names those of the list.

The pipeline cannot change a boundary. An administrator does: see "Who changes a boundary" in
[guard-rails.md](guard-rails.md).

## What remains

IAM cannot prevent these, or not without harm. Each has something that bounds it.

The manager:

| what | what bounds it |
|---|---|
| A launch can start many instances (`MaxCount`). | The quotas of the account: vCPUs of running on-demand G and VT instances (L-DB2E81BA) and of P instances (L-417A185B). Ask for no more than you use. |
| A launch can have up to 28 volumes that outlive the instance. | Their size and type; the quotas of gp2 (L-D18FCD1D) and gp3 storage (L-7A658B76). The manager may delete volumes with the tags of its launches. |
| A launch can protect an instance from termination or stop (`DisableApiTermination`, `DisableApiStop`), and choose what a shutdown does. | An administrator removes the protection. The quotas above. |
| A launch can name a network interface that exists in the VPC. EC2 then asks about the interface only, not about its security group. | The manager cannot create interfaces. Leave no unattached interface in the VPC. |
| A launch can provision throughput for gp3 volumes. | EC2's limit for the type. |
| User data runs as root on the instance. | So whoever has the manager's key also has the rights of a sandbox. "The manager reads no bucket" is true of its key, not of what it can launch. |
| Cost Explorer, CloudWatch metrics and quotas have no permissions below the account. | The manager only reads them. A quiet metric name is no secret; keep secrets out of metric names and dimensions. |
| Temporary credentials that a stolen key made. | The boundary denies every call with them. STS still makes them; they can do nothing. A role's credentials live until they expire, an hour by default. |

The manager does not resize, retag or repair instances, and imports no key pairs: launch a new
instance, and put public SSH keys into its user data.

A sandbox:

| what | what bounds it |
|---|---|
| Without `results_per_instance` a sandbox can overwrite the results of others, and can neither list nor resume its own. | Versioning of the results bucket. With the setting, each has a prefix of its own: `<aws:userid>/`, which `aws sts get-caller-identity --query UserId` prints. |
| A sandbox can write lines into the log stream of another one. IAM cannot bind a stream to an instance: `aws:userid` has a colon, and the name of a stream cannot have one. | It cannot read, change or delete lines. CloudWatch stamps each with the time of its arrival. |
| By default `softmax-*` lets sandboxes read every bucket with this prefix, and `*` lets them pull every container image of the account. | Name the buckets in `s3_read_buckets` and the repositories in `ecr_repositories`. |
| State of Terraform or Pulumi is recognised by its name (`*.tfstate*`, `.pulumi/`). | The program refuses a readable bucket for its own state. Keep exports and copies elsewhere. |
| Its credentials work from anywhere. | `instances_only_from_vpc` binds calls of S3 to the VPC; buckets of other regions are then out of reach. The registry and the logs have no such bound. |
| Objects can be written with a KMS key of this account that their readers cannot use. | The policies of your keys. |

Others:

| what | what bounds it |
|---|---|
| Volumes are encrypted with the account's default key for EBS. | If that is a customer managed key, its key policy must allow the manager to use it through EC2; AWS's own key does so. The same holds for the keys of buckets, and for the instances' role. |
| A launch must name everything that the policy checks: `MetadataOptions` with `HttpTokens=required`, `Encrypted=true` for each volume, the instance profile, the three tags. | Defaults of the image are not part of the request. Where the account encrypts volumes by default, EC2 may count a volume as encrypted although the launch does not name it. |
| The pipeline writes the manager's policy and keys. | Its identities have boundaries that it cannot change, and it reaches no others. |
| Only a real account shows that EC2 sets each condition key at run time. | `sandbox permissions check --stack production --manager-profile PROFILE` asks IAM's policy simulator in that account every row, and asks EC2 about the launches (DryRun, with the manager's key). It changes nothing, and lists the rows that could not be asked. |
"""


def text() -> str:
    """The whole of docs/permissions.md."""
    not_allowed = sum(row.decision != "allowed" for row in rows())
    introduction = INTRODUCTION.format(rows=len(rows()), not_allowed=not_allowed)
    return introduction + "\n".join(_sections()) + "\n" + REMAINS


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

"""The contract as a list for readers: what each identity can and cannot do, and how it is known."""

from collections.abc import Iterator

from sandbox.permissions.table import Group, groups

PARTS = {
    "manager": "The manager",
    "instance": "A sandbox",
    "manager out of budget": "The manager, out of budget,",
    "budget": "A budget that stops launches",
    "flow logs": "The VPC's flow log",
    "trust": "Who takes a role",
}


LIMITS = """
## What the policies ask of a launch, and what they leave open

- The call itself must name `MetadataOptions` with `HttpTokens=required`, `Encrypted=true` for each
  volume, the profile, and the three tags for instance *and* volume. What an image prescribes
  (IMDSv2, encryption) is not what IAM is asked about.
- Volumes are encrypted with the account's default key for EBS. Where that is a customer managed
  key, its key policy must let the manager use it through EC2; AWS's own key does so by itself. The
  same holds for buckets that are encrypted with a customer managed key, and the instances' role.
- Cost Explorer cannot be narrowed: the manager sees what the whole account costs.
- A sandbox can overwrite a result, its own or another's, since S3 calls that writing: turn on
  versioning for the results bucket.
- `softmax-*` lets sandboxes read every such bucket of the account: name the buckets that
  researchers need in `s3_read_buckets`.
- That EC2 fills in each condition key at run time is seen only in an account: `python -m prove
  account --stack production --manager-profile PROFILE` puts the same rows to AWS's own simulator,
  and the launches to EC2 with DryRun under the manager's key. It changes nothing and says what it
  could not ask.
"""


def text() -> str:
    """The whole of docs/permissions.md."""
    return "\n".join(_lines()) + "\n" + LIMITS


def _lines() -> Iterator[str]:
    rows = [row for group in groups() for row in group.rows]
    denials = sum(row.decision != "allowed" for row in rows)
    yield "# Permissions"
    yield ""
    yield "Printed by `sandbox permissions table` from the rows in `sandbox/permissions/contract/`: every"
    yield "sentence is proven by rows that are put to the policies by two independent evaluators."
    yield ""
    yield f"{len(rows)} rows, {denials} of them denials. *Denied* is what nothing allows;"
    yield "*forbidden* is what an explicit denial stops whatever is attached later."
    for part, title in PARTS.items():
        own = [
            group
            for group in groups()
            if group.who == part or (part == "trust" and group.who.startswith(part))
        ]
        for kind, verb in (("can", "can"), ("cannot", "cannot")):
            chosen = [group for group in own if group.kind == kind]
            if chosen:
                yield ""
                yield f"## {title}" if part == "trust" else f"## {title} {verb}"
                yield ""
                yield from map(_line, chosen)


def _line(group: Group) -> str:
    counts = [
        f"{count} {decision}"
        for decision in ("allowed", "denied", "forbidden")
        if (count := sum(row.decision == decision for row in group.rows))
    ]
    return f"- {group.sentence} ({', '.join(counts)})"

"""Read Terraform's state file, and refuse one that cannot be trusted in one clear line."""

import codecs
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

from sandbox.core.errors import RefusedError, UsageError

STDIN: Final = "-"
STDIN_LABEL: Final = "standard input"
VERSION: Final = 4
PULL: Final = "take the state with: terraform state pull"
NAME_STATE: Final = "name the Terraform state file"
OTHER_JSON: Final = (
    ("encrypted_data", "is encrypted by OpenTofu; decrypt it with: tofu state pull"),
    ("sops", "is encrypted by sops; decrypt it with: sops --decrypt"),
    ("format_version", f"is the output of `terraform show -json`, not a state; {PULL}"),
    ("deployment", f"is the export of a Pulumi stack, not a Terraform state; {NAME_STATE}"),
    ("AWSTemplateFormatVersion", f"is a CloudFormation template; {NAME_STATE}"),
    ("terraform.io/backend", f"is the configuration of a backend, not a state; {PULL}"),
)
"""A key that only such a file has, and what the user has to know about it."""
MAGIC_BYTES: Final = (
    (b"\x00GITCRYPT", "is encrypted by git-crypt; unlock the repository first"),
    (b"$ANSIBLE_VAULT", "is encrypted by Ansible Vault; decrypt it first"),
    (b"age-encryption.org", "is encrypted by age; decrypt it first"),
    (
        b"[command]",
        "begins with a line of setup-terraform; set terraform_wrapper: false for that action",
    ),
    (b"-----BEGIN PGP", "is encrypted by PGP; decrypt it first"),
    (b"version https://git-lfs", "is a Git LFS pointer, not the state; run: git lfs pull"),
    (b"PK\x03\x04", f"is a zip archive (a saved plan?), not a state; {PULL}"),
    (b"\x1f\x8b", "is compressed by gzip; unpack it with: gunzip"),
)
"""The first bytes of other files, and what the user has to know about them."""
BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),  # the `>` of PowerShell writes it
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TerraformResource:
    """One instance of a managed resource."""

    address: str
    type: str
    where: str
    """The state that holds it."""
    attributes: Mapping[str, Any] = field(repr=False)
    """May hold secrets: never print them all."""
    problem: str = ""
    """Why it cannot be adopted as it is, with the cure; "" if it can."""

    def text(self, key: str) -> str:
        """The text at *key*; "" if there is none."""
        value = self.attributes.get(key)
        return value if isinstance(value, str) else ""

    @property
    def module(self) -> str:
        """The path of its module; "" for the root module."""
        return self.address.partition(f"{self.type}.")[0]

    @property
    def id(self) -> str:
        return self.text("id")

    @property
    def tags(self) -> Mapping[str, str]:
        """All tags, including the default tags of the provider."""
        return self.attributes.get("tags_all") or self.attributes.get("tags") or {}


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A complete state."""

    where: str
    """Names the file in messages."""
    resources: tuple[TerraformResource, ...]
    outputs: Mapping[str, Any] = field(repr=False)

    def of(self, terraform_type: str) -> list[TerraformResource]:
        return [resource for resource in self.resources if resource.type == terraform_type]


def label(source: str) -> str:
    return STDIN_LABEL if source == STDIN else source


def read(sources: Sequence[str]) -> State:
    """The states in *sources* as one: a later module has its manager in the cluster's state.

    Raises:
        UsageError: a file cannot be read.
        RefusedError: a file is not a state that can be adopted.
    """
    states = [_read(source) for source in sources]
    return State(
        where=" and ".join(state.where for state in states),
        resources=tuple(resource for state in states for resource in state.resources),
        outputs={
            name: value for state in reversed(states) for name, value in state.outputs.items()
        },
    )


def _read(source: str) -> State:
    """Read the state from the file *source*, or from standard input if it is "-".

    Raises:
        UsageError: the file cannot be read.
        RefusedError: the file is not a state that can be adopted.
    """
    if source == STDIN:
        return parse(sys.stdin.buffer.read(), STDIN_LABEL)
    try:
        content = Path(source).read_bytes()
    except OSError as error:
        raise UsageError(
            f"{source}: cannot be read: {error.strerror}; {NAME_STATE}, or - for standard input"
        ) from None
    return parse(content, source)


def parse(content: bytes, where: str) -> State:
    """Parse the *content* of a state file; *where* names it in messages.

    Raises:
        RefusedError: one line that says what is wrong and how to fix it.
    """
    try:
        raw = _decoded(content)
        _require_version(raw)
        return State(where=where, resources=tuple(_resources(raw, where)), outputs=_outputs(raw))
    except ValueError as error:
        raise RefusedError(f"{where}: {error}") from None


def _decoded(content: bytes) -> Mapping[str, Any]:
    if not content.strip():
        raise ValueError(f"is empty; {NAME_STATE}, or pipe it in with: terraform state pull")
    for magic_bytes, message in MAGIC_BYTES:
        if content.startswith(magic_bytes):
            raise ValueError(message)
    encoding = next((name for mark, name in BYTE_ORDER_MARKS if content.startswith(mark)), "utf-8")
    try:
        raw = json.loads(content.decode(encoding))
    except UnicodeDecodeError:
        raise ValueError(f"is not text (encrypted, or another kind of file?); {PULL}") from None
    except json.JSONDecodeError as error:
        if error.pos >= len(error.doc.rstrip()) - 1 or "Unterminated" in error.msg:
            raise ValueError(
                f"is truncated: the JSON ends in line {error.lineno}; {PULL}"
            ) from None
        raise ValueError(f"is not valid JSON: {error.msg} in line {error.lineno}; {PULL}") from None
    except ValueError:  # Python reads no number of more than 4,300 digits
        raise ValueError(f"is not a state: it holds a number without end; {PULL}") from None
    except RecursionError:
        raise ValueError(f"is not a state: its JSON is nested too deeply; {PULL}") from None
    if not isinstance(raw, dict):
        raise ValueError(f"is not a state: its JSON is not an object; {PULL}")  # noqa: TRY004 - one kind of error for a bad file
    return cast("Mapping[str, Any]", raw)


def _require_version(raw: Mapping[str, Any]) -> None:
    for key, message in OTHER_JSON:
        if key in raw:
            raise ValueError(message)
    if isinstance(backend := raw.get("backend"), dict):
        kind = cast("Mapping[str, Any]", backend).get("type", "unknown")
        raise ValueError(  # noqa: TRY004 - one kind of error for a bad file
            f"only points to a remote backend ({kind}) and has no resources; {PULL}"
        )
    version = raw.get("version")
    if version is None or isinstance(version, bool) or not isinstance(version, int):
        raise ValueError(f"is not a Terraform state: it has no version number; {PULL}")
    if version < VERSION:
        raise ValueError(
            f"has version {version} (Terraform before 0.12), but version {VERSION} is needed; "
            "upgrade it with Terraform 0.12 or newer: terraform apply -refresh-only"
        )
    if version > VERSION:
        raise ValueError(
            f"has version {version}, but this program only knows version {VERSION}; use a newer "
            "release of this program"
        )


def _resources(raw: Mapping[str, Any], where: str) -> Iterator[TerraformResource]:
    blocks = raw.get("resources")
    if not isinstance(blocks, list):
        raise ValueError(f"is damaged: it has no list of resources; {PULL}")  # noqa: TRY004 - as above
    count = 0
    for block in cast("list[Any]", blocks):
        try:
            if block["mode"] != "managed":
                continue
            path = ".".join(filter(None, (block.get("module"), block["type"], block["name"])))
            for instance in block["instances"]:
                count += 1
                yield _resource(f"{path}{_index(instance)}", block["type"], where, instance)
        except (KeyError, TypeError, AttributeError):
            raise ValueError(
                f"is damaged: the resource after number {count} is incomplete; {PULL}"
            ) from None
    if not count:
        raise ValueError(
            "has no resources (destroyed, or never applied), so there is nothing to adopt; "
            f"{NAME_STATE} of a running environment"
        )


def _resource(
    address: str, terraform_type: str, where: str, instance: Mapping[str, Any]
) -> TerraformResource:
    attributes: Any = {} if "attributes_flat" in instance else instance["attributes"]
    if not isinstance(attributes, dict):
        raise ValueError(f"is damaged: {address} has no attributes; {PULL}")  # noqa: TRY004 - as above
    return TerraformResource(
        address=address,
        type=terraform_type,
        where=where,
        attributes=cast("Mapping[str, Any]", attributes),
        problem=_problem(address, instance),
    )


def _problem(address: str, instance: Mapping[str, Any]) -> str:
    """A half-finished change, or an old form; it matters only in what is adopted."""
    if instance.get("deposed"):
        return (
            f"{address} has a deposed object (half of a replacement); finish the replacement "
            "with: terraform apply"
        )
    if instance.get("status") == "tainted":
        return (
            f"{address} is tainted (Terraform would replace it); if it works: "
            f"terraform untaint '{address}'"
        )
    if "attributes_flat" in instance:
        return (
            f"{address} was last written by Terraform before 0.12; run: terraform apply "
            "-refresh-only"
        )
    return ""


def _index(instance: Mapping[str, Any]) -> str:
    key = instance.get("index_key")
    return "" if key is None else f"[{json.dumps(key)}]"


def _outputs(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    outputs: Any = raw.get("outputs")
    if not isinstance(outputs, dict):
        return {}
    return {
        name: entry.get("value")
        for name, entry in cast("Mapping[str, Any]", outputs).items()
        if isinstance(entry, dict)
    }

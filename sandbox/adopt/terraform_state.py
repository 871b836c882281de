"""Terraform's state file: read, and refused with one clear line where it cannot be trusted."""

import codecs
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

from sandbox.core.errors import SandboxError

STDIN: Final = "-"
VERSION: Final = 4
PULL: Final = "take it with: terraform state pull"
NOT_A_STATE: Final = (
    ("encrypted_data", "is a state that OpenTofu encrypted; decrypt it with: tofu state pull"),
    ("sops", "is encrypted by sops; decrypt it with: sops --decrypt"),
    ("format_version", f"is what `terraform show -json` prints, not a state; {PULL}"),
    ("deployment", "is the export of a Pulumi stack, not a Terraform state; name the state file"),
    ("AWSTemplateFormatVersion", "is a CloudFormation template; name the Terraform state file"),
    ("terraform.io/backend", f"is a backend's configuration, not a state; {PULL}"),
)
"""A key that only such a file has, and what the file is then."""
MAGIC: Final = (
    (b"\x00GITCRYPT", "is encrypted by git-crypt; unlock the repository first"),
    (b"$ANSIBLE_VAULT", "is encrypted by Ansible Vault; decrypt it first"),
    (b"age-encryption.org", "is encrypted by age; decrypt it first"),
    (b"-----BEGIN PGP", "is encrypted by PGP; decrypt it first"),
    (b"version https://git-lfs", "is a Git LFS pointer, not the state; run: git lfs pull"),
    (b"PK\x03\x04", f"is a zip archive (a saved plan?), not a state; {PULL}"),
    (b"\x1f\x8b", "is compressed by gzip; unpack it with: gunzip"),
)
"""How files begin that are no JSON, and what they are."""
BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),  # PowerShell's `>` writes it
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One instance of a managed resource."""

    address: str
    type: str
    attributes: Mapping[str, Any] = field(repr=False)
    """May hold secrets: never printed whole."""

    def text(self, key: str) -> str:
        """The text at *key*; "" where there is none."""
        value = self.attributes.get(key)
        return value if isinstance(value, str) else ""

    @property
    def id(self) -> str:
        return self.text("id")

    @property
    def tags(self) -> Mapping[str, str]:
        """All tags, the provider's default ones too."""
        return self.attributes.get("tags_all") or self.attributes.get("tags") or {}


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A state file that is whole and at rest."""

    where: str
    resources: tuple[Resource, ...]
    outputs: Mapping[str, Any] = field(repr=False)

    def of(self, kind: str) -> list[Resource]:
        """Every resource of Terraform type *kind*."""
        return [one for one in self.resources if one.type == kind]


def read(source: str) -> State:
    """The state in file *source*, or on standard input.

    Raises:
        SandboxError: there is no such file, or it is no state that can be adopted.
    """
    if source == STDIN:
        return parse(sys.stdin.buffer.read(), "standard input")
    try:
        content = Path(source).read_bytes()
    except OSError as error:
        raise SandboxError(
            f"{source}: cannot be read: {error.strerror}; name the state file, or - for standard "
            "input"
        ) from None
    return parse(content, source)


def parse(content: bytes, where: str) -> State:
    """The state that *content* is.

    Raises:
        SandboxError: one line; *where* says which file it is about.
    """
    try:
        raw = _decoded(content)
        _require_version(raw)
        return State(where=where, resources=tuple(_resources(raw)), outputs=_outputs(raw))
    except _RefusalError as refusal:
        raise SandboxError(f"{where}: {refusal}") from None


class _RefusalError(Exception):
    """What is wrong, without the place."""


def _decoded(content: bytes) -> Mapping[str, Any]:
    if not content.strip():
        raise _RefusalError(
            "is empty; name a state file, or pipe one in with: terraform state pull"
        )
    for start, meaning in MAGIC:
        if content.startswith(start):
            raise _RefusalError(meaning)
    encoding = next((name for mark, name in BYTE_ORDER_MARKS if content.startswith(mark)), "utf-8")
    try:
        raw = json.loads(content.decode(encoding))
    except UnicodeDecodeError:
        raise _RefusalError(f"is no text (encrypted, or another kind of file?); {PULL}") from None
    except json.JSONDecodeError as error:
        if error.pos >= len(error.doc.rstrip()) - 1 or "Unterminated" in error.msg:
            raise _RefusalError(
                f"is truncated: the JSON ends in line {error.lineno}; take it again with: "
                "terraform state pull"
            ) from None
        raise _RefusalError(f"is no JSON: {error.msg} in line {error.lineno}; {PULL}") from None
    except RecursionError:
        raise _RefusalError(f"is no state: its JSON is nested too deeply; {PULL}") from None
    if not isinstance(raw, dict):
        raise _RefusalError(f"is no state: its JSON is no object; {PULL}")
    return cast("Mapping[str, Any]", raw)


def _require_version(raw: Mapping[str, Any]) -> None:
    for key, meaning in NOT_A_STATE:
        if key in raw:
            raise _RefusalError(meaning)
    if isinstance(backend := raw.get("backend"), dict):
        kind = cast("Mapping[str, Any]", backend).get("type", "unknown")
        raise _RefusalError(
            f"only points to a remote backend ({kind}), it holds no resources; {PULL}"
        )
    version = raw.get("version")
    if version is None or isinstance(version, bool) or not isinstance(version, int):
        raise _RefusalError(f"is no Terraform state: it has no version; {PULL}")
    if version < VERSION:
        raise _RefusalError(
            f"has version {version} (Terraform before 0.12), {VERSION} is needed; upgrade it with "
            "Terraform 0.12 or newer: terraform apply -refresh-only"
        )
    if version > VERSION:
        raise _RefusalError(
            f"has version {version}, this program knows {VERSION}; use a newer release of it"
        )


def _resources(raw: Mapping[str, Any]) -> Iterator[Resource]:
    listed = raw.get("resources")
    if not isinstance(listed, list):
        raise _RefusalError(f"is damaged: it has no list of resources; {PULL}")
    count = 0
    for block in cast("list[Any]", listed):
        try:
            if block["mode"] != "managed":
                continue
            path = ".".join(filter(None, (block.get("module"), block["type"], block["name"])))
            for instance in block["instances"]:
                count += 1
                yield _resource(f"{path}{_index(instance)}", block["type"], instance)
        except (KeyError, TypeError, AttributeError):
            raise _RefusalError(
                f"is damaged: a resource after number {count} is not as Terraform writes it; {PULL}"
            ) from None
    if not count:
        raise _RefusalError(
            "holds no resource (destroyed, or never applied): there is nothing to adopt"
        )


def _resource(address: str, kind: str, instance: Mapping[str, Any]) -> Resource:
    if instance.get("deposed"):
        raise _RefusalError(
            f"{address} has a deposed object (half of a replacement); finish with: terraform apply"
        )
    if instance.get("status") == "tainted":
        raise _RefusalError(
            f"{address} is tainted (Terraform would replace it); if it is sound: "
            f"terraform untaint '{address}'"
        )
    if "attributes_flat" in instance:
        raise _RefusalError(
            f"{address} was last written by Terraform before 0.12; run: terraform apply "
            "-refresh-only"
        )
    attributes: Any = instance["attributes"]
    if not isinstance(attributes, dict):
        raise _RefusalError(f"is damaged: {address} has no attributes; {PULL}")
    return Resource(address=address, type=kind, attributes=cast("Mapping[str, Any]", attributes))


def _index(instance: Mapping[str, Any]) -> str:
    key = instance.get("index_key")
    return "" if key is None else f"[{json.dumps(key)}]"


def _outputs(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    outputs: Any = raw.get("outputs")
    if not isinstance(outputs, dict):
        return {}
    return {
        name: one.get("value")
        for name, one in cast("Mapping[str, Any]", outputs).items()
        if isinstance(one, dict)
    }

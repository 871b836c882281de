"""HashiCorp's AWS provider without the services that this project does not use.

The whole provider compiles some 260 SDKs of AWS services, which two generated files name. This
module filters both in a copy, because `go build -overlay` refuses files of the module cache.
"""

import re
from pathlib import Path
from typing import Final

from local.engine import module_copies

MODULE: Final = "github.com/hashicorp/terraform-provider-aws"

SERVICES: Final = frozenset({"budgets", "ce", "ec2", "iam", "logs", "meta", "organizations", "sts"})
"""The provider's packages that implement the resources in source/provider/mappings.go."""

SDKS: Final = SERVICES - {"ce", "logs", "meta"} | {
    "account",
    "cloudwatchlogs",
    "costexplorer",
    "s3",
}
"""The AWS SDKs that these packages use. The provider's connection itself uses s3 and account."""

FOLDERS: Final = ("internal", "names", "version")
SERVICES_FOLDER: Final = Path("internal/service")
_LEFT_OUT: Final = frozenset({"generate", "sweep", "sweep.go"})
PACKAGE: Final = re.compile(r'"[\w./-]+/terraform-provider-aws/internal/service/(\w+)"')
SDK: Final = re.compile(r"github\.com/aws/aws-sdk-go-v2/service/(\w+)")
_LISTED = re.compile(r"^\t\t(\w+)\.ServicePackage\(ctx\),$", re.MULTILINE)
_CLIENT = re.compile(
    r"^func \(c \*AWSClient\) \w+\(ctx context\.Context\) \*(\w+)\.Client \{\n.*?^\}\n\n?",
    re.MULTILINE | re.DOTALL,
)


def copy(module: Path, target: Path) -> None:
    """Copy the packages of the services above from *module* to *target*."""
    module_copies.sources(
        module, target, FOLDERS, lambda folder, name: left_out(folder, name, SERVICES)
    )
    keep_only(target, SERVICES, SDKS)
    module_copies.rewrite(target / "go.mod", _without_other_sdks)


def left_out(folder: Path, name: str, services: frozenset[str]) -> bool:
    """Whether a copy with *services* lacks *name* in *folder*."""
    another_service = folder == SERVICES_FOLDER and "." not in name and name not in services
    return another_service or name in _LEFT_OUT


def keep_only(target: Path, services: frozenset[str], sdks: frozenset[str]) -> None:
    """Remove all but *services* and *sdks* from the files of a copy that name every service."""
    packages = target / "internal/provider/sdkv2/service_packages_gen.go"
    module_copies.rewrite(packages, lambda text: _without_other_packages(text, services))
    clients = target / "internal/conns/awsclient_gen.go"
    module_copies.rewrite(clients, lambda text: _without_other_clients(text, sdks))
    module_copies.rewrite(target / "internal/embed.go", _without_message_overrides)


def _lines_without(text: str, pattern: re.Pattern[str], keep: frozenset[str]) -> str:
    """Remove the lines that *pattern* finds, unless its group is in *keep*."""

    def kept(line: str) -> bool:
        match = pattern.search(line)
        return match is None or match[1] in keep

    return "".join(line for line in text.splitlines(keepends=True) if kept(line))


def _without_other_packages(text: str, services: frozenset[str]) -> str:
    return _lines_without(_lines_without(text, PACKAGE, services), _LISTED, services)


def _without_other_clients(text: str, sdks: frozenset[str]) -> str:
    text = _CLIENT.sub(lambda client: client[0] if client[1] in sdks else "", text)
    return _lines_without(text, SDK, sdks)


def _without_other_sdks(text: str) -> str:
    return _lines_without(text, SDK, SDKS | {"internal"})


def _without_message_overrides(text: str) -> str:
    """Remove an embed pattern that Go would refuse: none of the services has a matching file."""
    return text.replace("//go:embed service/*/smarterr.hcl\n", "")

"""HashiCorp's provider without the services that this project does not use.

The whole one compiles some 260 AWS SDKs. Two generated files name them; both are filtered here
in a copy of the module, because `go build -overlay` refuses files of the module cache.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from local.engine import copies

MODULE: Final = "github.com/hashicorp/terraform-provider-aws"

SERVICES: Final = frozenset({"budgets", "ce", "ec2", "iam", "logs", "meta", "organizations", "sts"})
"""The provider's packages with resources that are mapped in source/provider/mappings.go."""

SDKS: Final = SERVICES - {"ce", "logs", "meta"} | {
    "account",
    "cloudwatchlogs",
    "costexplorer",
    "s3",
}
"""AWS's packages that those use; s3 and account are used by the provider's connection itself."""

_SERVICES_FOLDER: Final = Path("internal/service")
_LEFT_OUT: Final = frozenset({"generate", "sweep", "sweep.go"})
_PACKAGE = re.compile(r'"github\.com/hashicorp/terraform-provider-aws/internal/service/(\w+)"')
_SDK = re.compile(r"github\.com/aws/aws-sdk-go-v2/service/(\w+)")
_LISTED = re.compile(r"^\t\t(\w+)\.ServicePackage\(ctx\),$", re.MULTILINE)
_CLIENT = re.compile(
    r"^func \(c \*AWSClient\) \w+\(ctx context\.Context\) \*(\w+)\.Client \{\n.*?^\}\n\n?",
    re.MULTILINE | re.DOTALL,
)


def copy(module: Path, target: Path) -> None:
    """Copy what a build needs of *module* to *target*, filtered to the services above."""
    copies.sources(module, target, ("internal", "names", "version"), _left_out)
    _rewrite(target / "internal/provider/sdkv2/service_packages_gen.go", _only_our_packages)
    _rewrite(target / "internal/conns/awsclient_gen.go", _only_our_clients)
    _rewrite(target / "internal/embed.go", _without_message_overrides)
    _rewrite(target / "go.mod", _without_other_sdks)


def _left_out(folder: Path, name: str) -> bool:
    another_service = folder == _SERVICES_FOLDER and "." not in name and name not in SERVICES
    return another_service or name in _LEFT_OUT


def _rewrite(file: Path, change: Callable[[str], str]) -> None:
    file.write_text(change(file.read_text()))


def _lines_without(text: str, pattern: re.Pattern[str], keep: frozenset[str]) -> str:
    def wanted(line: str) -> bool:
        found = pattern.search(line)
        return found is None or found[1] in keep

    return "".join(line for line in text.splitlines(keepends=True) if wanted(line))


def _only_our_packages(text: str) -> str:
    return _lines_without(_lines_without(text, _PACKAGE, SERVICES), _LISTED, SERVICES)


def _only_our_clients(text: str) -> str:
    kept = _CLIENT.sub(lambda found: found[0] if found[1] in SDKS else "", text)
    return _lines_without(kept, _SDK, SDKS)


def _without_other_sdks(text: str) -> str:
    return _lines_without(text, _SDK, SDKS | {"internal"})


def _without_message_overrides(text: str) -> str:
    """Go refuses an embed pattern that matches nothing, and none of our services has overrides."""
    return text.replace("//go:embed service/*/smarterr.hcl\n", "")

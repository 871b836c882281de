"""HashiCorp's AWS provider without the services that this project does not use.

The whole provider compiles some 260 SDKs of AWS services, which two generated files name. This
module filters both in a copy, because `go build -overlay` refuses files of the module cache.
"""

import re
from pathlib import Path
from typing import Final

from local.engine import copies

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
    """Copy the packages of the services above from *module* to *target*."""
    copies.sources(module, target, ("internal", "names", "version"), _left_out)
    packages = target / "internal/provider/sdkv2/service_packages_gen.go"
    copies.rewrite(packages, _without_other_packages)
    copies.rewrite(target / "internal/conns/awsclient_gen.go", _without_other_clients)
    copies.rewrite(target / "internal/embed.go", _without_message_overrides)
    copies.rewrite(target / "go.mod", _without_other_sdks)


def _left_out(folder: Path, name: str) -> bool:
    another_service = folder == _SERVICES_FOLDER and "." not in name and name not in SERVICES
    return another_service or name in _LEFT_OUT


def _lines_without(text: str, pattern: re.Pattern[str], keep: frozenset[str]) -> str:
    """Remove the lines that *pattern* finds, unless its group is in *keep*."""

    def kept(line: str) -> bool:
        match = pattern.search(line)
        return match is None or match[1] in keep

    return "".join(line for line in text.splitlines(keepends=True) if kept(line))


def _without_other_packages(text: str) -> str:
    return _lines_without(_lines_without(text, _PACKAGE, SERVICES), _LISTED, SERVICES)


def _without_other_clients(text: str) -> str:
    text = _CLIENT.sub(lambda client: client[0] if client[1] in SDKS else "", text)
    return _lines_without(text, _SDK, SDKS)


def _without_other_sdks(text: str) -> str:
    return _lines_without(text, _SDK, SDKS | {"internal"})


def _without_message_overrides(text: str) -> str:
    """Remove an embed pattern that Go would refuse: none of the services has a matching file."""
    return text.replace("//go:embed service/*/smarterr.hcl\n", "")

"""Pulumi's command without the clouds that this project does not use: a quarter of its source.

Left out are state in Azure, Google Cloud and PostgreSQL, keys in Azure, Google Cloud and Vault, and
`pulumi env setup`, which connects Pulumi Cloud to an account. State in files and in S3 and keys in
KMS stay.
"""

import re
from pathlib import Path
from typing import Final

from local.engine import module_copies

MODULE: Final = "github.com/pulumi/pulumi/pkg/v3"
_LEFT_OUT: Final = frozenset(
    {
        Path("authhelpers"),  # Google's credentials
        Path("backend/diy/postgres"),
        Path("cloudsetup"),
        Path("cmd/esc/cli/setup.go"),
        Path("cmd/esc/cli/setup_aws.go"),
        Path("cmd/esc/cli/setup_azure.go"),
        Path("cmd/esc/cli/setup_gcp.go"),
        Path("codegen/testing"),
        Path("testing"),
    }
)
_STORAGE: Final = re.compile(
    r'^\t[^\n"]*"gocloud\.dev/blob/(?:azureblob|gcsblob)"[^\n]*\n'
    r'|^\t[^\n"]*"github\.com/pulumi/pulumi/pkg/v3/(?:authhelpers|backend/diy/postgres)"[^\n]*\n'
    r"|^\tif p\.Scheme == (?:azureblob|gcsblob)\.Scheme \{\n.*?^\t\}\n",
    re.MULTILINE | re.DOTALL,
)
_KEYS: Final = re.compile(
    r'^\t[^\n"]*"gocloud\.dev/secrets/(?:azurekeyvault|gcpkms|hashivault)"[^\n]*\n'
    r'|^\t"google\.golang\.org/api/cloudkms/v1"\n'
    r'|^\t"github\.com/pulumi/pulumi/pkg/v3/authhelpers"\n'
    r"|^\tcase gcpkms\.Scheme:\n.*?(?=^\tdefault:)",
    re.MULTILINE | re.DOTALL,
)
_SETUP: Final = re.compile(r"^\tcmd\.AddCommand\(newEnvSetupCmd\(env\)\)\n", re.MULTILINE)


def copy(module: Path, target: Path) -> None:
    """Copy the command's packages from *module* to *target*, without these clouds."""
    folders = [path.name for path in module.iterdir() if path.is_dir()]
    module_copies.sources(module, target, folders, lambda folder, name: folder / name in _LEFT_OUT)
    module_copies.rewrite(target / "backend/diy/backend.go", lambda text: _STORAGE.sub("", text))
    module_copies.rewrite(target / "secrets/cloud/manager.go", lambda text: _KEYS.sub("", text))
    module_copies.rewrite(target / "cmd/esc/cli/env.go", lambda text: _SETUP.sub("", text))

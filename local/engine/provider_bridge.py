"""Pulumi's bridge to Terraform providers without its generator of SDKs, which a plugin never runs.

Only `NewMuxProvider`, which this project's plugin does not call, imports the generators of every
language and Google Cloud's SDK. They take a quarter of the time that the provider takes to compile.
"""

from pathlib import Path
from typing import Final

from local.engine import module_copies

MODULE: Final = "github.com/pulumi/pulumi-terraform-bridge/v3"
_LEFT_OUT: Final = frozenset(
    {
        Path("pkg/pf/tfbridge/provider_mux.go"),  # NewMuxProvider
        Path("pkg/pf/tfgen"),
        Path("pkg/tf2pulumi"),
        Path("pkg/tfgen"),
    }
)


def copy(module: Path, target: Path) -> None:
    """Copy the packages of a plugin from *module* to *target*."""
    module_copies.sources(
        module,
        target,
        ("internal", "pkg", "unstable"),
        lambda folder, name: folder / name in _LEFT_OUT,
    )

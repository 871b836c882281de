"""Pulumi's bridge without its generator of SDKs, which is no part of a running plugin.

One function that this project's plugin does not call imports it, and with it the generators of
every language and Google's cloud SDK: a quarter of the provider's compilation.
"""

from pathlib import Path
from typing import Final

from local.engine import copies

MODULE: Final = "github.com/pulumi/pulumi-terraform-bridge/v3"
_LEFT_OUT: Final = frozenset(
    {
        Path("pkg/pf/tfbridge/provider_mux.go"),  # NewMuxProvider, for plugins within plugins
        Path("pkg/pf/tfgen"),
        Path("pkg/tf2pulumi"),
        Path("pkg/tfgen"),
    }
)


def copy(module: Path, target: Path) -> None:
    """Copy what a plugin needs of *module* to *target*."""
    copies.sources(
        module,
        target,
        ("internal", "pkg", "unstable"),
        lambda folder, name: folder / name in _LEFT_OUT,
    )

"""Packages import only what docs/architecture.md allows."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.infra.conftest import ROOT

PACKAGES = ("sandbox_client", "infra", "ami", "policies", "sandbox", "local")
ALLOWED = {
    "sandbox_client": set(),
    "infra": set(),
    "policies": {"infra"},
    "ami": {"sandbox.core", "infra", "sandbox_client"},
    "local": set(),
}


def imports(folder: Path) -> Iterator[tuple[str, str]]:
    """The file and the module of each import of one of our packages."""
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                modules = [node.module, *(f"{node.module}.{name.name}" for name in node.names)]
            elif isinstance(node, ast.Import):
                modules = [name.name for name in node.names]
            else:
                continue
            for module in modules:
                if (module.split(".")[0] in PACKAGES and "." in module) or module in PACKAGES[:1]:
                    yield str(file.relative_to(ROOT)), module


def is_in(module: str, packages: set[str]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


@pytest.mark.parametrize("package", ALLOWED)
def test_a_package_imports_only_what_it_may(package: str) -> None:
    allowed = ALLOWED[package] | {package}
    assert [
        (file, module) for file, module in imports(ROOT / package) if not is_in(module, allowed)
    ] == []

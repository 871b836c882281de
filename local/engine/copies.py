"""Copies of Go modules to build from: writable, and without what no build reads."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

_TESTS: Final = frozenset({"testdata", "test-fixtures", "acctest", "tests"})


def sources(
    module: Path,
    target: Path,
    folders: Sequence[str],
    left_out: Callable[[Path, str], bool],
) -> None:
    """Copy *module*'s go.mod, go.sum, licence and *folders* to *target*.

    Tests stay behind, and each name in a folder of the module (given relative to it) that is
    *left_out*.
    """

    def ignore(folder: str, names: list[str]) -> set[str]:
        place = Path(folder).relative_to(module)
        return {
            name
            for name in names
            if name in _TESTS or name.endswith("_test.go") or left_out(place, name)
        }

    for folder in folders:
        shutil.copytree(module / folder, target / folder, ignore=ignore)
    for name in ("go.mod", "go.sum", "LICENSE"):
        shutil.copyfile(module / name, target / name)
    for file in target.rglob("*"):
        file.chmod(0o755 if file.is_dir() else 0o644)  # the module cache is read-only

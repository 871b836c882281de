"""Writable copies of Go modules, without the files that a build does not read."""

import shutil
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Final

_TESTS: Final = frozenset({"testdata", "test-fixtures", "acctest", "tests"})


def sources(
    module: Path,
    target: Path,
    folders: Sequence[str],
    left_out: Callable[[Path, str], bool],
    with_tests: Collection[Path] = (),
) -> None:
    """Copy *module*'s go.mod, go.sum, licence and *folders* to *target*.

    *left_out* gets a folder, relative to the module, and a name in it, and returns whether to leave
    that name out. Tests are left out too, but for those in the folders *with_tests*.
    """

    def ignored(folder: str, names: list[str]) -> set[str]:
        relative = Path(folder).relative_to(module)
        return {
            name
            for name in names
            if (_is_test(name) and relative not in with_tests) or left_out(relative, name)
        }

    for folder in folders:
        if not left_out(Path(), folder):
            shutil.copytree(module / folder, target / folder, ignore=ignored)
    for name in ("go.mod", "go.sum", "LICENSE"):
        shutil.copyfile(module / name, target / name)
    for path in target.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)  # the module cache is read-only


def _is_test(name: str) -> bool:
    return name in _TESTS or name.endswith("_test.go")


def rewrite(file: Path, change: Callable[[str], str]) -> None:
    """Replace the text of *file* by what *change* makes of it."""
    file.write_text(change(file.read_text()))

"""A run that is killed at one of its commands of pulumi, as if the machine had gone."""

import os
import shutil
from pathlib import Path


def path_that_kills(  # noqa: PLR0913 - a point in time is told by many things
    folder: Path, path: str, words: str, *, nth: int = 1, only_if: str = "true", done: bool = False
) -> str:
    """A PATH whose pulumi kills who calls it for the *nth* command that begins with *words*.

    Only those are counted for which the shell's *only_if* holds. The command itself is left out,
    or *done* first; all others are the real pulumi's.
    """
    folder.mkdir()
    real = shutil.which("pulumi", path=path)
    first = f'"{real}" "$@"; ' if done else ""
    (folder / "pulumi").write_text(
        "#!/bin/sh\n"
        f'case "$*" in "{words}"*) if {only_if}; then\n'
        f'  echo called >> "{folder}/calls"\n'
        f'  if [ "$(wc -l < "{folder}/calls")" -eq {nth} ]; then {first}kill -9 $PPID; exit 1; fi\n'
        "fi;; esac\n"
        f'exec "{real}" "$@"\n'
    )
    (folder / "pulumi").chmod(0o755)
    return f"{folder}{os.pathsep}{path}"

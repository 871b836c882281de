"""Kill a process when it runs a given command of pulumi, as if the machine crashed."""

import os
import shutil
from pathlib import Path


def path_that_kills(  # noqa: PLR0913 - many conditions describe a point in time
    folder: Path, path: str, words: str, *, nth: int = 1, only_if: str = "true", done: bool = False
) -> str:
    """A PATH whose pulumi kills its caller at the *nth* command that begins with *words*.

    Only commands for which the shell condition *only_if* holds count. The command itself runs only
    if *done*; every other command runs the real pulumi.
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

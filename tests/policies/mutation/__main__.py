"""Stands in for the program in previews: the program itself, with the mutant of the environment."""

import os
import sys
from pathlib import Path

REPOSITORY = Path(os.environ["REPOSITORY"])
sys.path.insert(0, str(REPOSITORY))

from tests.policies.mutation.apply import run  # noqa: E402 - the path comes first
from tests.policies.mutation.mutants import MUTANTS  # noqa: E402

name = os.environ.get("MUTANT", "")
run(MUTANTS[name] if name else None, REPOSITORY)

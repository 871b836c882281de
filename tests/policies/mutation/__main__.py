"""Runs the program with mutants applied. MUTANTS in the environment names them, one per line."""

import os
import sys
from pathlib import Path

REPOSITORY = Path(os.environ["REPOSITORY"])
sys.path.insert(0, str(REPOSITORY))

from tests.policies.mutation.apply import run  # noqa: E402 - the path comes first
from tests.policies.mutation.mutants import MUTANTS  # noqa: E402

run([MUTANTS[name] for name in os.environ["MUTANTS"].splitlines()], REPOSITORY)

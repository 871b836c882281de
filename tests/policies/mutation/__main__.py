"""Stands in for the program in previews: the program itself, with mutants applied.

MUTANTS in the environment names them, one a line.
"""

import os
import sys
from pathlib import Path

REPOSITORY = Path(os.environ["REPOSITORY"])
sys.path.insert(0, str(REPOSITORY))

from tests.policies.mutation.apply import run  # noqa: E402 - the path comes first
from tests.policies.mutation.mutants import MUTANTS  # noqa: E402

run([MUTANTS[one] for one in os.environ["MUTANTS"].splitlines()], REPOSITORY)

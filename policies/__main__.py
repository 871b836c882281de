"""Serves the pack to the engine, and nothing else.

The engine starts this with the pack's folder as the working directory and first on `sys.path`; the
pack imports itself, and the program's exact names, from the repository that it stands in.
"""

import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))

from pulumi_policy import PolicyPack  # noqa: E402 - the path comes first

from policies import config, exemptions, pack  # noqa: E402
from policies import secret_markers as marks
from policies.rules import RULES  # noqa: E402

marks.keep()
try:
    parameters = config.of_the_stack()
    accepted = exemptions.load(FOLDER / "exemptions.json", {rule.id for rule in RULES})
except ValueError as error:
    sys.exit(f"policies: {error}")
PolicyPack(pack.NAME, pack.policies(RULES, config.exempting(parameters, accepted)))

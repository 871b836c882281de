"""Serves the pack to the engine.

The engine starts this file with the pack's folder as the working directory and first on `sys.path`,
so this file puts the repository first, which holds the packages `policies` and `infra`.
"""

import sys
from dataclasses import replace
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))

from pulumi_policy import PolicyPack  # noqa: E402 - the path comes first

from policies import additions, config, exemptions, pack, secret_markers  # noqa: E402
from policies.rules import RULES  # noqa: E402

secret_markers.install_secret_markers()
try:
    parameters = replace(
        config.environment_parameters(),
        exemptions=exemptions.load(FOLDER / "exemptions.json", {rule.id for rule in RULES}),
        additions=additions.load(FOLDER / "additions.json"),
    )
except ValueError as error:
    sys.exit(f"policies: {error}")
rules_pack = pack.Pack(RULES, parameters)
pack.install_server(rules_pack)
PolicyPack(pack.NAME, rules_pack.policies())

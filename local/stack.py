"""The environment in which `pulumi`, boto3 and `aws` reach the local stack, and nothing else."""

import os
import secrets
import sys
from pathlib import Path

from local import clean_env as surroundings
from local.emulator import Emulator
from local.engine import Engine

REGION = "us-east-1"


def environment(engine: Engine, emulator: Emulator, state: Path) -> dict[str, str]:
    """All variables for a stack whose state is below *state*.

    Nothing of the user's own accounts comes along, and Pulumi's home is the project's own.
    """
    backend = state / "backend"
    backend.mkdir(parents=True, exist_ok=True)
    own = surroundings.clean()
    path = [str(Path(sys.executable).parent), str(engine.pulumi.parent), own.get("PATH", "")]
    return {
        **own,
        "PATH": os.pathsep.join(path),
        "PULUMI_HOME": str(engine.home),
        # without the side files, whose writing a killed engine leaves half done and cannot read
        "PULUMI_BACKEND_URL": f"file://{backend}?metadata=skip",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(_passphrase(state)),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "AWS_ENDPOINT_URL": emulator.endpoint,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
    }


def _passphrase(state: Path) -> Path:
    """A file with a passphrase of this state's own, for nobody else's eyes."""
    file = state / "passphrase"
    if not file.exists():
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as kept:
            kept.write(secrets.token_hex(32))
    return file

"""The environment variables that point `pulumi`, boto3 and `aws` at the local stack."""

import os
import re
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import boto3

from local import clean_env
from local.emulator import Emulator
from local.engine import Engine

NAME = "local"
"""The stack's name."""
PASSPHRASE = "passphrase"  # noqa: S105 - a file's name
PASSPHRASE_BYTES = 32
WHOLE_PASSPHRASE = re.compile(rb"[0-9a-f]{%d}" % (2 * PASSPHRASE_BYTES))
REGION = "us-east-1"
FEWER_COLLECTIONS = "400"  # for GOGC: a command ends soon, and collecting is a tenth of its work


def environment(engine: Engine, emulator: Emulator, state: Path) -> dict[str, str]:
    """All variables for a stack whose state lies below *state*.

    They hold no credentials of the user's accounts, and PULUMI_HOME belongs to the project.
    """
    backend = state / "backend"
    backend.mkdir(parents=True, exist_ok=True)
    inherited = clean_env.clean()
    path = [str(Path(sys.executable).parent), str(engine.pulumi.parent), inherited.get("PATH", "")]
    return {
        **inherited,
        "PATH": os.pathsep.join(path),
        "PULUMI_HOME": str(engine.home),
        # no metadata files: a killed engine leaves incomplete ones, which the next one cannot read
        "PULUMI_BACKEND_URL": f"file://{quote(str(backend))}?metadata=skip",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(_passphrase(state)),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "GOGC": FEWER_COLLECTIONS,
        "PULUMI_PARALLEL": "16",  # as on four cores: a step waits for AWS, not for a core
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "AWS_ENDPOINT_URL": emulator.endpoint,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
    }


@dataclass(frozen=True, slots=True)
class Credentials:
    """An identity's key in the emulated account."""

    key_id: str
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)

    def variables(self) -> dict[str, str]:
        """The environment variables that every SDK reads."""
        token = {"AWS_SESSION_TOKEN": self.token} if self.token else {}
        return {"AWS_ACCESS_KEY_ID": self.key_id, "AWS_SECRET_ACCESS_KEY": self.secret, **token}


def session(environment: Mapping[str, str], role_arn: str) -> Credentials:
    """A session of the role, as a pod of the service has it."""
    sts = boto3.client(
        "sts",
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        region_name=REGION,
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )
    answer = sts.assume_role(RoleArn=role_arn, RoleSessionName="service")["Credentials"]
    return Credentials(answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"])


def _passphrase(state: Path) -> Path:
    """The file with this state's own passphrase, which only its owner can read."""
    file = state / PASSPHRASE
    if not file.exists():
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(secrets.token_hex(PASSPHRASE_BYTES))
    return file

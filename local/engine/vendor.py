"""Download from the vendor, which is minutes faster than a build."""

import os
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Final

from local.engine import pins
from local.engine.errors import EngineError
from local.engine.log import log

SITE: Final = "https://get.pulumi.com/"
_REACHABLE_SECONDS: Final = 3
_DOWNLOAD_SECONDS: Final = 300


def command(cache: Path) -> Path:
    return cache / f"vendor-{pins.CLI}" / "bin" / "pulumi"


def reachable() -> bool:
    """Whether the vendor's site answers within seconds, through the user's proxy if any."""
    try:
        with urllib.request.urlopen(
            urllib.request.Request(SITE, method="HEAD"),
            timeout=_REACHABLE_SECONDS,
        ):
            return True
    except urllib.error.HTTPError:
        return True  # an error is an answer too
    except OSError:
        return False


def fetch(cache: Path) -> Path:
    """Download the published command and its host with the vendor's install script.

    Raises:
        EngineError: the download failed.
    """
    from pulumi.automation import PulumiCommand  # noqa: PLC0415 - slow, and rarely needed
    from semver import VersionInfo  # noqa: PLC0415 - the same

    root = command(cache).parents[1]
    log(f"downloading Pulumi {pins.CLI} from {SITE}")
    try:
        PulumiCommand.install(root=str(root), version=VersionInfo.parse(pins.CLI))
    except Exception as error:
        raise EngineError(
            f"Pulumi {pins.CLI} could not be downloaded from {SITE}: {error}"
        ) from error
    return command(cache)


def provider(pulumi: Path, home: Path) -> None:
    """Download the published AWS provider into *home*, a PULUMI_HOME.

    Raises:
        EngineError: the download failed.
    """
    log(f"downloading the published AWS provider {pins.PROVIDER}")
    environment = {**os.environ, "PULUMI_HOME": str(home), "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        subprocess.run(
            [pulumi, "plugin", "install", "resource", "aws", pins.PROVIDER],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_DOWNLOAD_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise EngineError(f"the published AWS provider could not be downloaded: {error}") from error

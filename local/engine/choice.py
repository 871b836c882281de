"""Choose an engine; download or build it if necessary."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from local.engine import build, pins, vendor
from local.engine.errors import EngineError
from local.engine.lock import held
from local.engine.log import log
from local.engine.paths import cache as cache_folder
from local.engine.paths import fingerprint


@dataclass(frozen=True, slots=True)
class Engine:
    """A `pulumi` with its Python host beside it, and a PULUMI_HOME with the AWS provider."""

    pulumi: Path
    home: Path


def ensure() -> Engine:
    """Find, download or build the engine.

    Raises:
        EngineError: no way is possible on this machine.
    """
    cache = cache_folder()
    users_own = on_path(cache)
    if engine := _existing(cache, users_own):
        return engine
    with held(cache):
        if engine := _existing(cache, users_own):  # another process built it meanwhile
            return engine
        return _create(cache, users_own)


def on_path(cache: Path) -> Path | None:
    """The user's own `pulumi`, if it is recent enough and has its Python host beside it."""
    folders = os.environ.get("PATH", "").split(os.pathsep)
    path = os.pathsep.join(folder for folder in folders if not Path(folder).is_relative_to(cache))
    command = shutil.which("pulumi", path=path)
    if command is None or shutil.which("pulumi-language-python", path=path) is None:
        return None
    version = _version(command)
    if version < pins.OLDEST:
        oldest = ".".join(map(str, pins.OLDEST))
        log(f"{command} is older than {oldest}; using another engine")
        return None
    return Path(command)


def _version(command: str) -> tuple[int, ...]:
    completed = subprocess.run(
        [command, "version"],
        env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true", "PULUMI_HOME": os.devnull},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    match = re.match(r"v?(\d+)\.(\d+)\.(\d+)", completed.stdout)
    return tuple(map(int, match.groups())) if match else ()


def _homes(cache: Path) -> tuple[Path, Path]:
    """The PULUMI_HOME with the published provider, and the one with the provider built here."""
    return cache / f"home-{pins.PROVIDER}", cache / f"home-{fingerprint('provider')}"


def _existing(cache: Path, users_own: Path | None) -> Engine | None:
    built = cache / f"engine-{fingerprint('cli', 'host')}" / "pulumi"
    for command in (users_own, vendor.command(cache), built):
        for home in _homes(cache):
            if command and command.exists() and _plugin(home).exists():
                return Engine(command, home)
    return None


def _plugin(home: Path) -> Path:
    return home / "plugins" / f"resource-aws-v{pins.PROVIDER}" / "pulumi-resource-aws"


def _create(cache: Path, users_own: Path | None) -> Engine:
    published, built = _homes(cache)
    if vendor.reachable():
        try:
            command = users_own or vendor.fetch(cache)
            vendor.provider(command, published)
        except EngineError as error:
            log(f"{error}; building instead")
        else:
            return Engine(command, published)
    wanted = (build.PROVIDER,) if users_own else (build.HOST, build.COMMAND, build.PROVIDER)
    build.parts(cache, wanted)
    command = users_own or build.joined(cache) / "pulumi"
    if not _plugin(built).exists():  # otherwise only another part of the engine is new
        _install(build.PROVIDER.home(cache) / build.PROVIDER.program, built)
    return Engine(command, built)


def _install(provider: Path, home: Path) -> None:
    """Put the plugin where the engine looks for it, in one step."""
    partial = home.with_name(f"{home.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    plugin = _plugin(partial)
    plugin.parent.mkdir(parents=True)
    os.link(provider, plugin)
    partial.rename(home)

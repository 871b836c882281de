"""Choose an engine, and have it stand when the function returns."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from local.engine import build, pins, vendor
from local.engine.errors import EngineError
from local.engine.lock import held
from local.engine.log import say
from local.engine.paths import cache as cache_folder
from local.engine.paths import fingerprint


@dataclass(frozen=True, slots=True)
class Engine:
    """A `pulumi` with its Python host beside it, and a PULUMI_HOME with the AWS provider."""

    pulumi: Path
    home: Path


def ensure() -> Engine:
    """Find, fetch or build the engine.

    Raises:
        EngineError: none can be had here.
    """
    cache = cache_folder()
    own = on_path(cache)
    if found := _standing(cache, own):
        return found
    with held(cache):
        if found := _standing(cache, own):  # another process made it meanwhile
            return found
        return _make(cache, own)


def on_path(cache: Path) -> Path | None:
    """The user's own `pulumi`, if it is new enough and has its Python host."""
    folders = os.environ.get("PATH", "").split(os.pathsep)
    path = os.pathsep.join(one for one in folders if not Path(one).is_relative_to(cache))
    command = shutil.which("pulumi", path=path)
    if command is None or shutil.which("pulumi-language-python", path=path) is None:
        return None
    version = _version(command)
    if version < pins.OLDEST:
        oldest = ".".join(map(str, pins.OLDEST))
        say(f"{command} is older than {oldest}; taking another")
        return None
    return Path(command)


def _version(command: str) -> tuple[int, ...]:
    done = subprocess.run(
        [command, "version"],
        env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true", "PULUMI_HOME": os.devnull},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.match(r"v?(\d+)\.(\d+)\.(\d+)", done.stdout)
    return tuple(map(int, found.groups())) if found else ()


def _homes(cache: Path) -> tuple[Path, Path]:
    """PULUMI_HOME with the published provider, and with the one built here."""
    return cache / f"home-{pins.PROVIDER}", cache / f"home-{fingerprint('provider')}"


def _standing(cache: Path, own: Path | None) -> Engine | None:
    built = cache / f"engine-{fingerprint('cli', 'host')}" / "pulumi"
    for command in (own, vendor.command(cache), built):
        for home in _homes(cache):
            if command and command.exists() and _plugin(home).exists():
                return Engine(command, home)
    return None


def _plugin(home: Path) -> Path:
    return home / "plugins" / f"resource-aws-v{pins.PROVIDER}" / "pulumi-resource-aws"


def _make(cache: Path, own: Path | None) -> Engine:
    published, ours = _homes(cache)
    if vendor.reachable():
        try:
            command = own or vendor.fetch(cache)
            vendor.provider(command, published)
        except EngineError as error:
            say(f"{error}; building instead")
        else:
            return Engine(command, published)
    wanted = (build.PROVIDER,) if own else (build.HOST, build.COMMAND, build.PROVIDER)
    build.parts(cache, wanted)
    command = own or build.joined(cache) / "pulumi"
    _install(build.PROVIDER.home(cache) / build.PROVIDER.program, ours)
    return Engine(command, ours)


def _install(provider: Path, home: Path) -> None:
    """Lay the plugin where the engine looks for it; whole or not at all."""
    partial = home.with_name(f"{home.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    plugin = _plugin(partial)
    plugin.parent.mkdir(parents=True)
    os.link(provider, plugin)
    partial.rename(home)

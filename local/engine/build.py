"""Build the engine from its sources: three Go modules, compiled into the cache one by one.

A part gets its final name in the cache only when it is complete. So an interrupted build continues
with the unfinished part, and keeps the modules and packages that it already has.
"""

import json
import os
import shutil
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from local.engine import go, paths, pins, provider_bridge, provider_sources, pulumi_command
from local.engine.errors import EngineError
from local.engine.lock import held
from local.engine.log import log
from local.engine.paths import SOURCE, fingerprint

_PULUMI: Final = "github.com/pulumi/pulumi"
_VERSION: Final = f"-X {_PULUMI}/sdk/v3/go/common/version.Version={pins.CLI}"
_SCRIPTS: Final = (
    "python/cmd/pulumi-language-python-exec",
    "python/dist/pulumi-resource-pulumi-python",
)


Make = Callable[[go.Go, Path, Path, Path], None]
"""Gets Go, the provider's module, a folder for a copy of it, and the folder to fill."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One module of source/ and the program built from it."""

    folder: str
    package: str
    program: str
    title: str
    link: str

    def home(self, cache: Path) -> Path:
        return cache / f"{self.folder}-{fingerprint(self.folder)}"


COMMAND: Final = Part(
    folder="cli",
    package=f"{_PULUMI}/pkg/v3/cmd/pulumi",
    program="pulumi",
    title=f"Pulumi's command {pins.CLI}",
    link=_VERSION,
)
HOST: Final = Part(
    folder="host",
    package=".",
    program="pulumi-language-python",
    title="its Python host",
    link=_VERSION,
)
PROVIDER: Final = Part(
    folder="provider",
    package=".",
    program="pulumi-resource-aws",
    title=f"the AWS provider for pulumi-aws {pins.PROVIDER}",
    link=f"-X main.version={pins.PROVIDER}",
)
_FILTERS: Final = {
    COMMAND: {"command": pulumi_command},
    PROVIDER: {"bridge": provider_bridge, "upstream": provider_sources},
}
"""The modules that are built from a filtered copy, by the copy's folder."""


def parts(cache: Path, wanted: tuple[Part, ...]) -> None:
    """Build the missing ones of *wanted*; the caller holds the lock."""
    missing = [part for part in wanted if not part.home(cache).exists()]
    if not missing:
        return
    free = shutil.disk_usage(cache).free
    if free < pins.SPACE:
        raise EngineError(
            f"{cache}: has {free / 1024**3:.1f} GB of free disk, but a build needs "
            f"{pins.SPACE / 1024**3:.0f} GB; free some, or set XDG_CACHE_HOME to another disk"
        )
    work = cache / "work"
    work.mkdir(exist_ok=True)
    log(f"building in {cache}, once; about 5 minutes on two idle cores")
    tool = go.Go(go.find(cache), work)
    with ThreadPoolExecutor(
        max_workers=2
    ) as fetching:  # fetches the modules of the next parts meanwhile
        sources = [(part, fetching.submit(_prepare, tool, part, work)) for part in missing]
        try:
            for part, source in sources:
                _build(tool, part, source, cache)
        except BaseException:
            fetching.shutdown(wait=False, cancel_futures=True)
            raise
    shutil.rmtree(work)


def _prepare(tool: go.Go, part: Part, work: Path) -> Path:
    """Copy the part's module into a separate folder, and fetch everything that it imports."""
    folder = work / part.folder
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(SOURCE / part.folder, folder)
    for name, filtered in _FILTERS.get(part, {}).items():
        filtered.copy(module(tool, folder, filtered.MODULE), folder / name)
    tool.answer(folder, "list", "-deps", part.package)
    return folder


def module(tool: go.Go, folder: Path, path: str) -> Path:
    """The folder in the module cache of the module that *folder*'s go.mod requires by *path*."""
    lines = (folder / "go.mod").read_text().splitlines()
    words = next(line for line in lines if line.startswith(f"\t{path} ")).split()
    return _downloaded(tool, folder, "@".join(words[:2]))


def _downloaded(tool: go.Go, folder: Path, module: str) -> Path:
    """The folder of a module in the module cache; Go checks it against go.sum."""
    return Path(json.loads(tool.answer(folder, "mod", "download", "-json", module))["Dir"])


def _build(tool: go.Go, part: Part, source: "Future[Path]", cache: Path) -> None:
    if not source.done():
        log(f"fetching the modules of {part.title}")
    folder = source.result()
    partial = cache / f"{part.folder}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    tool.build(folder, part.package, to=partial / part.program, link=part.link, title=part.title)
    if part is COMMAND:
        sdk = _downloaded(tool, folder, f"{_PULUMI}/sdk/v3@v{pins.CLI}")
        for script in _SCRIPTS:
            shutil.copyfile(sdk / script, partial / Path(script).name)
            (partial / Path(script).name).chmod(0o755)
    partial.rename(part.home(cache))


def from_provider(name: str, recipe: Path, make: Make) -> Path:
    """The folder of *name* in the cache, which *make* fills from the provider's sources, once.

    A change of the provider, or of *recipe*, the file that defines *make*, fills another one.
    """
    digest = sha256(recipe.read_bytes() + fingerprint("provider").encode()).hexdigest()
    home = paths.cache() / f"{name}-{digest[:12]}"
    if home.exists():
        return home
    with held(paths.cache()):
        if not home.exists():
            work = paths.cache() / "work"
            work.mkdir(exist_ok=True)
            tool = go.Go(go.find(paths.cache()), work)
            source = module(tool, SOURCE / "provider", provider_sources.MODULE)
            target, partial = work / name, home.with_name(f"{name}.partial")
            for folder in (target, partial):
                shutil.rmtree(folder, ignore_errors=True)
            make(tool, source, target, partial)
            partial.rename(home)
            shutil.rmtree(work)
    return home


def joined(cache: Path) -> Path:
    """One folder for PATH with the built command, its host and its scripts."""
    folder = cache / f"engine-{fingerprint('cli', 'host')}"
    if not folder.exists():
        partial = cache / "engine.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        for part in (COMMAND, HOST):
            for file in part.home(cache).iterdir():
                os.link(file, partial / file.name)  # a hard link costs no disk
        partial.rename(folder)
    return folder

"""HashiCorp's own acceptance tests of the AWS provider, compiled from the provider's module.

The tests and their helper package import more services than the plugin, so they get a copy of the
module with these services. Each tested service becomes one test program in the cache, beside the
files that its tests read and a list of the tests of each resource type.
"""

import json
import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from local.engine import build, go, module_copies, provider_sources
from local.engine.log import log

TESTED: Final = ("budgets", "ce", "ec2", "iam", "logs")
"""The provider's packages with the resources that the program makes."""
TESTS: Final = "tests.json"
"""The file in a service's folder with the names of the tests of each resource type."""
_HELPERS: Final = Path("internal/acctest")
_WITH_CLIENTS: Final = ("acctest", "conns", "service", "tags")
"""The folders below internal/ whose packages call AWS."""
_CLIENTS: Final = "awsclient_gen.go"
_TEST_DATA: Final = ("testdata", "test-fixtures")
_RESOURCE: Final = re.compile(r'^// @(?:SDK|Framework)Resource\("(\w+)"', re.MULTILINE)
_TEST: Final = re.compile(r"^func (TestAcc\w+)\(t \*testing\.T\)", re.MULTILINE)
_TEST_FILES: Final = ("_test", "_identity_gen_test", "_list_test", "_tags_gen_test")
"""The ending of a file with a resource's tests; its start is the name of the resource's file."""


def ensure() -> Path:
    """The folder with one folder for each tested service; build it if it is missing.

    Raises:
        EngineError: the build is not possible on this machine.
    """
    return build.from_provider("acceptance", Path(__file__), _compile)


def _compile(tool: go.Go, module: Path, target: Path, partial: Path) -> None:
    log("compiling HashiCorp's tests of the provider, once; some 10 minutes on two idle cores")
    copy(module, target)
    for service in TESTED:
        package = target / provider_sources.SERVICES_FOLDER / service
        folder = partial / service
        folder.mkdir(parents=True)
        tool.compile_tests(target, f"./{package.relative_to(target)}", to=folder / service)
        for name in _TEST_DATA:
            if (package / name).exists():
                shutil.copytree(package / name, folder / name)
        (folder / TESTS).write_text(json.dumps(tests_of(package)), encoding="utf-8")


def copy(module: Path, target: Path) -> None:
    """Copy what the tests need from *module* to *target*, which becomes a separate module."""
    services = _services(module)
    tested = {provider_sources.SERVICES_FOLDER / service for service in TESTED}
    module_copies.sources(
        module,
        target,
        provider_sources.FOLDERS,
        lambda folder, name: provider_sources.left_out(folder, name, services),
        with_tests={*tested, Path("internal")},
    )
    sources = [
        file
        for name in _WITH_CLIENTS
        for file in (target / "internal" / name).rglob("*.go")
        if file.name != _CLIENTS
    ]
    provider_sources.keep_only(target, services, _imported(provider_sources.SDK, sources))


def _services(module: Path) -> frozenset[str]:
    """The provider's packages that the tests import, directly or indirectly."""
    folder = module / provider_sources.SERVICES_FOLDER
    tests = (file for service in TESTED for file in (folder / service).glob("*_test.go"))
    services = provider_sources.SERVICES | _imported(provider_sources.PACKAGE, tests)
    services |= _imported(provider_sources.PACKAGE, (module / _HELPERS).rglob("*.go"))
    while more := _imported_by(folder, services) - services:
        services |= more
    return services


def _imported_by(folder: Path, services: Iterable[str]) -> frozenset[str]:
    files = (file for service in services for file in (folder / service).glob("*.go"))
    return _imported(provider_sources.PACKAGE, (file for file in files if not _is_test(file)))


def _imported(pattern: re.Pattern[str], files: Iterable[Path]) -> frozenset[str]:
    return frozenset(name for file in files for name in pattern.findall(file.read_text()))


def _is_test(file: Path) -> bool:
    return file.name.endswith("_test.go")


def tests_of(package: Path) -> Mapping[str, list[str]]:
    """The tests of each resource type of *package*."""
    return {
        resource: [
            test
            for end in _TEST_FILES
            if (file := package / f"{source.stem.rstrip('_')}{end}.go").exists()
            for test in _TEST.findall(file.read_text())
        ]
        for source in sorted(package.glob("*.go"))
        if not _is_test(source)
        for resource in _RESOURCE.findall(source.read_text())
    }

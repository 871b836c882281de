"""The parts of pulumi_aws that the program uses, each imported module by module.

`pulumi_aws.ec2` runs 180 modules as soon as one name of it is used, of which this program needs
eleven. The packages here stand in for the real ones: they look a name up in the module that defines
it, and run only that. `make bench` shows what it saves.
"""

import gc
import importlib
import re
import sys
from importlib.abc import Loader
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import module_from_spec
from threading import Thread
from types import ModuleType
from typing import TYPE_CHECKING, Final, cast

import pulumi_aws

if TYPE_CHECKING:
    from pulumi_aws import cloudwatch, ec2, iam, vpc

_NEEDED: Final = {
    "cloudwatch": ("LogGroup",),
    "ec2": ("FlowLog", "RouteTable", "SecurityGroup", "Subnet", "Vpc", "VpcEndpoint"),
    "iam": ("AccessKey", "InstanceProfile", "Policy", "Role", "User"),
    "vpc": ("SecurityGroupEgressRule", "SecurityGroupIngressRule"),
}
"""The larger of what every update uses; a name that is missing here is found when it is used."""
_WORD: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class _Package(ModuleType):
    """A package of pulumi_aws that runs its modules one by one, when their names are used."""

    def __init__(self, real: ModuleSpec) -> None:
        super().__init__(real.name)
        self.__spec__ = self._real = real
        self.__path__ = real.submodule_search_locations or []

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        module = _WORD.sub("_", name).lower()
        try:
            found = importlib.import_module(f"{self.__name__}.{module}")
        except ModuleNotFoundError:  # not named after its module, so all of the package has to run
            whole = module_from_spec(self._real)
            cast("Loader", self._real.loader).exec_module(whole)
            self.__dict__.update(vars(whole))
            return getattr(whole, name)
        return getattr(found, name, found) if module == name else getattr(found, name)


def _package(name: str) -> ModuleType:
    full = f"pulumi_aws.{name}"
    if type(sys.modules.get(full)) is ModuleType:  # all of it runs already
        return sys.modules[full]
    real = PathFinder.find_spec(full, pulumi_aws.__path__)
    package = sys.modules[full] = _Package(cast("ModuleSpec", real))
    setattr(pulumi_aws, name, package)
    return package


if not TYPE_CHECKING:
    cloudwatch, ec2, iam, vpc = map(_package, ("cloudwatch", "ec2", "iam", "vpc"))

__all__ = ["ahead", "cloudwatch", "ec2", "iam", "vpc"]


def ahead() -> Thread:
    """Import what every update uses while somebody else waits, for the provider to start, say.

    The garbage collector rests from here on: in a program of seconds it finds little garbage, and
    looks through some ten thousand classes for it.
    """
    gc.disable()
    thread = Thread(target=_import)
    thread.start()
    return thread


def _import() -> None:
    for package, names in _NEEDED.items():
        for name in names:
            getattr(sys.modules[f"pulumi_aws.{package}"], name)

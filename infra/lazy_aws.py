"""The packages of pulumi_aws that the program uses, imported submodule by submodule.

At the first use of a name, pulumi_aws imports the whole package: 180 submodules of
`pulumi_aws.ec2`, of which this program needs eleven. Here, accessing a name imports only the
submodule that defines it. A name that has no submodule of its own imports the whole package, as
pulumi_aws does. `make bench` shows what this saves.
"""

import gc
import importlib
import re
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from threading import Thread
from types import ModuleType
from typing import Final, cast

from pulumi_aws import cloudwatch, ec2, iam, vpc

_NEEDED: Final = {
    cloudwatch: ("LogGroup",),
    ec2: ("FlowLog", "RouteTable", "SecurityGroup", "Subnet", "Vpc", "VpcEndpoint"),
    iam: ("AccessKey", "InstanceProfile", "Policy", "Role", "User"),
    vpc: ("SecurityGroupEgressRule", "SecurityGroupIngressRule"),
}
"""The slowest imports that every update needs. Other names are imported on first use."""
_WORD_START: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class _LazyPackage(ModuleType):
    """A package of pulumi_aws that imports only the submodules that are asked for."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        module_name = _WORD_START.sub("_", name).lower()
        try:
            module = importlib.import_module(f"{self.__name__}.{module_name}")
        except ModuleNotFoundError:  # the name has no submodule of its own
            return getattr(_load(self), name)
        value = getattr(module, name, module) if module_name == name else getattr(module, name)
        setattr(self, name, value)  # a function replaces the submodule of the same name
        return value


def _load(package: ModuleType) -> ModuleType:
    """Import all of *package*, which then is an ordinary module."""
    package.__class__ = ModuleType
    spec = cast("ModuleSpec", package.__spec__)
    cast("Loader", spec.loader).exec_module(package)
    return package


for _package in _NEEDED:
    if type(_package) is not ModuleType:  # not imported yet
        _package.__class__ = _LazyPackage  # pyrefly: ignore[missing-attribute] - it becomes a lazy package

__all__ = ["cloudwatch", "ec2", "iam", "import_in_background", "vpc"]


def import_in_background() -> Thread:
    """Import what every update needs while the provider starts.

    Then freeze the imported objects: the last collection, when Python ends, need not walk them.
    """
    thread = Thread(target=_import_needed)
    thread.start()
    return thread


def _import_needed() -> None:
    for package, names in _NEEDED.items():
        for name in names:
            getattr(package, name)
    gc.freeze()

"""The packages of pulumi_aws that the program uses, run module by module.

pulumi_aws runs a package when its first name is used: 180 modules of `pulumi_aws.ec2`, of which
this program needs eleven. Here a name runs the module that defines it, and nothing else; a name
that is not found so runs the package, as ever. `make bench` shows what it saves.
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
"""The larger of what every update uses; a name that is missing here is found when it is used."""
_WORD: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class _ByName(ModuleType):
    """A package of pulumi_aws that runs no more of itself than is asked for."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        module = _WORD.sub("_", name).lower()
        try:
            found = importlib.import_module(f"{self.__name__}.{module}")
        except ModuleNotFoundError:  # not named after its module, so all of the package has to run
            return getattr(_run(self), name)
        value = getattr(found, name, found) if module == name else getattr(found, name)
        setattr(self, name, value)  # a function, where Python has just put its module of that name
        return value


def _run(package: ModuleType) -> ModuleType:
    """Run all of *package*, which then is what it would have been."""
    package.__class__ = ModuleType
    spec = cast("ModuleSpec", package.__spec__)
    cast("Loader", spec.loader).exec_module(package)
    return package


for package in _NEEDED:
    if type(package) is not ModuleType:  # still lazy
        package.__class__ = _ByName

__all__ = ["ahead", "cloudwatch", "ec2", "iam", "vpc"]


def ahead() -> Thread:
    """Import what every update uses while somebody else waits, for the provider to start, say.

    The garbage collector rests from here on, and looks at none of the imported classes, also not
    when the interpreter ends: in a program of seconds it finds little garbage among ten thousands.
    """
    gc.disable()
    thread = Thread(target=_import)
    thread.start()
    return thread


def _import() -> None:
    for package, names in _NEEDED.items():
        for name in names:
            getattr(package, name)
    gc.freeze()

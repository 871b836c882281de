"""What a service needs to launch sandboxes: the stack's configuration, requests, and a client.

    from sandbox_client import Sandboxes, SandboxConfig

    sandboxes = Sandboxes(SandboxConfig.from_environment())
    sandboxes.launch("alice")

It needs pydantic. `Sandbox` and `Sandboxes` need boto3 too, which is imported only when one of them
is used.
"""

from typing import TYPE_CHECKING, Any

from sandbox_client.config import MetadataOptions, SandboxConfig, SandboxConfigError, Subnet
from sandbox_client.launch import launch_request

if TYPE_CHECKING:
    from sandbox_client.client import Sandbox, Sandboxes

__version__ = "0.1.0"
__all__ = [
    "MetadataOptions",
    "Sandbox",
    "SandboxConfig",
    "SandboxConfigError",
    "Sandboxes",
    "Subnet",
    "__version__",
    "launch_request",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a class of the client
    if name in {"Sandbox", "Sandboxes"}:
        from sandbox_client import client  # noqa: PLC0415 - only the client needs boto3

        return getattr(client, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""Find the public address of this computer, which the build machine admits."""

from __future__ import annotations

import urllib.request
from typing import Final

from ami.errors import PlanError

ADDRESS_SERVICE: Final = "https://checkip.amazonaws.com"
"""AWS answers with the address that the request came from."""
REQUESTS: Final = 3
"""A network with several public addresses may use another one for each connection."""


def public_address() -> str:
    """The address of this computer as AWS sees it, without a proxy, since SSH uses none.

    Raises:
        PlanError: AWS did not answer within 10 seconds, or it saw several addresses.
    """
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    addresses: set[str] = set()
    try:
        for _ in range(REQUESTS):
            with direct.open(ADDRESS_SERVICE, timeout=10) as answer:
                addresses.add(answer.read(64).decode().strip())
    except OSError as error:
        proxy = " without the proxy, and SSH does not use it" if _has_proxy() else ""
        raise PlanError(
            f"the public address of this computer is unknown: {ADDRESS_SERVICE} cannot be reached"
            f"{proxy} ({error}); name it with --ssh-from, for example --ssh-from 203.0.113.7/32"
        ) from error
    if len(addresses) > 1:
        raise PlanError(
            f"this computer has several public addresses ({', '.join(sorted(addresses))}); name a "
            "network that contains them all with --ssh-from, for example --ssh-from 203.0.113.0/28"
        )
    return addresses.pop()


def _has_proxy() -> bool:
    return bool(urllib.request.getproxies().keys() & {"http", "https", "all"})

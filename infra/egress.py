"""Outbound rules in the form of the setting `allowed_egress`: `tcp 443 0.0.0.0/0`."""

import re
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Final, Self

from infra.addresses import IPNetwork

PROTOCOLS: Final = {"all": "-1", "tcp": "tcp", "udp": "udp", "icmp": "icmp"}
"""EC2's name of each protocol, by the setting's."""
_SETTINGS_NAMES: Final = {protocol: name for name, protocol in PROTOCOLS.items()}
WITH_PORTS: Final = frozenset({"tcp", "udp"})
HIGHEST_PORT: Final = 65_535
EVERY_TYPE: Final = -1
"""Of ICMP messages."""
FORM: Final = "write tcp 443 0.0.0.0/0, udp 1024-65535 10.0.0.0/8, icmp ::/0 or all 0.0.0.0/0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Egress:
    """Traffic that may leave an instance."""

    protocol: str
    ports: tuple[int, int] | None
    """First and last; None where the protocol has none."""
    cidr: IPNetwork

    @classmethod
    def of(cls, text: str) -> Self:
        """The rule in *text*.

        Raises:
            ValueError: *text* is not a rule.
        """
        match text.split():
            case [("all" | "icmp") as protocol, cidr]:
                ports = None
            case [("tcp" | "udp") as protocol, written, cidr]:
                ports = _ports(written)
            case _:
                raise ValueError(f"{text or 'an empty text'} is not an outbound rule; {FORM}")
        try:
            return cls(protocol=protocol, ports=ports, cidr=ip_network(cidr))
        except ValueError as error:
            raise ValueError(f"{text}: {error}; {FORM}") from None

    @property
    def is_everything(self) -> bool:
        """Whether it is the rule of a group that does not limit outbound traffic."""
        return self.protocol == "all" and str(self.cidr) == "0.0.0.0/0"

    @property
    def bounds(self) -> tuple[int, int] | None:
        """The first and last port in EC2's form: -1 for every type of ICMP."""
        return (EVERY_TYPE, EVERY_TYPE) if self.protocol == "icmp" else self.ports

    def __str__(self) -> str:
        return " ".join(filter(None, (self.protocol, self._written_ports, str(self.cidr))))

    @property
    def _written_ports(self) -> str:
        if not self.ports:
            return ""
        first, last = self.ports
        return str(first) if first == last else f"{first}-{last}"

    def covers(self, other: Self) -> bool:
        """Whether *other* lets out nothing more."""
        if self.cidr.version != other.cidr.version:
            return False
        inside = other.cidr.subnet_of(self.cidr)  # pyrefly: ignore[bad-argument-type] - the versions are equal
        if not inside or self.protocol == "all":
            return inside
        if self.protocol != other.protocol:
            return False
        if not (self.ports and other.ports):
            return True
        return self.ports[0] <= other.ports[0] and other.ports[1] <= self.ports[1]


def protocol_name(protocol: str) -> str:
    """The setting's name of EC2's *protocol*; a protocol that the setting lacks keeps EC2's."""
    return _SETTINGS_NAMES.get(protocol, protocol)


def _ports(text: str) -> tuple[int, int]:
    if not re.fullmatch(r"\d{1,5}(-\d{1,5})?", text):
        raise ValueError(f"{text} is not a port or a range of ports; {FORM}")
    first, _, last = text.partition("-")
    ports = int(first), int(last or first)
    if not ports[0] <= ports[1] <= HIGHEST_PORT:
        raise ValueError(f"{text} is not a range of ports from 0 to {HIGHEST_PORT}; {FORM}")
    return ports

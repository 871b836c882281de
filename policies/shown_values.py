"""Shows a value in a message only if its form excludes a key, a password or a token.

The pack sees every secret of a stack, and the log of a pipeline holds its messages. So a message
may hold networks, ports, IAM actions, ARNs and regions, but no free text.
"""

import re
from ipaddress import ip_network
from typing import Any, Final

from policies.secret_markers import REDACTED, SecretNumber, SecretText

HIDDEN: Final = "(not shown)"
SAFE_FORMS: Final = re.compile(
    r"""
      \*
    | [a-z0-9-]{1,32}:[A-Z][A-Za-z*?]{0,48} | [a-z0-9-]{1,32}:\*            # an action
    | arn:[a-z-]{1,12}:[a-z0-9-]{1,32}:[a-z0-9*-]{0,20}:[0-9*]{0,12}(?:aws)?:[\w*?/:.-]{1,32}
    | [a-z]{2}(?:-[a-z]+){1,3}-\d[a-z]?                                     # a region or zone
    | (?:vpc|subnet|igw|rtb|sg|pl|eni|nat|tgw|pcx|vgw|vpce|ami|snap)-[0-9a-f]{8,17}
    | (?:[a-z0-9-]{1,30}\.){1,3}amazonaws\.com
    | com\.amazonaws\.[a-z0-9.-]{1,40}
    | tcp|udp|icmp|icmpv6|all|-1|\d{1,5}|true|false
    | required|optional|disabled|enabled|unblocked|Gateway|Interface|GatewayLoadBalancer
    | ALL|ACCEPT|REJECT|Active|Inactive
    """,
    re.VERBOSE,
)


def show(value: Any) -> str:  # noqa: ANN401 - a property may be anything
    """The value for a message, or a placeholder if it may be a secret."""
    if isinstance(value, SecretText | SecretNumber):
        return REDACTED
    if isinstance(value, bool | int | float):
        return str(value).lower().removesuffix(".0")
    if not isinstance(value, str):
        return HIDDEN
    if SAFE_FORMS.fullmatch(value):
        return value
    try:
        return str(ip_network(value, strict=False))
    except ValueError:
        return HIDDEN if value else '""'

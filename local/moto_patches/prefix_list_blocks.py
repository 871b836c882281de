"""A prefix list of AWS has its blocks. moto 5.2.5 lists none.

The provider shows the blocks of the list that a gateway endpoint routes.
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_PrefixList.html
"""

from typing import Any

from moto.ec2.models.managed_prefixes import ManagedPrefixList


def install() -> None:
    moto: Any = ManagedPrefixList

    def cidrs(self: Any) -> list[str]:
        return [entry["Cidr"] for entry in next(reversed(self.entries.values()), ())]

    moto.cidrs = property(cidrs)

"""A request adds and removes at most 100 entries of a prefix list. moto 5.2.5 takes any number.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateManagedPrefixList.html (Entry.N)
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyManagedPrefixList.html
"""

from typing import Any, Final

from moto.ec2.exceptions import InvalidParameterValueError
from moto.ec2.responses import EC2Response

MOST_ENTRIES: Final = 100


def install() -> None:
    for operation, parameters in (
        ("create_managed_prefix_list", ("Entries",)),
        ("modify_managed_prefix_list", ("AddEntries", "RemoveEntries")),
    ):
        setattr(EC2Response, operation, _limited(getattr(EC2Response, operation), parameters))


def _limited(original: Any, parameters: tuple[str, ...]) -> Any:
    def limited(self: Any) -> Any:
        for parameter in parameters:
            if len(self._get_param(parameter, [])) > MOST_ENTRIES:
                raise InvalidParameterValueError(f"{parameter}: more than {MOST_ENTRIES} items")
        return original(self)

    return limited

"""A prefix list can change its size. moto 5.2.5 ignores the size and drops the list's name.

The provider changes the size in a separate call, before or after the entries.
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyManagedPrefixList.html
"""

from typing import Any

from moto.ec2.responses import EC2Response


def install() -> None:
    original = EC2Response.modify_managed_prefix_list

    def modify_managed_prefix_list(self: Any) -> Any:
        prefix_list = self.ec2_backend.managed_prefix_lists[self._get_param("PrefixListId")]
        name, size = prefix_list.prefix_list_name, self._get_param("MaxEntries")
        answer = original(self)
        prefix_list.prefix_list_name = self._get_param("PrefixListName") or name
        if size is not None:
            prefix_list.max_entries = size
        return answer

    EC2Response.modify_managed_prefix_list = modify_managed_prefix_list

"""Every attribute of a subnet that is not of an Outpost can change. moto 5.2.5 knows three of them.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifySubnetAttribute.html
"""

from typing import Any

from moto.ec2.models.subnets import Subnet
from moto.ec2.responses import EC2Response


def install() -> None:
    moto: Any = EC2Response
    model: Any = Subnet
    original = moto.modify_subnet_attribute

    def modify_subnet_attribute(self: Any) -> Any:
        answer = original(self)
        subnet = self.ec2_backend.get_subnet(self._get_param("SubnetId"))
        names = subnet.private_dns_name_options_on_launch
        if (kind := self._get_param("PrivateDnsHostnameTypeOnLaunch")) is not None:
            names["HostnameType"] = kind
        if (six := self._get_param("EnableResourceNameDnsAAAARecordOnLaunch.Value")) is not None:
            names["EnableResourceNameDnsAAAARecord"] = six
        if (dns64 := self._get_param("EnableDns64.Value")) is not None:
            subnet.enable_dns64 = dns64
        if (index := self._get_param("EnableLniAtDeviceIndex")) is not None:
            subnet.enable_lni_at_device_index = index
        if self._get_param("DisableLniAtDeviceIndex.Value"):
            subnet.enable_lni_at_device_index = None
        return answer

    model.enable_dns64, model.enable_lni_at_device_index = False, None
    moto.modify_subnet_attribute = modify_subnet_attribute

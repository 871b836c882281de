"""An endpoint has AWS's defaults, its interfaces and routes follow its changes, and it can go.

moto 5.2.5 fills in no type, address type, DNS options or group. Each interface endpoint has one DNS
name, its interfaces have addresses outside their subnets, and a change of subnets or route tables
changes neither interfaces nor routes. A deleted endpoint stays in the list.
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpcEndpoint.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyVpcEndpoint.html
https://docs.aws.amazon.com/vpc/latest/privatelink/privatelink-access-aws-services.html
"""

from collections.abc import Mapping
from typing import Any, Final

from moto.ec2.models import EC2Backend
from moto.ec2.models.vpcs import VPCEndPoint
from moto.ec2.responses import EC2Response

HOSTED_ZONE: Final = "Z7HUB22UULQXV"
"""The zone of the names of endpoints in us-east-1."""


def install() -> None:
    model: Any = VPCEndPoint
    backend: Any = EC2Backend
    moto: Any = EC2Response
    init, create, modify = model.__init__, moto.create_vpc_endpoint, moto.modify_vpc_endpoint
    delete = backend.delete_vpc_endpoints

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - replaces the class's own
        init(self, *args, **kwargs)
        self.vpc_endpoint_type = self.vpc_endpoint_type or "Gateway"

    def create_vpc_endpoint(self: Any) -> Any:
        answer = create(self)
        endpoint = answer.result["VpcEndpoint"]
        endpoint.ip_address_type = self._get_param("IpAddressType") or "ipv4"
        endpoint.service_region = self._get_param("ServiceRegion")
        endpoint.dns_options = {
            "DnsRecordIpType": endpoint.ip_address_type,
            "PrivateDnsOnlyForInboundResolverEndpoint": False,
            **self._get_param("DnsOptions", {}),
        }
        if endpoint.vpc_endpoint_type == "Interface":
            default = self.ec2_backend.get_default_security_group(endpoint.vpc_id)
            endpoint.security_group_ids = endpoint.security_group_ids or [default.id]
            for identity in endpoint.network_interface_ids:  # with addresses outside the subnets
                del self.ec2_backend.enis[identity]
            endpoint.network_interface_ids.clear()
            _attach(self.ec2_backend, endpoint, _addresses(self))
            _name(self.ec2_backend, endpoint)
        else:
            endpoint.private_dns_enabled = False
        return answer

    def modify_vpc_endpoint(self: Any) -> Any:
        account = self.ec2_backend
        endpoint = account.describe_vpc_endpoints([self._get_param("VpcEndpointId")])[0]
        answer = modify(self)
        if endpoint.vpc_endpoint_type == "Gateway":
            _route(account, endpoint)
        if endpoint.vpc_endpoint_type == "Interface":
            _attach(account, endpoint, _addresses(self))
            private = self._get_bool_param("PrivateDnsEnabled")
            endpoint.private_dns_enabled = (
                endpoint.private_dns_enabled if private is None else private
            )
            _name(account, endpoint)
        endpoint.ip_address_type = self._get_param("IpAddressType") or endpoint.ip_address_type
        endpoint.dns_options |= self._get_param("DnsOptions", {})
        return answer

    def delete_vpc_endpoints(self: Any, vpce_ids: Any = None) -> None:
        delete(self, vpce_ids)
        for identity in vpce_ids or ():
            self.vpc_end_points.pop(identity, None)

    model.__init__, backend.delete_vpc_endpoints = __init__, delete_vpc_endpoints
    moto.create_vpc_endpoint, moto.modify_vpc_endpoint = create_vpc_endpoint, modify_vpc_endpoint


def _route(backend: Any, endpoint: Any) -> None:
    """Let only the route tables of the gateway endpoint have a route to it."""
    target = {"destination_prefix_list_id": endpoint.destination_prefix_list_id}
    for table in backend.route_tables.values():
        wanted = table.id in endpoint.route_table_ids
        routed = any(route.gateway_id == endpoint.id for route in table.routes)
        if wanted and not routed:
            backend.create_route(table.id, None, gateway_id=endpoint.id, **target)
        if routed and not wanted:
            backend.delete_route(table.id, None, **target)


def _addresses(response: Any) -> dict[str, str]:
    """The address that the request wants for the interface in each subnet."""
    configurations = response._get_param("SubnetConfigurations", [])
    return {
        configuration["SubnetId"]: configuration["Ipv4"]
        for configuration in configurations
        if "Ipv4" in configuration
    }


def _attach(backend: Any, endpoint: Any, addresses: Mapping[str, str]) -> None:
    """Let the endpoint have one interface in each of its subnets, some with chosen *addresses*."""
    missing = dict.fromkeys(endpoint.subnet_ids)
    for identity in list(endpoint.network_interface_ids):
        interface = backend.enis[identity]
        subnet, address = interface.subnet.id, interface.private_ip_address
        if subnet in missing and addresses.get(subnet, address) == address:
            del missing[subnet]
        else:
            del backend.enis[identity]
            endpoint.network_interface_ids.remove(identity)
    for identity in missing:
        subnet = backend.get_subnet(identity)
        address = addresses.get(identity) or subnet.get_available_subnet_ip(None)
        interface = backend.create_network_interface(
            subnet, address, group_ids=endpoint.security_group_ids
        )
        interface.description = f"VPC Endpoint Interface {endpoint.id}"
        interface.interface_type = "vpc_endpoint"
        interface.requester_managed = True
        endpoint.network_interface_ids.append(interface.id)


def _name(backend: Any, endpoint: Any) -> None:
    """Name the endpoint in DNS: once for the region and once for each zone, and privately."""
    zones = sorted({backend.get_subnet(name).availability_zone for name in endpoint.subnet_ids})
    service = endpoint.service_name.removeprefix(f"com.amazonaws.{backend.region_name}.")
    base = f"{endpoint.id}-{endpoint.id[-8:]}"
    names = [
        f"{name}.{service}.{backend.region_name}.vpce.amazonaws.com"
        for name in (base, *(f"{base}-{zone}" for zone in zones))
    ]
    if endpoint.private_dns_enabled:
        names.append(f"{service}.{backend.region_name}.amazonaws.com")
    endpoint.dns_entries = [
        {"dns_name": name, "hosted_zone_id": HOSTED_ZONE} for name in names if zones
    ]

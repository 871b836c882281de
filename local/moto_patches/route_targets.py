"""A route to a target that is gone is a black hole, and the local route can change its target.

moto 5.2.5 calls every route active. It creates a route to an unknown gateway, even in the place of
the local one, and a replaced local route stays local. It names either the interface or the instance
that has it, and drops the prefix list of a route to an interface.
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Route.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ReplaceRoute.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
"""

from typing import Any, Final

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.internet_gateways import InternetGateway
from moto.ec2.models.route_tables import Route
from moto.ec2.responses import EC2Response
from moto.ec2.utils import generate_route_id

GATEWAYS: Final = ("igw-", "vgw-", "vpce-")
"""The starts of the ids that GatewayId accepts."""
DESTINATIONS: Final = (
    "DestinationPrefixListId",
    "DestinationIpv6CidrBlock",
    "DestinationCidrBlock",
)


def install() -> None:
    model: Any = Route
    moto: Any = EC2Response
    init, create, replace = model.__init__, moto.create_route, moto.replace_route

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - replaces the class's own
        init(self, *args, **kwargs)
        self.origin = "CreateRouteTable" if self.local else "CreateRoute"

    def create_route(self: Any) -> Any:
        gateway = self._get_param("GatewayId")
        if gateway and not gateway.startswith(GATEWAYS):
            message = f"The gateway ID '{gateway}' does not exist"
            raise EC2ClientError("InvalidGatewayID.NotFound", message)
        answer = create(self)
        if self._get_param("NetworkInterfaceId") and (name := self._get_param(DESTINATIONS[0])):
            table = self.ec2_backend.get_route_table(self._get_param("RouteTableId"))
            if route := table._routes.pop(generate_route_id(table.id, None), None):
                route.id = generate_route_id(table.id, name)
                route.destination_prefix_list = self.ec2_backend.managed_prefix_lists[name]
                table._routes[route.id] = route
        return answer

    def replace_route(self: Any) -> Any:
        answer = replace(self)
        table = self.ec2_backend.get_route_table(self._get_param("RouteTableId"))
        destination = next(value for name in DESTINATIONS if (value := self._get_param(name)))
        route = table._routes[generate_route_id(table.id, destination)]
        route.local = bool(self._get_bool_param("LocalTarget"))
        return answer

    model.__init__, model.origin, model.state = __init__, None, property(_state)
    model.instance_id, model.instance_owner_id = property(_instance_id), property(_owner_id)
    model.network_interface_id = property(_interface_id)
    moto.create_route, moto.replace_route = create_route, replace_route


def _instance_id(route: Any) -> str | None:
    instance = _instance(route)
    return instance.id if instance else None


def _owner_id(route: Any) -> str | None:
    instance = _instance(route)
    return instance.owner_id if instance else None


def _interface_id(route: Any) -> str | None:
    interface = route.interface or (route.instance and route.instance.nics[0])
    return interface.id if interface else None


def _instance(route: Any) -> Any:
    return route.instance or (route.interface and route.interface.instance)


def _state(route: Any) -> str:
    """AWS's state of the route."""
    gone = (
        (route.interface is not None and route.interface.attachment_id is None)
        or (route.nat_gateway is not None and route.nat_gateway.state == "deleted")
        or (isinstance(route.gateway, InternetGateway) and route.gateway.vpc is None)
    )
    return "blackhole" if gone else "active"

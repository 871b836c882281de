"""The researcher sandboxes' environment, in the order of the README."""

import pulumi

from infra import account, costs, destroy_guard, preflight, scopes, settings
from infra.exports import outputs
from infra.flow_logs import FlowLogs, FlowLogsArgs
from infra.instances import Instances, InstancesArgs
from infra.manager import Manager, ManagerArgs
from infra.network import Network, NetworkArgs
from infra.ssh_access import SshAccess, SshAccessArgs

own = settings.from_stack()
here = account.connect(own)
scope = scopes.sketch(own, here)
preflight.require(own, scope)
opts = pulumi.ResourceOptions(provider=here.provider)

zones = account.zones(own, here)
network = Network(
    "sandbox",
    NetworkArgs(region=own.region, cidr=own.vpc_cidr, zones=zones, protect=own.protect),
    opts,
)
vpc_id = network.vpc_id
flow_logs = FlowLogs(
    "sandbox", FlowLogsArgs(vpc_id=vpc_id, scope=scope, days=own.flow_log_days), opts
)
access = SshAccess("sandbox", SshAccessArgs(vpc_id=vpc_id, allowed=own.allowed_ssh_cidrs), opts)
instances = Instances(
    "sandbox",
    InstancesArgs(
        vpc_id=vpc_id, scope=scope, log_days=own.instance_log_retention_days, protect=own.protect
    ),
    opts,
)
trust = scopes.manager_trust(own)
manager = Manager(
    "sandbox",
    ManagerArgs(
        vpc_id=vpc_id, scope=scope, trust=trust, keys=own.manager_keys, protect=own.protect
    ),
    opts,
)
stop = costs.control(own, scope, manager, opts)
destroy_guard.stand_on([network, flow_logs, access, instances, manager, stop], vpc_id, own.region)
for name, value in outputs(own, network, access, instances, manager).items():
    pulumi.export(name, value)

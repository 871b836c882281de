"""The researcher sandboxes' environment: settings → context → components → outputs."""

import pulumi

from infra import account, context, destroy_guard, preflight, settings
from infra.components.cost_controls import create_cost_controls
from infra.components.flow_logs import FlowLogs, FlowLogsArgs
from infra.components.instances import Instances, InstancesArgs
from infra.components.manager import Manager, ManagerArgs
from infra.components.network import Network, NetworkArgs
from infra.components.ssh_access import SshAccess, SshAccessArgs
from infra.stack_outputs import outputs

config = settings.from_stack()
here = account.connect(config)
policy_context = context.policy_context(config, here.identity)
preflight.require(config, policy_context)
opts = pulumi.ResourceOptions(provider=here.provider)

zones = account.zones(config, here)
network = Network(
    "sandbox",
    NetworkArgs(region=config.region, cidr=config.vpc_cidr, zones=zones, protect=config.protect),
    opts,
)
flow_logs = FlowLogs(
    "sandbox",
    FlowLogsArgs(
        vpc_id=network.vpc_id, policy_context=policy_context, retention_days=config.flow_log_days
    ),
    opts,
)
access = SshAccess(
    "sandbox", SshAccessArgs(vpc_id=network.vpc_id, allowed=config.allowed_ssh_cidrs), opts
)
instances = Instances(
    "sandbox",
    InstancesArgs(
        vpc_id=network.vpc_id,
        policy_context=policy_context,
        log_retention_days=config.instance_log_retention_days,
        protect=config.protect,
    ),
    opts,
)
manager = Manager(
    "sandbox",
    ManagerArgs(
        vpc_id=network.vpc_id,
        policy_context=policy_context,
        trust=context.manager_trust(config),
        keys=config.manager_keys,
        protect=config.protect,
    ),
    opts,
)
spending_stop = create_cost_controls(config, policy_context, manager, opts)
destroy_guard.attach(
    [network, flow_logs, access, instances, manager, spending_stop], network.vpc_id, config.region
)
for name, value in outputs(config, network, access, instances, manager).items():
    pulumi.export(name, value)

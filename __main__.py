"""The environment of the researcher sandboxes: settings → context → components → outputs."""
# ruff: noqa: E402 - the garbage collector is disabled before the imports

import gc

gc.disable()  # before the imports: a sixth of their time goes into collections that free nothing

import pulumi

from infra import account, destroy_guard, preflight, settings
from infra.components.cost_tags import CostTags
from infra.components.flow_logs import FlowLogs
from infra.components.instances import Instances
from infra.components.manager import Manager
from infra.components.network import Network
from infra.components.spending_stop import SpendingStop
from infra.components.ssh_access import SshAccess
from infra.context import stack_context
from infra.stack_outputs import stack_outputs

config = settings.from_stack()
stack_account = account.connect(config)
context = stack_context(config, stack_account)
preflight.require(context)
opts = pulumi.ResourceOptions(provider=stack_account.provider)

network = Network("sandbox", context, opts)
flow_logs = FlowLogs("sandbox", context, network.vpc_id, opts)
ssh_access = SshAccess("sandbox", context, network.vpc_id, opts)
instances = Instances("sandbox", context, network.vpc_id, opts)
manager = Manager("sandbox", context, network.vpc_id, opts)
CostTags("sandbox", context, opts)
spending_stop = SpendingStop("sandbox", context, manager.arn, opts)
destroy_guard.attach(
    [network, flow_logs, ssh_access, instances, manager, spending_stop],
    network.vpc_id,
    config.region,
)
for name, value in stack_outputs(context, network, ssh_access, instances, manager).items():
    pulumi.export(name, value)

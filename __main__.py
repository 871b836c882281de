"""The environment of the researcher sandboxes: settings → context → components → outputs."""
# ruff: noqa: E402 - the garbage collector is disabled before the imports

import gc
import signal

gc.disable()  # before the imports: a sixth of their time goes into collections that free nothing
# the engine ends a program with SIGINT when an update fails; Python would print a traceback
signal.signal(signal.SIGINT, signal.SIG_DFL)

import pulumi

from infra import account, destroy_guard, preflight, settings, standing
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
standing_resources = standing.read()
# early, since it starts to ask AWS for a new stack's names
add_checks = preflight.transformation(config, standing_resources)
stack_account = account.connect(config, standing_resources)
context = stack_context(config, stack_account)
preflight.require(context, standing_resources)
opts = pulumi.ResourceOptions(provider=stack_account.provider, transformations=[add_checks])

network = Network("sandbox", context, opts)
flow_logs = FlowLogs("sandbox", context, network.vpc_id, opts)
ssh_access = SshAccess("sandbox", context, network.vpc_id, opts)
instances = Instances("sandbox", context, network.vpc_id, opts)
manager = Manager("sandbox", context, network.vpc_id, opts)
CostTags("sandbox", context, standing_resources, opts)
spending_stop = SpendingStop("sandbox", context, manager.arn, opts)
destroy_guard.attach(
    [network, flow_logs, ssh_access, instances, manager, spending_stop],
    network.vpc_id,
    config,
    standing_resources,
)
for name, value in stack_outputs(context, network, ssh_access, instances, manager).items():
    pulumi.export(name, value)

"""What crosses the network is recorded, for as long as the stack says."""

from dataclasses import dataclass

import pulumi

from infra import names
from infra.lazy_aws import cloudwatch, ec2, iam
from infra.permissions import flow_logs, trust
from infra.permissions.context import PolicyContext
from infra.permissions.statements import TRUST_POLICY_LIMIT, document
from infra.tags import named


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowLogsArgs:
    """Flow logs are kept for *retention_days*; 0 turns them off."""

    policy_context: PolicyContext
    vpc_id: pulumi.Input[str]
    retention_days: int


class FlowLogs(pulumi.ComponentResource):
    """The VPC's flow log, its log group, and a role that writes there and cannot make groups."""

    def __init__(
        self, name: str, args: FlowLogsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("sandbox:flow_logs:FlowLogs", name, {}, opts)
        if args.retention_days:
            self._record(args)
        self.register_outputs({})

    def _record(self, args: FlowLogsArgs) -> None:
        child = pulumi.ResourceOptions(parent=self)
        group = cloudwatch.LogGroup(
            names.FLOW_LOGS,
            name=names.FLOW_LOG_GROUP,
            retention_in_days=args.retention_days,
            tags=named(names.FLOW_LOG_GROUP),
            opts=child,
        )
        role = iam.Role(
            names.FLOW_LOGS,
            name=names.FLOW_LOGS,
            description="Writes the sandbox VPC's flow logs",
            assume_role_policy=document(
                trust.flow_logs(args.policy_context), limit=TRUST_POLICY_LIMIT
            ),
            tags=named(names.FLOW_LOGS),
            opts=child,
        )
        policy = iam.Policy(
            names.FLOW_LOGS,
            name=names.FLOW_LOGS,
            description="Write to the sandbox VPC's flow log group, and to no other",
            policy=group.arn.apply(
                lambda arn: document(flow_logs.policy(args.policy_context, arn))
            ),
            tags=named(names.FLOW_LOGS),
            opts=child,
        )
        attachment = iam.RolePolicyAttachment(
            names.FLOW_LOGS, role=role.name, policy_arn=policy.arn, opts=child
        )
        ec2.FlowLog(
            names.FLOW_LOGS,
            vpc_id=args.vpc_id,
            traffic_type="ALL",
            log_destination=group.arn,
            iam_role_arn=role.arn,
            tags=named(names.FLOW_LOGS),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[attachment]),
        )

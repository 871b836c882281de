"""VPC flow logs, with a retention period."""

import pulumi

from infra import names
from infra.components.managed_policies import managed_policy, service_role
from infra.context import StackContext
from infra.known_outputs import once_known
from infra.lazy_aws import cloudwatch, ec2, iam
from infra.permissions import flow_logs, trust
from infra.permissions.statements import document
from infra.tags import named


class FlowLogs(pulumi.ComponentResource):
    """The VPC's flow log, its log group, and a role that can only write there."""

    def __init__(
        self,
        name: str,
        context: StackContext,
        vpc_id: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sandbox:flow_logs:FlowLogs", name, {}, opts)
        if context.settings.flow_logs:
            self._create(context, vpc_id)
        self.register_outputs({})

    def _create(self, context: StackContext, vpc_id: pulumi.Input[str]) -> None:
        child = pulumi.ResourceOptions(parent=self)
        group = cloudwatch.LogGroup(
            names.FLOW_LOGS,
            name=names.FLOW_LOG_GROUP,
            retention_in_days=context.settings.flow_log_retention_days,
            tags=named(names.FLOW_LOG_GROUP),
            opts=child,
        )
        boundary_arn = (
            context.settings.permissions_boundary
            or managed_policy(
                names.FLOW_LOGS_BOUNDARY,
                "The most that the role of the flow logs can ever be allowed",
                once_known(lambda arns: document(flow_logs.boundary(*arns)), group.arn),
                child,
            ).arn
        )
        role = service_role(
            names.FLOW_LOGS,
            "Writes the sandbox VPC's flow logs",
            trust=trust.flow_logs(context.policy_context),
            boundary_arn=boundary_arn,
            opts=child,
        )
        policy = managed_policy(
            names.FLOW_LOGS,
            "Write to the sandbox VPC's flow log group, and to no other",
            once_known(
                lambda arns: document(flow_logs.policy(context.policy_context, *arns)), group.arn
            ),
            child,
        )
        attachment = iam.RolePolicyAttachment(
            names.FLOW_LOGS, role=role.name, policy_arn=policy.arn, opts=child
        )
        ec2.FlowLog(
            names.FLOW_LOGS,
            vpc_id=vpc_id,
            traffic_type="ALL",
            log_destination=group.arn,
            iam_role_arn=role.arn,
            tags=named(names.FLOW_LOGS),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[attachment]),
        )

"""Trust policies: who may assume each role."""

from infra.permissions.context import PolicyContext
from infra.permissions.statements import Statement, allow_to_assume, statement

TOKEN_AUDIENCE = "sts.amazonaws.com"  # noqa: S105 - not a secret: the audience that EKS writes into a pod's token


def ec2() -> tuple[Statement, ...]:
    return (taken_by_instances(),)


def flow_logs(context: PolicyContext) -> tuple[Statement, ...]:
    return (taken_by_flow_logs_of_this_account(context),)


def irsa(provider_arn: str, service_account: str) -> tuple[Statement, ...]:
    """For the manager on EKS with an OIDC provider; *service_account* is `namespace/name`."""
    return (taken_by_the_managers_service_account(provider_arn, service_account),)


def pod_identity(service_account: str) -> tuple[Statement, ...]:
    """For the manager on EKS with the Pod Identity agent; *service_account* is `namespace/name`."""
    return (taken_by_the_managers_pods(service_account),)


@statement
def taken_by_instances() -> Statement:
    """Only EC2 can assume the instances' role, on behalf of an instance."""
    # No aws:SourceAccount: AWS does not document that EC2 sends it for instance profiles.
    return allow_to_assume("sts:AssumeRole", by={"Service": "ec2.amazonaws.com"})


@statement
def taken_by_flow_logs_of_this_account(context: PolicyContext) -> Statement:
    """Only flow logs of this account and region can assume the flow logs' role."""
    return allow_to_assume(
        "sts:AssumeRole",
        by={"Service": "vpc-flow-logs.amazonaws.com"},
        when={
            "StringEquals": {"aws:SourceAccount": context.account_id},
            "ArnLike": {"aws:SourceArn": context.ec2("vpc-flow-log/*")},
        },
    )


@statement
def taken_by_the_managers_service_account(provider_arn: str, service_account: str) -> Statement:
    """Only the manager's Kubernetes service account can assume its role.

    Its cluster must have signed the token.
    """
    _, issuer = provider_arn.split(":oidc-provider/", maxsplit=1)
    namespace, name = _parts(service_account)
    return allow_to_assume(
        "sts:AssumeRoleWithWebIdentity",
        by={"Federated": provider_arn},
        when={
            "StringEquals": {
                f"{issuer}:sub": f"system:serviceaccount:{namespace}:{name}",
                f"{issuer}:aud": TOKEN_AUDIENCE,
            }
        },
    )


@statement
def taken_by_the_managers_pods(service_account: str) -> Statement:
    """Only pods of the manager's service account can assume its role, through EKS Pod Identity."""
    namespace, name = _parts(service_account)
    return allow_to_assume(
        "sts:AssumeRole",
        "sts:TagSession",
        by={"Service": "pods.eks.amazonaws.com"},
        when={
            "StringEquals": {
                "aws:RequestTag/kubernetes-namespace": namespace,
                "aws:RequestTag/kubernetes-service-account": name,
            }
        },
    )


def _parts(service_account: str) -> tuple[str, str]:
    namespace, _, name = service_account.partition("/")
    if not (namespace and name) or "/" in name or "*" in service_account:
        raise ValueError(f"{service_account!r} is not a valid service account; use namespace/name")
    return namespace, name

"""Who may take on a role."""

from infra.permissions.context import PolicyContext
from infra.permissions.statements import Statement, statement
from infra.permissions.statements import trust as by

TOKEN_AUDIENCE = "sts.amazonaws.com"  # noqa: S105 - what EKS writes into a pod's token, no secret


def ec2() -> tuple[Statement, ...]:
    return (taken_by_instances(),)


def flow_logs(scope: PolicyContext) -> tuple[Statement, ...]:
    return (taken_by_flow_logs_of_this_account(scope),)


def irsa(provider_arn: str, service_account: str) -> tuple[Statement, ...]:
    """For the manager on EKS with an OIDC provider; *service_account* is `namespace/name`."""
    return (taken_by_the_managers_service_account(provider_arn, service_account),)


def pod_identity(service_account: str) -> tuple[Statement, ...]:
    """For the manager on EKS with the Pod Identity agent; *service_account* is `namespace/name`."""
    return (taken_by_the_managers_pods(service_account),)


@statement
def taken_by_instances() -> Statement:
    """Only EC2 takes the instances' role, on behalf of an instance."""
    # No aws:SourceAccount: that EC2 sends it for instance profiles is written nowhere.
    return by("sts:AssumeRole", by={"Service": "ec2.amazonaws.com"})


@statement
def taken_by_flow_logs_of_this_account(scope: PolicyContext) -> Statement:
    """Only flow logs of this account and region take the flow logs' role."""
    return by(
        "sts:AssumeRole",
        by={"Service": "vpc-flow-logs.amazonaws.com"},
        when={
            "StringEquals": {"aws:SourceAccount": scope.account_id},
            "ArnLike": {"aws:SourceArn": scope.ec2("vpc-flow-log/*")},
        },
    )


@statement
def taken_by_the_managers_service_account(provider_arn: str, service_account: str) -> Statement:
    """Only the manager's Kubernetes service account takes its role, signed by its cluster."""
    _, issuer = provider_arn.split(":oidc-provider/", maxsplit=1)
    namespace, name = _parts(service_account)
    return by(
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
    """Only EKS Pod Identity takes the manager's role, for pods of its own service account."""
    namespace, name = _parts(service_account)
    return by(
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
        raise ValueError(f"{service_account!r} is no service account: write namespace/name")
    return namespace, name

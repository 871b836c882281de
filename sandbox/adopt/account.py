"""Check that the credentials of the environment belong to the account of the state."""

from botocore.exceptions import BotoCoreError, ClientError

from infra.aws_clients import AwsClients, error_reason
from sandbox.core.errors import RefusedError, SandboxError


def require_account(aws: AwsClients, account: str, where: str) -> None:
    """Refuse to look for the resources of one account in another.

    Raises:
        RefusedError: the credentials belong to another account.
        SandboxError: AWS does not answer, or there are no credentials.
    """
    try:
        current = aws.sts.get_caller_identity()["Account"]
    except (BotoCoreError, ClientError) as error:
        raise SandboxError(
            f"{where}: AWS does not say whose credentials these are: {error_reason(error)}; sign "
            f"in to account {account}"
        ) from None
    if current != account:
        raise RefusedError(
            f"{where}: describes account {account}, but your credentials belong to account "
            f"{current}; sign in to account {account}"
        )

"""The account that the environment's credentials reach, asked before anything is rehearsed."""

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from sandbox.core.errors import SandboxError


def require(account: str, region: str, where: str) -> None:
    """Refuse to look for one account's resources in another.

    Raises:
        SandboxError: the credentials are of another account, or of none.
    """
    try:
        here = boto3.client("sts", region_name=region).get_caller_identity()["Account"]
    except (BotoCoreError, ClientError) as error:
        raise SandboxError(
            f"{where}: the account cannot be asked: {error}; sign in to account {account}"
        ) from None
    if here != account:
        raise SandboxError(
            f"{where}: is about account {account}, your credentials are of account {here}; sign "
            f"in to account {account}"
        )

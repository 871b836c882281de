"""The account that the environment's credentials reach, asked before anything is rehearsed."""

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from migrate.errors import MigrationError


def require(account: str, region: str, where: str) -> None:
    """Refuse to look for one account's resources in another.

    Raises:
        MigrationError: the credentials are of another account, or of none.
    """
    try:
        here = boto3.client("sts", region_name=region).get_caller_identity()["Account"]
    except (BotoCoreError, ClientError) as error:
        raise MigrationError(
            f"{where}: the account cannot be asked: {error}; sign in to account {account}"
        ) from None
    if here != account:
        raise MigrationError(
            f"{where}: is about account {account}, your credentials are of account {here}; sign "
            f"in to account {account}"
        )

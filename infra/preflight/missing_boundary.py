"""Refuses a boundary of the organization that the account does not have.

Without this an update creates the network before IAM refuses the first identity.
"""

import pulumi

from infra.aws_clients import NOT_FOUND, AwsClients, error_code
from infra.settings import Settings


def require(aws: AwsClients, settings: Settings) -> None:
    """Refuse `permissions_boundary` if the account has no such policy.

    Raises:
        pulumi.RunError: one line that names the setting.
    """
    arn = settings.permissions_boundary
    if not arn:
        return
    # imported here: few stacks have the setting, and the import would slow the others down
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    try:
        aws.iam.get_policy(PolicyArn=arn)
    except ClientError as error:
        if error_code(error) in NOT_FOUND:
            raise pulumi.RunError(
                f"sandbox:permissions_boundary = {arn}: the account has no such policy; create it "
                "first, or name a policy of this account or of AWS"
            ) from None
    except BotoCoreError:
        return  # without the right to read it, AWS's own error is shown

"""Check that the manager has room for the keys of the next update.

IAM allows two access keys per user, inactive ones included. A third would end the update halfway
with `LimitExceeded`.
"""

from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from infra import catalogue, names
from infra.access_keys import INITIAL_STAGES
from infra.aws_clients import AwsClients, error_code, error_reason
from sandbox.adopt.mapping import AdoptionPlan
from sandbox.core.errors import RefusedError, SandboxError

KEYS_PER_USER: Final = 2
"""AWS: IAM and STS quotas."""


def require_key_limit(plan: AdoptionPlan, aws: AwsClients, where: str) -> None:
    """Refuse if the next update would create more keys than IAM allows.

    Raises:
        RefusedError: the account holds a key that the state does not.
        SandboxError: AWS does not list the keys.
    """
    adopted = {
        resource.id for resource in plan.adopted if resource.type == catalogue.ACCESS_KEY.name
    }
    other_keys = sorted(_key_ids(aws, where) - adopted)
    created = len(plan.key_stages or INITIAL_STAGES) - len(adopted)
    if created and len(adopted) + len(other_keys) + created > KEYS_PER_USER:
        without_rotation = (
            ", or run without --rotate-key" if "retiring" in plan.key_stages.values() else ""
        )
        raise RefusedError(
            f"{where}: does not hold the access keys {', '.join(other_keys)} of {names.MANAGER}, "
            f"and the next update would create one more than the {KEYS_PER_USER} that IAM allows; "
            f"delete a key that the service does not use{without_rotation}"
        )


def _key_ids(aws: AwsClients, where: str) -> set[str]:
    try:
        keys = aws.list_all("iam", "list_access_keys", "AccessKeyMetadata", UserName=names.MANAGER)
    except (BotoCoreError, ClientError) as error:
        if error_code(error) == "NoSuchEntity":
            return set()
        raise SandboxError(
            f"{where}: AWS does not list the access keys of {names.MANAGER}: "
            f"{error_reason(error)}; allow iam:ListAccessKeys"
        ) from None
    return {key["AccessKeyId"] for key in keys}

"""The prefix of a unique id shows its type. moto 5.2.5 has prefixes for roles and keys only.

It also answers the operator's call of GetCallerIdentity with the ARN of a user of STS, which has no
users.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
"""

import random
import string
from typing import Any

from moto.iam import models
from moto.sts.models import STSBackend

CHARACTERS = string.ascii_uppercase + string.digits


def install() -> None:
    for kind, prefix in (
        (models.User, "AIDA"),
        (models.Group, "AGPA"),
        (models.InstanceProfile, "AIPA"),
        (models.ManagedPolicy, "ANPA"),
    ):
        _identify(kind, prefix)
    original = STSBackend.get_caller_identity

    def get_caller_identity(self: Any, *args: Any, **kwargs: Any) -> tuple[str, str, str]:
        user_id, arn, account = original(self, *args, **kwargs)
        if not arn.endswith(":user/moto"):
            return user_id, arn, account
        return _unique_id("AIDA", seed=account), arn.replace(":sts:", ":iam:"), account

    STSBackend.get_caller_identity = get_caller_identity


def _identify(kind: Any, prefix: str) -> None:
    original = kind.__init__

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - replaces the class's own
        original(self, *args, **kwargs)
        self.id = _unique_id(prefix)

    kind.__init__ = __init__


def _unique_id(prefix: str, seed: str | None = None) -> str:
    choose = random.Random(seed) if seed else random  # noqa: S311 - an id is no secret
    return prefix + "".join(choose.choices(CHARACTERS, k=17))

"""The permissions that a call of KMS needs: the key's policy decides, or leaves it to IAM.

https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
"""

from collections.abc import Iterator
from typing import Any, Final

from moto.kms.models import kms_backends

from local.authorization import other_services
from local.authorization.callers import Caller, parsed
from local.authorization.calls import Call
from local.authorization.question import ANY, Question, question
from local.iam.evaluator import Values

NAMES: Final = ("KeyId", "SourceKeyId", "DestinationKeyId", "TargetKeyId")
ACTIONS: Final = {"SourceKeyId": "kms:ReEncryptFrom", "DestinationKeyId": "kms:ReEncryptTo"}
"""The action by the parameter that names the key, where the operation has another name."""


def questions(caller: Caller, call: Call) -> Iterator[Question]:
    named = {name: call.parameters[name] for name in NAMES if call.parameters.get(name)}
    if not named:
        yield from other_services.questions(caller, call)
        return
    kms: Any = kms_backends[caller.account][call.region]
    keys: dict[str, Values] = {"kms:CallerAccount": caller.account}
    for parameter, name in named.items():
        identity = kms.get_key_id(name)
        if "alias/" in name:
            identity = kms.get_key_id_from_alias(name) or ANY
        key = kms.keys.get(identity)
        yield question(
            ACTIONS.get(parameter, f"kms:{call.operation}"),
            key.arn
            if key
            else f"arn:{call.partition}:kms:{call.region}:{caller.account}:key/{identity}",
            keys,
            policy=parsed(key.policy) if key else None,
            resource_decides=key is not None,
        )

"""The class, key and deletion protection of a log group. moto 5.2.5 drops class and protection.

It also lacks the operations that change the key and the protection. A group of the class DELIVERY
keeps its events for two days, whatever its retention; a protected group cannot be deleted.
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_AssociateKmsKey.html
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DisassociateKmsKey.html
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogGroupDeletionProtection.html
"""

from typing import Any, Final

from moto.core.exceptions import JsonRESTError
from moto.logs.exceptions import ResourceNotFoundException
from moto.logs.models import LogGroup
from moto.logs.responses import LogsResponse

DELIVERY_DAYS: Final = 2


class ProtectedGroupError(JsonRESTError):
    code = 400

    def __init__(self, name: str) -> None:
        super().__init__("ValidationException", f"Log group {name} is protected from deletion.")


def install() -> None:
    moto: Any = LogsResponse
    group: Any = LogGroup
    create, delete = moto.create_log_group, moto.delete_log_group
    describe = group.to_describe_dict

    def create_log_group(self: Any) -> str:
        answer = create(self)
        created = _group(self)
        created.log_group_class = self._get_param("logGroupClass") or "STANDARD"
        created.protected = bool(self._get_param("deletionProtectionEnabled"))
        return answer

    def delete_log_group(self: Any) -> str:
        name = self._get_param("logGroupName")
        if getattr(self.logs_backend.groups.get(name), "protected", False):
            raise ProtectedGroupError(name)
        return delete(self)

    def to_describe_dict(self: Any) -> dict[str, Any]:
        answer = describe(self)
        answer["logGroupClass"] = self.log_group_class
        answer["deletionProtectionEnabled"] = self.protected
        if self.log_group_class == "DELIVERY":
            answer["retentionInDays"] = DELIVERY_DAYS
        return answer

    def associate_kms_key(self: Any) -> str:
        _group(self).kms_key_id = self._get_param("kmsKeyId")
        return ""

    def disassociate_kms_key(self: Any) -> str:
        _group(self).kms_key_id = None
        return ""

    def put_log_group_deletion_protection(self: Any) -> str:
        _group(self).protected = self._get_param("deletionProtectionEnabled")
        return ""

    group.log_group_class, group.protected = "STANDARD", False
    group.to_describe_dict = to_describe_dict
    moto.create_log_group, moto.delete_log_group = create_log_group, delete_log_group
    moto.associate_kms_key, moto.disassociate_kms_key = associate_kms_key, disassociate_kms_key
    moto.put_log_group_deletion_protection = put_log_group_deletion_protection


def _group(response: Any) -> Any:
    """The group that a request names by its name or ARN."""
    keys = ("logGroupName", "logGroupIdentifier", "resourceIdentifier")
    named = [str(response._get_param(key)) for key in keys if response._get_param(key)]
    name = named[0].removesuffix(":*").rpartition(":log-group:")[2]
    if name not in response.logs_backend.groups:
        raise ResourceNotFoundException
    return response.logs_backend.groups[name]

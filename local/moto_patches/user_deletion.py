"""A user with a password, a device, a key or a group cannot be deleted. moto 5.2.5 deletes it.

Without this a clean-up that forgets one of them would look right.
https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUser.html
"""

from moto.iam.exceptions import DeleteConflictException
from moto.iam.models import IAMBackend


def install() -> None:
    original = IAMBackend.delete_user

    def delete_user(self: IAMBackend, user_name: str) -> None:
        user = self.get_user(user_name)
        attached = {
            "login profile": user.password,
            "MFA devices": user.mfa_devices,
            "access keys": user.access_keys,
            "SSH public keys": user.ssh_public_keys,
            "signing certificates": user.signing_certificates,
            "group memberships": self.get_groups_for_user(user_name),
        }
        for kind, items in attached.items():
            if items:
                raise DeleteConflictException(f"Cannot delete entity, must delete {kind} first.")
        original(self, user_name)

    IAMBackend.delete_user = delete_user

"""A security group that an interface uses cannot be deleted. moto 5.2.5 deletes it.

Without this a clean-up in the wrong order would look right.
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSecurityGroup.html
"""

from moto.ec2.exceptions import DependencyViolationError
from moto.ec2.models import EC2Backend


def install() -> None:
    original = EC2Backend.delete_security_group

    def delete_security_group(
        self: EC2Backend, name: str | None = None, group_id: str | None = None
    ) -> None:
        users = [
            interface.id
            for machine in self.all_instances()
            if machine.state != "terminated"
            for interface in machine.nics.values()
            if group_id in {group.id for group in interface.group_set}
        ]
        if users:
            raise DependencyViolationError(f"resource {group_id} has a dependent object")
        original(self, name, group_id)

    EC2Backend.delete_security_group = delete_security_group

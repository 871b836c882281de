"""A VPC's default security group admits its members. moto 5.2.5 creates it without rules.

Without this no test could show that the program empties the group.
https://docs.aws.amazon.com/vpc/latest/userguide/default-security-group.html
"""

from typing import Any

from moto.ec2.models import EC2Backend


def install() -> None:
    original = EC2Backend.create_vpc

    def create_vpc(self: Any, *args: Any, **kwargs: Any) -> Any:
        vpc = original(self, *args, **kwargs)
        group = self.get_security_group_from_name("default", vpc_id=vpc.id)
        if group is not None and not group.ingress_rules:
            self.authorize_security_group_ingress(
                group.id, "-1", None, None, [], source_groups=[{"GroupId": group.id}]
            )
        return vpc

    EC2Backend.create_vpc = create_vpc

"""The public parameters of Canonical and AWS, and the images that they name.

moto 5.2.5 has neither the parameters nor an Ubuntu newer than 16.04. An image is there when its
parameter or its owner is asked for.
https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-public-parameters-ami.html
https://documentation.ubuntu.com/aws/aws-how-to/instances/find-ubuntu-images/
"""

from datetime import UTC, datetime
from typing import Any

from moto.ec2.models import EC2Backend, ec2_backends
from moto.ec2.models.amis import Ami
from moto.ssm.models import Parameter, SimpleSystemManagerBackend

from local.emulated_account import AMAZON, PUBLIC_IMAGES


def add_image(backend: EC2Backend, identity: str, owner: str, name: str) -> None:
    if identity in backend.amis:
        return
    image: Any = Ami(  # moto types a new model as its base class
        backend,
        identity,
        name=name,
        owner_id=owner,
        owner_alias="amazon" if owner == AMAZON else None,
        public=True,
        architecture="x86_64",
        virtualization_type="hvm",
        root_device_type="ebs",
        creation_date=datetime(2026, 11, 1, tzinfo=UTC),
    )
    image.ebs_snapshot.volume.size = 8
    backend.amis[identity] = image


def install() -> None:
    ec2: Any = EC2Backend
    original, describe = SimpleSystemManagerBackend.get_parameter, ec2.describe_images

    def describe_images(self: EC2Backend, *args: Any, owners: Any = None, **kwargs: Any) -> Any:
        for identity, owner, title in PUBLIC_IMAGES.values():
            if not {owner, "amazon" if owner == AMAZON else owner}.isdisjoint(owners or ()):
                add_image(self, identity, owner, title)
        return describe(self, *args, owners=owners, **kwargs)

    def get_parameter(self: SimpleSystemManagerBackend, name: str) -> Parameter | None:
        if name not in PUBLIC_IMAGES:
            return original(self, name)
        identity, owner, title = PUBLIC_IMAGES[name]
        add_image(ec2_backends[self.account_id][self.region_name], identity, owner, title)
        parameter: Any = Parameter(
            account_id=self.account_id,
            name=name,
            value=identity,
            parameter_type="String",
            description="",
            allowed_pattern=None,
            keyid=None,
            last_modified_date=0,
            version=1,
            data_type="aws:ec2:image",
        )
        return parameter

    SimpleSystemManagerBackend.get_parameter = get_parameter
    ec2.describe_images = describe_images

"""What IAM decides on the manager's requests, by the policy documents of this program.

The permissions that a request needs are derived here from the request that goes to AWS.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra import context, names
from infra.account import Identity
from infra.permissions import manager
from infra.permissions.statements import document, documents
from infra.settings import Settings
from sandbox_client.config import SandboxConfig
from local.iam.evaluator import Layers, Request, decide

Context = dict[str, str | list[str]]


@dataclass(frozen=True)
class Permission:
    """One thing that IAM has to allow."""

    action: str
    resource: str
    context: Context

    def __str__(self) -> str:
        return f"{self.action} on {self.resource}"


class ManagerPolicy:
    """The manager's policy and boundary in one stack."""

    def __init__(self, config: SandboxConfig, account_id: str) -> None:
        self.config = config
        self.policy_context = context.policy_context(
            Settings(environment=config.environment, region=config.region),
            Identity(partition="aws", account_id=account_id),
            vpc_id=config.vpc_id,
        )
        self.layers = Layers(
            identity=[json.loads(text) for text in documents(manager.policy(self.policy_context))],
            boundary=json.loads(document(manager.boundary(self.policy_context))),
        )

    def refused(self, permissions: Iterator[Permission]) -> list[str]:
        """The *permissions* that the manager does not have."""
        principal = self.policy_context.iam("user/service/sandbox-manager")
        region = {"ec2:Region": self.config.region, "aws:RequestedRegion": self.config.region}
        return [
            str(permission)
            for permission in permissions
            if decide(
                self.layers,
                Request(
                    principal=principal,
                    action=permission.action,
                    resource=permission.resource,
                    context={**region, **permission.context},
                ),
            )
            != "allowed"
        ]

    def launch(self, request: Mapping[str, Any]) -> Iterator[Permission]:
        """A RunInstances request: each of its resources, their tags, and the role it passes."""
        run, ec2 = "ec2:RunInstances", self.policy_context.ec2
        vpc: Context = {"ec2:Vpc": self.policy_context.vpc_arn}
        tags = {
            specification["ResourceType"]: {
                tag["Key"]: tag["Value"] for tag in specification["Tags"]
            }
            for specification in request.get("TagSpecifications", [])
        }
        metadata = request.get("MetadataOptions", {})
        instance: Context = {
            "ec2:InstanceType": request["InstanceType"],
            "ec2:MetadataHttpTokens": metadata.get("HttpTokens", "optional"),
            "ec2:InstanceProfile": request.get("IamInstanceProfile", {}).get("Arn", ""),
        }
        yield Permission(run, ec2("instance/*"), {**instance, **tagged(tags.get("instance"))})
        for mapping in request.get("BlockDeviceMappings", [{}]):
            encrypted = str(mapping.get("Ebs", {}).get("Encrypted", False)).lower()
            volume: Context = {"ec2:Encrypted": encrypted, **tagged(tags.get("volume"))}
            yield Permission(run, ec2("volume/*"), volume)
        for interface in request.get("NetworkInterfaces", []):
            interface_tags = tagged(tags.get("network-interface"))
            yield Permission(run, ec2("network-interface/*"), {**vpc, **interface_tags})
            yield Permission(run, ec2(f"subnet/{interface['SubnetId']}"), vpc)
            for group in interface["Groups"]:
                yield Permission(run, ec2(f"security-group/{group}"), vpc)
        image: Context = {
            "ec2:Owner": self.policy_context.account_id,
            "aws:ResourceTag/Project": names.PROJECT,
            "aws:ResourceTag/Purpose": names.IMAGE_PURPOSE,
        }
        yield Permission(run, self.policy_context.image(request["ImageId"]), image)
        if "KeyName" in request:
            yield Permission(run, ec2(f"key-pair/{request['KeyName']}"), {})
        for resource, resource_tags in tags.items():
            create: Context = {"ec2:CreateAction": "RunInstances", **tagged(resource_tags)}
            yield Permission("ec2:CreateTags", ec2(f"{resource}/*"), create)
        passed: Context = {"iam:PassedToService": "ec2.amazonaws.com"}
        yield Permission("iam:PassRole", self.policy_context.instance_role_arn, passed)

    def control(self, operation: str, instance: Mapping[str, Any]) -> Iterator[Permission]:
        """Stop, start or terminate *instance*, as EC2 describes it."""
        tags = {f"aws:ResourceTag/{tag['Key']}": tag["Value"] for tag in instance["Tags"]}
        profile = instance.get("IamInstanceProfile", {}).get("Arn", "")
        resource = self.policy_context.ec2(f"instance/{instance['InstanceId']}")
        yield Permission(f"ec2:{operation}", resource, {"ec2:InstanceProfile": profile, **tags})

    def read(self, operation: str) -> Iterator[Permission]:
        yield Permission(f"ec2:{operation}", "*", {})


def tagged(tags: Mapping[str, str] | None) -> Context:
    if not tags:
        return {}
    return {**{f"aws:RequestTag/{key}": tags[key] for key in tags}, "aws:TagKeys": list(tags)}

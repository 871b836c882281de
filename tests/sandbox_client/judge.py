"""What AWS asks of IAM for the manager's requests, put before the documents of this program.

The documents are those that the table of permissions is proven on, and so is the evaluator; the
questions are made here from the request that would go to AWS.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from infra import names
from sandbox_client.config import SandboxConfig
from tests.infra.permissions import stacks
from tests.infra.permissions.evaluator import Layers, Request, decide

Context = dict[str, str | list[str]]


class Judge:
    """The manager of one stack before IAM."""

    def __init__(self, config: SandboxConfig, account: str) -> None:
        self.config = config
        self.scope = replace(
            stacks.policy_context({}),
            account_id=account,
            vpc_id=config.vpc_id,
            region=config.region,
            environment=config.environment,
        )
        manager = stacks.identities(self.scope)["manager"]
        self.layers = Layers(identity=list(manager.policies.values()), boundary=manager.boundary)

    def refused(self, asked: Iterator[tuple[str, str, Context]]) -> list[str]:
        """The questions that IAM does not answer with yes."""
        return [
            f"{action} on {resource}"
            for action, resource, context in asked
            if decide(
                self.layers,
                Request(
                    principal=f"arn:aws:iam::{self.scope.account_id}:user/service/sandbox-manager",
                    action=action,
                    resource=resource,
                    context={
                        "ec2:Region": self.config.region,
                        "aws:RequestedRegion": self.config.region,
                        **context,
                    },
                ),
            )
            != "allowed"
        ]

    def launch(self, request: Mapping[str, Any]) -> Iterator[tuple[str, str, Context]]:
        """One question per resource of a RunInstances request, its tags, and the role it passes."""
        run, vpc = "ec2:RunInstances", {"ec2:Vpc": self.scope.vpc_arn}
        tags = {
            one["ResourceType"]: {tag["Key"]: tag["Value"] for tag in one["Tags"]}
            for one in request.get("TagSpecifications", [])
        }
        metadata = request.get("MetadataOptions", {})
        instance: Context = {
            "ec2:InstanceType": request["InstanceType"],
            "ec2:MetadataHttpTokens": metadata.get("HttpTokens", "optional"),
            "ec2:InstanceProfile": request.get("IamInstanceProfile", {}).get("Arn", ""),
        }
        yield run, self.scope.ec2("instance/*"), {**instance, **tagged(tags.get("instance"))}
        mappings = request.get("BlockDeviceMappings", [{}])
        for one in mappings:
            encrypted = str(one.get("Ebs", {}).get("Encrypted", False)).lower()
            context = {"ec2:Encrypted": encrypted, **tagged(tags.get("volume"))}
            yield run, self.scope.ec2("volume/*"), context
        for one in request.get("NetworkInterfaces", []):
            own = {**vpc, **tagged(tags.get("network-interface"))}
            yield run, self.scope.ec2("network-interface/*"), own
            yield run, self.scope.ec2(f"subnet/{one['SubnetId']}"), {**vpc}
            for group in one["Groups"]:
                yield run, self.scope.ec2(f"security-group/{group}"), {**vpc}
        yield (
            run,
            self.scope.image(request["ImageId"]),
            {
                "ec2:Owner": self.scope.account_id,
                "aws:ResourceTag/Project": names.PROJECT,
                "aws:ResourceTag/Purpose": names.IMAGE_PURPOSE,
            },
        )
        if "KeyName" in request:
            yield run, self.scope.ec2(f"key-pair/{request['KeyName']}"), {}
        for kind, own in tags.items():
            context = {"ec2:CreateAction": "RunInstances", **tagged(own)}
            yield "ec2:CreateTags", self.scope.ec2(f"{kind}/*"), context
        passed: Context = {"iam:PassedToService": "ec2.amazonaws.com"}
        yield "iam:PassRole", self.scope.instance_role_arn, passed

    def control(
        self, operation: str, instance: Mapping[str, Any]
    ) -> Iterator[tuple[str, str, Context]]:
        """The question of a Stop, Start or Terminate: what the instance says of itself."""
        own = {f"aws:ResourceTag/{one['Key']}": one["Value"] for one in instance["Tags"]}
        profile = instance.get("IamInstanceProfile", {}).get("Arn", "")
        yield (
            f"ec2:{operation}",
            self.scope.ec2(f"instance/{instance['InstanceId']}"),
            {"ec2:InstanceProfile": profile, **own},
        )

    def read(self, operation: str) -> Iterator[tuple[str, str, Context]]:
        yield f"ec2:{operation}", "*", {}


def tagged(tags: Mapping[str, str] | None) -> Context:
    if not tags:
        return {}
    return {**{f"aws:RequestTag/{key}": tags[key] for key in tags}, "aws:TagKeys": list(tags)}

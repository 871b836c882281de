"""Mutants that try to evade the rules: by options, providers, secrets, and odd documents."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

import pulumi
import pulumi_aws as aws

from infra import catalogue, names
from infra.lazy_aws import cloudwatch, ec2, iam  # the classes that the program uses
from tests.policies.mutation.mutant import MANAGER, RUN, SANDBOX, Mutant, Program, Values, setting
from tests.policies.mutation.others_resources import PROVIDERS
from tests.policies.mutation.widened import BOUNDARY, DENIALS, GRANTS, INSTANCE_BOUNDARY

SECRETS: Final = "no-plaintext-secret-outputs"
STAYS: Final = "secret-stays-with-key"
PROVIDER: Final = "pulumi:providers:aws"


def _raw(change: Callable[[str], str]) -> Callable[[Values], object]:
    """Edit the text of a policy document, also in ways that a JSON library does not write."""

    def edit(props: Values) -> None:
        props["policy"] = pulumi.Output.from_input(props["policy"]).apply(change)

    return edit


def _twice(element: str, first: object) -> Callable[[Values], object]:
    """Put another value before that of *element*: two parsers may use different ones."""
    before = json.dumps({element: first}).strip("{}")

    def change(text: str) -> str:
        mark = json.dumps({element: 0}, separators=(",", ":")).strip("{}0")
        assert mark in text, "a mutant changed nothing; adapt it to the program"
        return text.replace(mark, f"{before},{mark}", 1)

    return _raw(change)


def _statement(change: Callable[[list[Any]], object]) -> Callable[[Values], object]:
    def edited(text: str) -> str:
        content = json.loads(text)
        change(content["Statement"])
        return json.dumps(content)

    return _raw(edited)


def _of(statements: list[Any], sid: str) -> Any:
    return next(statement for statement in statements if statement["Sid"] == sid)


def _narrowed_by_case(statements: list[Any]) -> None:
    """A second condition key that differs in case only; IAM requires both."""
    tests = _of(statements, "NoOtherRegion")["Condition"]["StringNotEquals"]
    wide = {"EC2:Region": ["us-east-1", "eu-west-1"]}
    _of(statements, "NoOtherRegion")["Condition"]["StringNotEquals"] = {**wide, **tests}


def _key_secret(program: Program) -> Any:
    return program.resource(catalogue.ACCESS_KEY.name).secret


def _tagged_with_secret(*, plain: bool) -> Callable[[Program], object]:
    def add(program: Program) -> None:
        secret = _key_secret(program)
        ec2.RouteTable(
            program.fresh_name(),
            vpc_id=program.resource(catalogue.VPC.name).id,
            tags={"note": pulumi.Output.unsecret(secret) if plain else secret},
            opts=program.beside(catalogue.VPC.name),
        )

    return add


def _stashed_secret(program: Program) -> None:
    pulumi.Stash(program.fresh_name(), input=pulumi.Output.unsecret(_key_secret(program)))


def _component_output(program: Program) -> None:
    component = pulumi.ComponentResource("sandbox:x:X", program.fresh_name(), {})
    component.register_outputs({"note": pulumi.Output.unsecret(_key_secret(program))})


def _described_secret(program: Program) -> None:
    """The secret in a description, which everyone who lists policies can read."""
    iam.Policy(
        program.fresh_name(),
        name="sandbox-manager-policy-9",
        description=pulumi.Output.unsecret(_key_secret(program)),
        policy=json.dumps({"Version": "2012-10-17", "Statement": []}),
        opts=program.beside(catalogue.USER.name),
    )


def _own_provider(**arguments: Any) -> Callable[[Program], object]:
    """A second provider with the name of the program's, below a component of its own."""

    def add(program: Program) -> None:
        component = pulumi.ComponentResource("sandbox:x:X", program.fresh_name(), {})
        tags = {"Project": "alignment-league", "Purpose": "researcher-sandbox"}
        provider = aws.Provider(
            "aws",
            default_tags={"tags": {**tags, "Environment": "production"}},
            opts=pulumi.ResourceOptions(parent=component),
            **arguments,
        )
        cloudwatch.LogGroup(
            program.fresh_name(),
            name=names.FLOW_LOG_GROUP,
            retention_in_days=365,
            opts=pulumi.ResourceOptions(parent=component, provider=provider),
        )

    return add


def _default_provider(program: Program) -> None:
    """A resource without a provider: the engine uses the environment's credentials."""
    component = pulumi.ComponentResource("sandbox:x:X", program.fresh_name(), {})
    cloudwatch.LogGroup(
        program.fresh_name(),
        name=names.FLOW_LOG_GROUP,
        retention_in_days=365,
        opts=pulumi.ResourceOptions(parent=component),
    )


def _inactive_key(program: Program) -> None:
    user = program.resource(catalogue.USER.name)
    iam.AccessKey(
        program.fresh_name(),
        user=user.name,
        status="Inactive",
        opts=program.beside(catalogue.USER.name),
    )


def _below_another_resource(program: Program) -> None:
    provider = program.resource(PROVIDER)
    cloudwatch.LogGroup(
        program.fresh_name(),
        name=names.FLOW_LOG_GROUP,
        retention_in_days=365,
        opts=pulumi.ResourceOptions(
            parent=pulumi.CustomResource(
                "aws:sns/topic:Topic",
                program.fresh_name(),
                {},
                pulumi.ResourceOptions(provider=provider),
            ),
            provider=provider,
        ),
    )


def _with_options(kind: str, name: str = "", **options: Any) -> Mapping[str, Any]:
    return {"type": kind, "name": name, "options": options, "alone": True}


ALL: Final[Mapping[str, Mutant]] = {
    # providers
    "a second provider of the same name, elsewhere": Mutant(
        rule="configured-region",
        says="eu-west-1",
        adds=_own_provider(region="eu-west-1"),
    ),
    "a second provider of the same name, with a role": Mutant(
        rule=PROVIDERS,
        says="assumeRoles",
        adds=_own_provider(
            region="us-east-1",
            assume_roles=[{"role_arn": "arn:aws:iam::999999999999:role/admin"}],
        ),
    ),
    "a resource of the default provider": Mutant(
        rule=PROVIDERS, says="mutant-", adds=_default_provider
    ),
    "a proxy between the program and AWS": Mutant(
        rule=PROVIDERS,
        says="httpsProxy",
        type=PROVIDER,
        values=setting(https_proxy="http://proxy.example.org"),
        alone=True,
    ),
    "a certificate authority of its own": Mutant(
        rule=PROVIDERS,
        says="customCaBundle",
        type=PROVIDER,
        values=setting(custom_ca_bundle="/tmp/ca.pem"),
        alone=True,
    ),
    "a web identity": Mutant(
        rule=PROVIDERS,
        says="assumeRoleWithWebIdentity",
        type=PROVIDER,
        values=setting(
            assume_role_with_web_identity={
                "role_arn": "arn:aws:iam::999999999999:role/admin",
                "web_identity_token": "x",
            }
        ),
        alone=True,
    ),
    "a file of credentials": Mutant(
        rule=PROVIDERS,
        says="sharedCredentialsFiles",
        type=PROVIDER,
        values=setting(shared_credentials_files=["/tmp/credentials"]),
        alone=True,
    ),
    "the provider of another account": Mutant(
        rule=PROVIDERS,
        says="allowedAccountIds",
        type=PROVIDER,
        values=setting(allowed_account_ids=None),
        config={"account_id": "123456789012"},
        alone=True,
    ),
    # structure
    "a resource below another resource": Mutant(
        rule="inside-a-component", says="mutant-", adds=_below_another_resource
    ),
    "every change of the user ignored": Mutant(
        rule="no-ignored-changes",
        says="sandbox-manager",
        **_with_options(catalogue.USER.name, ignore_changes=["*"]),
    ),
    "a part of a condition ignored": Mutant(
        rule="no-ignored-changes",
        says="sandbox-instance-role",
        **_with_options(
            catalogue.ROLE.name, "sandbox-instance-role", ignore_changes=['tags["Project"]']
        ),
    ),
    # secrets
    "the key's secret in a tag": Mutant(
        rule=STAYS, says="tags", adds=_tagged_with_secret(plain=True)
    ),
    "the key's secret in a tag, as a secret": Mutant(
        rule=STAYS, says="tags", adds=_tagged_with_secret(plain=False)
    ),
    "the key's secret in a description": Mutant(
        rule=STAYS, says="description", adds=_described_secret
    ),
    "the key's secret in a stash": Mutant(rule=SECRETS, says="input", adds=_stashed_secret),
    "the key's secret in the outputs of a component": Mutant(
        rule=SECRETS, says="output note", adds=_component_output
    ),
    "a second key, asleep": Mutant(rule="keys-as-configured", says="mutant-", adds=_inactive_key),
    # documents
    "an element twice": Mutant(
        rule=GRANTS,
        says="is not a valid policy document",
        **MANAGER,
        values=_twice("Resource", "*"),
    ),
    "the denials' condition twice": Mutant(
        rule=GRANTS,
        says="is not a valid policy document",
        **BOUNDARY,
        values=_statement(_narrowed_by_case),
    ),
    "an action and a NotAction": Mutant(
        rule=GRANTS,
        says="is not a valid policy document",
        **SANDBOX,
        values=_statement(lambda statements: statements[0].update(NotAction="s3:PutObject")),
    ),
    "an element that IAM does not know": Mutant(
        rule=GRANTS,
        says="is not a valid policy document",
        **MANAGER,
        values=_statement(lambda statements: statements[0].update(action="*")),
    ),
    "a quantifier that an absent key passes": Mutant(
        rule=GRANTS,
        says="does not require ec2:Vpc",
        **MANAGER,
        values=_statement(
            lambda statements: _of(statements, "LaunchWithInterfacesOfTheSandboxNetwork").update(
                Condition={
                    "ForAllValues:ArnEquals": {
                        "ec2:Vpc": "arn:aws:ec2:us-east-1:123456789012:vpc/vpc-0123456789abcdef0"
                    }
                }
            )
        ),
    ),
    "everything but the launch denied less": Mutant(
        rule=DENIALS,
        says="Deny NotAction",
        **INSTANCE_BOUNDARY,
        values=_statement(
            lambda statements: _of(statements, "NothingElseEver").update(Resource="arn:aws:s3:::*")
        ),
    ),
    "a launch that a second statement allows": Mutant(
        rule=GRANTS,
        says="does not require",
        **MANAGER,
        values=_statement(
            lambda statements: statements.append(
                {
                    "Sid": "LaunchSandboxInstances",
                    "Effect": "Allow",
                    "Action": [RUN],
                    "Resource": ["arn:aws:ec2:us-east-1:123456789012:instance/*"],
                }
            )
        ),
    ),
}
MUTANTS: Final = {name: replace(mutant, engine=False) for name, mutant in ALL.items()}
"""Most cannot share a preview: the provider refuses them, or needs other accounts."""

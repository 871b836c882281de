"""The stack's config, parsed once into one frozen object.

Everything that can be wrong with it is reported at once, before any resource is registered; nobody
else reads ``pulumi.Config``. The keys are declared, with the same defaults, in ``Pulumi.yaml``.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from ipaddress import IPv4Network
from typing import Annotated, Any, Final, Literal, get_origin

import pulumi
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    ValidationError,
)

from infra import addresses, checks
from infra.keys import FIRST, Slot, Stage

NAMESPACE: Final = "sandbox"


class Settings(BaseModel):
    """What a stack may choose. Field names are the config keys below ``sandbox:``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    region: Annotated[str, AfterValidator(checks.region)] = "us-east-1"
    environment: Annotated[str, AfterValidator(checks.environment)] = "production"
    protect: StrictBool = False
    watch_terraform_tags: StrictBool = False
    """Whether previews look for the replaced module's mark (``infra.adoption``)."""

    vpc_cidr: Annotated[IPv4Network, BeforeValidator(checks.vpc_network)] = IPv4Network(
        "10.100.0.0/16"
    )
    main_vpc_cidr: Annotated[IPv4Network, BeforeValidator(checks.ipv4_network)] = IPv4Network(
        "10.0.0.0/16"
    )
    zones: Annotated[dict[str, StrictInt], AfterValidator(checks.zones)] = Field(
        default_factory=dict[str, int]
    )
    """Slot by availability zone; empty stands for the first three zones that need no opt-in."""
    allowed_ssh_cidrs: Annotated[
        tuple[addresses.Network, ...], BeforeValidator(checks.ssh_ranges)
    ] = (IPv4Network("0.0.0.0/0"),)
    flow_logs: StrictBool = True
    flow_log_retention_days: Annotated[StrictInt, AfterValidator(checks.retention)] = 365

    default_instance_type: Annotated[str, AfterValidator(checks.instance_type)] = "g5.12xlarge"
    allowed_instance_types: Annotated[
        tuple[str, ...],
        BeforeValidator(checks.not_empty),
        AfterValidator(checks.instance_type_patterns),
    ] = ("g5.*", "g6.*")
    sandbox_ami_id: Annotated[str, AfterValidator(checks.ami_id)] = ""
    key_name: Annotated[str, AfterValidator(checks.key_name)] = ""

    s3_read_buckets: Annotated[
        tuple[str, ...], BeforeValidator(checks.not_empty), AfterValidator(checks.bucket_patterns)
    ] = ("softmax-*",)
    s3_output_bucket: Annotated[str, AfterValidator(checks.bucket)] = "softmax-sandbox-outputs"
    instances_read_outputs: StrictBool = False
    log_prefix: Annotated[str, AfterValidator(checks.log_prefix)] = "/aws/ec2/sandbox/"
    instance_log_retention_days: Annotated[StrictInt, AfterValidator(checks.retention)] = 365

    manager_keys: Annotated[dict[Slot, Stage], AfterValidator(checks.manager_keys)] = Field(
        default_factory=lambda: dict(FIRST)
    )
    """Stage by slot of the manager's access keys; `python -m handover rotate` writes it."""
    manager_identity: Literal["user", "irsa", "pod-identity"] = "user"
    oidc_provider_arn: Annotated[str, AfterValidator(checks.oidc_provider)] = ""
    service_account: Annotated[str, AfterValidator(checks.service_account)] = ""

    cost_allocation_tags: Literal["auto", "on", "off"] = "off"
    monthly_budget_usd: Annotated[StrictInt, AfterValidator(checks.budget)] = 0
    """At which the manager can no longer launch; 0 for no such stop."""
    budget_email: Annotated[str, AfterValidator(checks.email)] = ""

    @property
    def launchable_types(self) -> tuple[str, ...]:
        """What the manager may launch: the allowed patterns, and always the default type."""
        return tuple(dict.fromkeys((*self.allowed_instance_types, self.default_instance_type)))

    @property
    def flow_log_days(self) -> int:
        """For how long flow logs are kept; 0 where there are none."""
        return self.flow_log_retention_days if self.flow_logs else 0


class SettingsError(pulumi.RunError):
    """The stack's config cannot be used; the engine prints this text, with no traceback."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n  ".join(["the stack's config cannot be used:", *problems]))
        self.problems = tuple(problems)


def from_stack() -> Settings:
    """The running stack's settings.

    Raises:
        SettingsError: one line for every problem of the config.
    """
    from pulumi.runtime.config import CONFIG  # noqa: PLC0415 - tests set it for each run

    prefix = f"{NAMESPACE}:"
    return parse(
        {
            key.removeprefix(prefix): text
            for key, text in CONFIG.get().items()
            if key.startswith(prefix)
        }
    )


def parse(raw: Mapping[str, str]) -> Settings:
    """Parse *raw*, the config's texts by key without namespace.

    Raises:
        SettingsError: one line for every problem of *raw*: key = value given: what is wrong and
            what to do.
    """
    given: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for key, text in raw.items():
        if key not in Settings.model_fields:
            problems[key] = _unknown(key)
            continue
        try:
            given[key] = _decode(key, text)
        except ValueError as error:
            problems[key] = str(error)
    try:
        settings = Settings.model_validate(given)
    except ValidationError as error:
        for one in error.errors():
            problems.setdefault(str(one["loc"][0]), _message(one))
        sound = {key: value for key, value in given.items() if key not in problems}
        settings = Settings.model_validate(sound)  # the rest is checked against each other too
    for keys, check in TOGETHER:
        if problems.keys().isdisjoint(keys) and (message := check(settings)):
            problems[keys[0]] = message
    if problems:
        raise SettingsError(
            [
                f"{NAMESPACE}:{key} = {raw[key] if key in raw else _default(key)}: {problem}"
                for key, problem in sorted(problems.items())
            ]
        )
    return settings


def _decode(key: str, text: str) -> Any:  # noqa: ANN401 - the model judges it
    """Pulumi hands everything to a program as text, structured values as JSON."""
    annotation = Settings.model_fields[key].annotation
    if annotation is str or get_origin(annotation) is Literal or annotation is IPv4Network:
        return text
    kind = get_origin(annotation) or annotation
    wanted, example = KINDS[kind]
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        value = None
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise ValueError(f"is not {example}".format(ENTRIES.get(key, "")))
    return value


KINDS: Final[Mapping[Any, tuple[type, str]]] = {
    bool: (bool, "true or false; write one of the two"),
    int: (int, "a whole number; write one without quotes"),
    tuple: (list, "a list; write a YAML list, each entry on a line of its own after a dash"),
    dict: (dict, "a mapping; write one line per {}"),
}
ENTRIES: Final[Mapping[str, str]] = {
    "zones": "zone, as in us-east-1a: 0",
    "manager_keys": "slot, as in a: current",
}


def _unknown(key: str) -> str:
    near = get_close_matches(key, Settings.model_fields, n=1, cutoff=0.0)
    return f"is no setting of this program; the nearest is {NAMESPACE}:{near[0]}"


def _message(error: Mapping[str, Any]) -> str:
    place = "".join(f"[{part}]" for part in error["loc"][1:])
    if error["type"] == "value_error":
        return f"{place} {error['ctx']['error']}".strip()
    if error["type"] == "literal_error":
        given = f"{place} {error['input']} " if place else ""
        return f"{given}is none of {error['ctx']['expected']}; choose one"
    return f"{place} {error['msg']}; given: {error['input']}".strip()


def _default(key: str) -> str:
    value = Settings.model_fields[key].get_default(call_default_factory=True)
    return f"{value} (the default)"


def _no_overlap(settings: Settings) -> str | None:
    if not settings.vpc_cidr.overlaps(settings.main_vpc_cidr):
        return None
    return (
        f"overlaps main_vpc_cidr {settings.main_vpc_cidr}, the network that the sandboxes are "
        "isolated from; choose a range outside it"
    )


def _slots_fit(settings: Settings) -> str | None:
    last = addresses.slot_count(settings.vpc_cidr) - 1
    too_high = [f"{zone}: {slot}" for zone, slot in settings.zones.items() if slot > last]
    if not too_high:
        return None
    return (
        f"{settings.vpc_cidr} holds slots 0 to {last}, which leaves out {', '.join(too_high)}; "
        "choose lower slots or a wider vpc_cidr"
    )


def _zones_of_region(settings: Settings) -> str | None:
    strangers = [zone for zone in settings.zones if not zone.startswith(settings.region)]
    if not strangers:
        return None
    return f"{', '.join(strangers)}: not in region {settings.region}; name zones of that region"


def _trust_is_complete(settings: Settings) -> str | None:
    bound_to = {
        "user": (),
        "irsa": ("oidc_provider_arn", "service_account"),
        "pod-identity": ("service_account",),
    }[settings.manager_identity]
    missing = [f"{NAMESPACE}:{name}" for name in bound_to if not getattr(settings, name)]
    if not missing:
        return None
    return f"the role is for one service account only; set {' and '.join(missing)}"


def _provider_is_used(settings: Settings) -> str | None:
    if settings.oidc_provider_arn and settings.manager_identity != "irsa":
        return (
            f"is used only with {NAMESPACE}:manager_identity = irsa, which is "
            f"{settings.manager_identity}; remove it or set irsa"
        )
    return None


def _account_is_used(settings: Settings) -> str | None:
    if settings.service_account and settings.manager_identity == "user":
        return (
            f"is used only with {NAMESPACE}:manager_identity = irsa or pod-identity, which is "
            "user; remove it or set one of these"
        )
    return None


def _budget_is_complete(settings: Settings) -> str | None:
    if bool(settings.monthly_budget_usd) == bool(settings.budget_email):
        return None
    return (
        f"a budget and the address that hears of it belong together; set both "
        f"{NAMESPACE}:monthly_budget_usd and {NAMESPACE}:budget_email, or neither"
    )


Check = Callable[[Settings], str | None]
TOGETHER: Final[Iterable[tuple[tuple[str, ...], Check]]] = (
    (("vpc_cidr", "main_vpc_cidr"), _no_overlap),
    (("zones", "vpc_cidr"), _slots_fit),
    (("zones", "region"), _zones_of_region),
    (("manager_identity", "oidc_provider_arn", "service_account"), _trust_is_complete),
    (("oidc_provider_arn", "manager_identity"), _provider_is_used),
    (("service_account", "manager_identity"), _account_is_used),
    (("monthly_budget_usd", "budget_email"), _budget_is_complete),
)
"""What is right only together: the keys it takes (the first is named), and the check."""

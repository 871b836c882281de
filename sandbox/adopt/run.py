"""One run of `sandbox adopt check` or `apply`: read, map, try on a copy, report, write."""

from infra import names
from sandbox.adopt import account, adopted_settings, log_group, mapping, report, terraform_state
from sandbox.adopt.adoption import Adoption, adopt
from sandbox.core import output
from sandbox.core.errors import RefusedError
from sandbox.core.stack import Stack


def adopt_state(
    statefile: str, stack_name: str | None, *, rotate_key: bool, check: bool
) -> Adoption:
    """Adopt *statefile* into the stack; with *check* only report.

    Raises:
        RefusedError: the next update would change what runs.
        SandboxError: the state, the stack or the account is not as it has to be.
    """
    state = terraform_state.read(statefile)
    plan = mapping.plan(state, rotate_key=rotate_key)
    stack = Stack.select(stack_name)
    region = adopted_settings.region_of(plan.place.vpc)
    account.require(adopted_settings.account_of(state, plan), region, state.where)
    standing = stack.config_values()
    prefix = {**standing, **adopted_settings.settings_of(state, plan)}["log_prefix"]
    plan = log_group.with_group(plan, region, names.instance_log_group(prefix))
    report.show_mapping(plan)
    done = adopt(state, plan, stack, standing, check=check, say=output.note)
    report.show_settings(done.settings, written=done.written)
    report.show_preview(done.verdict)
    if done.verdict.objections:
        raise RefusedError(
            f"stack {stack.name}: not sound: {'; '.join(done.verdict.objections)}"
            + ("" if done.written or not done.missing else "; nothing was written")
        )
    return done

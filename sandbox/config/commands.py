"""`sandbox config`: the configuration that the service reads."""

import typer

from sandbox.core import output
from sandbox.core.options import JsonOption, QuietOption, StackOption

app = typer.Typer(no_args_is_help=True, help="Print the configuration that the service reads.")


@app.command("show", epilog="Example: sandbox config show --stack production > sandbox.json")
def show(
    *, stack: StackOption = None, _as_json: JsonOption = False, _quiet: QuietOption = False
) -> None:
    """Print sandbox_config as JSON, for SANDBOX_CONFIG or a mounted file. It holds no secret.

    JSON: as without --json.
    """
    from sandbox.core.stack import Stack

    output.json_result(Stack.select(stack).sandbox_config().model_dump(mode="json"))


@app.command("schema", epilog="Example: sandbox config schema > docs/sandbox_config.schema.json")
def schema(*, _as_json: JsonOption = False, _quiet: QuietOption = False) -> None:
    """Print the JSON schema of sandbox_config.

    JSON: as without --json.
    """
    from sandbox_client.config import SandboxConfig

    output.json_result(SandboxConfig.model_json_schema())

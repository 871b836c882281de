"""`sandbox settings`: show, set and unset the settings of a stack."""

from typing import Annotated

import typer

from sandbox.core import output
from sandbox.core.options import JsonOption, QuietOption, StackOption

app = typer.Typer(no_args_is_help=True, help="Show, set and unset the settings of a stack.")


def _keys(incomplete: str) -> list[str]:
    from infra.settings import Settings

    return [key for key in Settings.model_fields if key.startswith(incomplete)]


KeyArgument = Annotated[
    str,
    typer.Argument(
        metavar="KEY", autocompletion=_keys, help="The setting, with or without sandbox:"
    ),
]


@app.command("show", epilog="Example: sandbox settings show --stack production")
def show(
    key: Annotated[
        str | None,
        typer.Argument(metavar="[KEY]", autocompletion=_keys, help="Only this setting."),
    ] = None,
    *,
    stack: StackOption = None,
    as_json: JsonOption = False,
    _quiet: QuietOption = False,
) -> None:
    """Show every setting: its value, its default, and whether the stack sets it.

    JSON: a list of {setting, value, default, source}. source is stack or default.
    """
    from sandbox.core.stack import Stack
    from sandbox.settings import editor

    shown = editor.show(Stack.select(stack), key)
    if as_json:
        output.json_result([setting.as_json() for setting in shown])
    else:
        output.table(editor.COLUMNS, [setting.row() for setting in shown])


@app.command(
    "set",
    epilog="Examples: sandbox settings set allowed_ssh_cidrs 203.0.113.0/24 2001:db8::/32 · "
    "sandbox settings set zones us-east-1a=0 us-east-1b=1 · sandbox settings set protect true",
)
def set_(
    key: KeyArgument,
    values: Annotated[
        list[str],
        typer.Argument(
            metavar="VALUE...",
            help="The value; a list or mapping is replaced by all values together. Write a "
            "mapping's entries as NAME=VALUE. JSON works too.",
        ),
    ],
    *,
    stack: StackOption = None,
    _quiet: QuietOption = False,
) -> None:
    """Set a setting in the stack's file, once it is checked together with all others."""
    from sandbox.core.stack import Stack
    from sandbox.settings import editor

    selected = Stack.select(stack)
    text = editor.set_values(selected, key, values)
    output.note(f"{text}, in {selected.config_file}; next: pulumi up --stack {selected.name}")


@app.command("unset", epilog="Example: sandbox settings unset key_name --stack production")
def unset(key: KeyArgument, *, stack: StackOption = None, _quiet: QuietOption = False) -> None:
    """Remove a setting from the stack's file, so that its default holds."""
    from sandbox.core.stack import Stack
    from sandbox.settings import editor

    selected = Stack.select(stack)
    text = editor.unset(selected, key)
    output.note(f"{text}; next: pulumi up --stack {selected.name}")

"""Every table that the code knows, as Markdown. `make docs` writes them into README.md and docs/.

A document names a table between marks: `<!-- [[[cog tables.settings() ]]] -->`, a line with
`<!-- [[[end]]] -->` behind it, and cog writes what the function prints between the two.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast

import typer.main
import yaml

from sandbox import cli
from sandbox.core.errors import ExitCode

ROOT: Final = Path(__file__).resolve().parents[1]
EMPTY: Final = "empty"
MESSAGE_SOURCES: Final = {
    "Settings (`pulumi preview`, `pulumi up`)": ("infra/settings",),
    "The program, before anything is created": ("infra",),
    "`sandbox image`": ("ami", "sandbox/image"),
    "`sandbox adopt`": ("sandbox/adopt",),
    "Every other command": ("sandbox",),
    "The client": ("sandbox_client",),
}
"""Where messages are raised; a file belongs to the first entry that names a folder above it."""
HOLE: Final = "…"
JSON_FORM: Final = re.compile(r"\{[^}]+\}")


def settings(*keys: str) -> None:
    """Print the settings that Pulumi.yaml declares: those of *keys*, or all."""
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))["config"]
    rows = [
        (f"`{key}`", _default(entry["default"]), " ".join(entry["description"].split()))
        for key, entry in declared.items()
        if not keys or key in keys
    ]
    _table(("key", "default", "meaning"), rows)


def exit_codes() -> None:
    """Print the one table of exit codes."""
    _table(("code", "meaning"), [(str(code.value), code.meaning) for code in ExitCode])


def commands() -> None:
    """Print every command with its arguments and options."""
    for path, command in _leaves(typer.main.get_command(cli.app), "sandbox"):
        arguments = [
            parameter.metavar or str(parameter.name).upper()
            for parameter in command.params
            if parameter.param_type_name == "argument"
        ]
        text = JSON_FORM.sub(r"`\g<0>`", command.help)
        print(f"### `{' '.join((path, *arguments))}`\n\n{text}\n")
        rows = [(_names(parameter), _plain(parameter.help)) for parameter in command.params]
        _table(("argument or option", "meaning"), rows)
        print(f"\n{_examples(command.epilog)}\n")


def messages() -> None:
    """Print every error message of the code with its cure; … stands for a value."""
    known: set[Path] = set()
    for title, folders in MESSAGE_SOURCES.items():
        files = [
            file
            for folder in folders
            for file in sorted((ROOT / folder).rglob("*.py"))
            if file not in known
        ]
        known.update(files)
        rows = sorted({_split(text) for file in files for text in error_texts(file)})
        print(f"### {title}\n")
        _table(("message", "what to do"), rows)
        print()


def rules() -> None:
    """Print the guard rails."""
    from policies.documentation import rules_table  # noqa: PLC0415 - only this table needs the pack

    print(rules_table())


def refused_kinds() -> None:
    """Print the kinds of resources that the closed list of types refuses, with the reason."""
    from policies.documentation import refused_kinds_table  # noqa: PLC0415 - as above

    print(refused_kinds_table())


def outputs() -> None:
    """Print the stack's outputs."""
    from infra.stack_outputs import OUTPUTS  # noqa: PLC0415 - only this table needs pulumi

    _table(("output", "meaning"), [(f"`{name}`", text) for name, text in OUTPUTS.items()])


def picture() -> None:
    """Print the architecture as Mermaid, its arrows on one line to keep the README short."""
    lines = (ROOT / "docs" / "architecture.mmd").read_text(encoding="utf-8").rstrip().splitlines()
    arrows = [line.strip() for line in lines if "-->" in line]
    others = [line for line in lines if "-->" not in line]
    print("\n".join(["```mermaid", *others[:-2], f"    {'; '.join(arrows)}", *others[-2:], "```"]))


def error_texts(file: Path) -> Iterator[str]:
    """The messages that *file* raises, with … in place of each value."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
            argument = node.exc.args[0]
            parts = argument.elts if isinstance(argument, ast.List) else [argument]
            for part in parts:
                text = _literal(part)
                if text.strip(HOLE + " "):
                    yield " ".join(text.split())


def _literal(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(map(_literal, values))
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _literal(left) + _literal(right)
        case _:
            return HOLE


def _split(text: str) -> tuple[str, str]:
    """A message names the problem first and, behind the last semicolon, the cure."""
    problem, _, cure = text.rpartition("; ")
    return (f"`{problem}`", cure) if problem else (f"`{cure}`", "")


def _leaves(command: Any, path: str) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - Typer types none of it
    children: Mapping[str, Any] | None = getattr(command, "commands", None)
    if children is None:
        yield path, command
        return
    for name, child in children.items():
        yield from _leaves(child, f"{path} {name}")


def _examples(epilog: str) -> str:
    """The commands behind "Example: ", as code."""
    title, _, examples = epilog.partition(": ")
    return f"{title}: {' · '.join(f'`{example}`' for example in examples.split(' · '))}"


def _names(parameter: Any) -> str:  # noqa: ANN401 - as above
    if parameter.param_type_name == "argument":
        return f"`{parameter.metavar or str(parameter.name).upper()}`"
    takes_value = not parameter.is_flag
    value = f" {parameter.metavar or str(parameter.name).strip('_').upper()}" if takes_value else ""
    return ", ".join(f"`{option}{value}`" for option in parameter.opts)


def _default(value: Any) -> str:  # noqa: ANN401 - a setting may be anything
    match value:
        case "" | {} | []:
            return EMPTY
        case bool():
            return f"`{str(value).lower()}`"
        case list():
            return ", ".join(f"`{entry}`" for entry in cast("list[object]", value))
        case dict():
            mapping = cast("dict[str, object]", value)
            return ", ".join(f"`{key}: {entry}`" for key, entry in mapping.items())
        case _:
            return f"`{value}`"


def _plain(text: str | None) -> str:
    return " ".join((text or "").split())


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    for row in (columns, ["---"] * len(columns), *rows):
        cells = (cell.replace("|", r"\|") for cell in row)
        print(f"| {' | '.join(cells)} |")

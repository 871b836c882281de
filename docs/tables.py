"""Every table that the code knows, as Markdown. `make docs` writes them into README.md and docs/.

A document names a table between marks: `<!-- [[[cog tables.settings() ]]] -->`, a line with
`<!-- [[[end]]] -->` behind it, and cog writes what the function prints between the two.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

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
    "`sandbox permissions prove`, and the tables that it reads": (
        "sandbox/permissions/claims",
        "sandbox/permissions/placeholders.py",
        "sandbox/permissions/table.py",
    ),
    "Every other command": ("sandbox",),
    "The client": ("sandbox_client",),
}
"""Where messages are raised; a file belongs to the first entry that names it or a folder above."""
INTERNAL_ERRORS: Final = frozenset(
    {
        "AttributeError",
        "CannotAskError",
        "ConnectionResetError",
        "KeyError",
        "NoStackError",
        "ResponseParserError",
    }
)
"""Errors whose text no user sees: another part of the program catches them."""
CURE: Final = "; "
"""Stands between a message's problem and its cure."""
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
    for path, command in _leaves(cli.command_tree(), "sandbox"):
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
    """Print the error messages of the code with their cures; … stands for a value.

    A message whose cure is a value, or that only puts a place before another message, has no row.
    """
    known: set[Path] = set()
    for title, folders in MESSAGE_SOURCES.items():
        files = [
            file for folder in folders for file in _python_files(ROOT / folder) if file not in known
        ]
        known.update(files)
        texts = {text for file in files for text in error_texts(file) if has_cure(text)}
        rows = sorted(_split(text) for text in texts)
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


def limits() -> None:
    """Print AWS's documented limits that the emulated AWS keeps."""
    from local.request_checks.limits import LIMITS  # noqa: PLC0415 - imports moto

    _table(
        ("limit", "operations", "AWS's code", "kept by", "source"),
        [
            (
                limit.sentence.replace("|", "\\|"),
                ", ".join(f"`{operation}`" for operation in limit.operations),
                f"`{limit.code}`",
                "moto" if limit.check is None else "`local`",
                f"[AWS]({limit.source})",
            )
            for limit in LIMITS
        ],
    )


def differences() -> None:
    """Print where the emulated AWS differs from the recorded answers."""
    named = yaml.safe_load((ROOT / "tests/recordings/differences.yaml").read_text(encoding="utf-8"))
    for kind, title in (("fields", "field"), ("errors", "error")):
        _table((title, "why it differs"), [(f"`{key}`", why) for key, why in named[kind].items()])
        print()
    _table(
        ("not compared", "operations"),
        [
            (why, ", ".join(f"`{name}`" for name in some))
            for why, some in named["operations"].items()
        ],
    )


def outputs() -> None:
    """Print the stack's outputs."""
    from infra.stack_outputs import OUTPUTS  # noqa: PLC0415 - only this table needs pulumi

    _table(("output", "meaning"), [(f"`{name}`", text) for name, text in OUTPUTS.items()])


def ministack_differences() -> None:
    """Print where the second emulated AWS differs from the first."""
    from local.ministack.differences import DIFFERENCES  # noqa: PLC0415 - only this table needs it

    rows = [difference.row for difference in DIFFERENCES]
    _table(("subject", "effect", "cause"), rows)


def adoption_questions() -> None:
    """Print what `sandbox adopt` asks the operator."""
    from sandbox.adopt.answers import ANSWERS  # noqa: PLC0415 - only this table needs it

    rows = [(f"`{answer.option}`", answer.yes, answer.no) for answer in ANSWERS]
    _table(("option for yes", "what yes means", "instead of yes"), rows)


def refused_states() -> None:
    """Print the states that `sandbox adopt` refuses, with what it says."""
    from tests.sandbox.adopt.refused_states import refusals  # noqa: PLC0415 - only this table needs it

    rows = ((name, f"`{problem.replace('`', '')}`", cure) for name, problem, cure in refusals())
    _table(("the state is, or has", "message", "cure"), rows)


def refused_runs() -> None:
    """Print why else `sandbox adopt` refuses, with what it says."""
    from tests.sandbox.adopt.refused_runs import refusals  # noqa: PLC0415 - only this table needs it

    rows = ((name, f"`{problem}`", cure) for name, problem, cure in refusals())
    _table(("the run has", "message", "cure"), rows)


def provider_tests() -> None:
    """Print how the provider's own tests end against the emulated AWS."""
    kept = yaml.safe_load((ROOT / "tests/provider/results.yaml").read_text(encoding="utf-8"))
    outcomes = ("passed", "failed", "skipped")
    rows = [
        (f"`{name}`", *(str(counts[outcome]) for outcome in outcomes))
        for name, counts in kept["resources"].items()
    ]
    _table(("resource type", *outcomes), rows)
    print()
    _table(
        ("why tests fail", "tests"),
        [(reason["why"], str(len(reason["tests"]))) for reason in kept["failed"]],
    )
    print()
    _table(
        ("the test says", "why it is skipped"),
        [(f"`{words}`", why) for words, why in kept["skipped"].items()],
    )
    if missing := kept["not run yet"]:
        print(f"\nNot run yet: {', '.join(f'`{name}`' for name in missing)}.")


def moto_patches() -> None:
    """Print the differences from AWS that the patches of moto remove."""
    rows = list[tuple[str, str, str]]()
    for file in sorted((ROOT / "local/moto_patches").glob("[a-z]*.py")):
        text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
        first = text.partition("\n\n")[0].partition(" moto ")[0]
        pages = ", ".join(f"[AWS]({page})" for page in re.findall(r"https://docs\.aws\S+", text))
        rows.append((f"`{file.stem}`", " ".join(first.split()), pages))
    _table(("patch", "what AWS does", "source"), rows)


def picture() -> None:
    """Print the architecture as Mermaid, its arrows on one line to keep the README short."""
    lines = (ROOT / "docs" / "architecture.mmd").read_text(encoding="utf-8").rstrip().splitlines()
    arrows = [line.strip() for line in lines if "-->" in line]
    others = [line for line in lines if "-->" not in line]
    print("\n".join(["```mermaid", *others[:-2], f"    {'; '.join(arrows)}", *others[-2:], "```"]))


def _python_files(path: Path) -> Sequence[Path]:
    return sorted(path.rglob("*.py")) if path.is_dir() else [path]


def error_texts(file: Path) -> Iterator[str]:
    """The messages that *file* raises, returns or yields, with … in place of each value."""
    constants = _constants(file)
    for node in ast.walk(_parsed(file)):
        for part in _message_parts(node):
            text = _literal(part, constants)
            is_message = isinstance(node, ast.Call) or (CURE in text and "\n" not in text)
            if is_message and any(map(str.isalpha, text.partition(CURE)[0])):
                yield " ".join(text.split())


def has_cure(text: str) -> bool:
    """Whether the cure of a message is in its own words, and not in one of its values."""
    return any(map(str.isalpha, text.rpartition(CURE)[2])) if CURE in text else False


def _message_parts(node: ast.AST) -> Sequence[ast.expr]:
    """What may be a message: an error's text, a problem that a check returns, yields or appends."""
    match node:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=[text, *_]) if (
            name.endswith(("Error", "BadParameter")) and name not in INTERNAL_ERRORS
        ):
            return text.elts if isinstance(text, ast.List) else [text]
        case (
            ast.Return(value=ast.JoinedStr() | ast.Constant() | ast.BinOp() as text)
            | ast.Yield(value=ast.expr() as text)
            | ast.Expr(value=ast.Call(func=ast.Attribute(attr="append"), args=[ast.expr() as text]))
        ):
            return [text]
        case _:
            return []


@cache
def _parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


@cache
def _constants(file: Path) -> Mapping[str, str]:
    """The texts that *file* names: its own constants, and those that it imports from ours."""
    texts: dict[str, str] = {}
    for node in _parsed(file).body:
        match node:
            case ast.ImportFrom(module=str(module)):
                source = ROOT / f"{module.replace('.', '/')}.py"
                known: Mapping[str, str] = _constants(source) if source.exists() else {}
                texts |= {
                    alias.name: known[alias.name] for alias in node.names if alias.name in known
                }
            case (
                ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
                | ast.Assign(targets=[ast.Name(id=name)], value=ast.expr() as value)
            ) if (text := _literal(value, texts)).strip(HOLE):
                texts[name] = text
            case _:
                pass
    return texts


def _literal(node: ast.expr, constants: Mapping[str, str]) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(_literal(value, constants) for value in values)
        case ast.FormattedValue(value=ast.Name(id=name)) | ast.Name(id=name):
            return constants.get(name, HOLE)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _literal(left, constants) + _literal(right, constants)
        case _:
            return HOLE


def _split(text: str) -> tuple[str, str]:
    """A message names the problem first and, behind the last semicolon, the cure."""
    problem, _, cure = text.rpartition(CURE)
    return f"`{problem}`", cure


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

"""A test runs every command that a document prints, or a list has the reason why none does."""

import ast
import re
import shlex
from collections.abc import Iterator, Sequence
from typing import Any, Final

import pytest

from docs import tables
from sandbox import cli
from tests.docs import printed_commands

ROOT: Final = printed_commands.ROOT
SANDBOX: Final[Any] = cli.command_tree()
SEPARATORS: Final = frozenset({"|", "||", "&&", ";", "(", ")", ">", "<"})
MENTION: Final = re.compile(r"\bsandbox((?: -?-?[a-z][a-z-]*)+)")
"""`sandbox` with the words and options that follow it in a message."""


@pytest.fixture(scope="module")
def blocks() -> Sequence[printed_commands.Block]:
    return [
        block
        for document in printed_commands.documents()
        for block in printed_commands.blocks(document)
    ]


def claims() -> Iterator[tuple[str, str | None]]:
    """The document of each call of `printed_commands.scripts`, and its section; None for all."""
    for file in (ROOT / "tests").rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        if "printed_commands.scripts(" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            match node:
                case ast.Call(
                    func=ast.Attribute(attr="scripts"), args=[ast.Constant(value=str(path)), *more]
                ):
                    yield path, ast.literal_eval(more[0]) if more else None
                case _:
                    pass


def test_a_test_runs_every_command_as_printed(blocks: Sequence[printed_commands.Block]) -> None:
    claimed = set(claims())
    run = {
        command for block in blocks if places(block) & claimed for command in block.commands
    } | printed_commands.NOT_RUN.keys()
    not_run = [
        (block.document, block.section, command)
        for block in blocks
        for command in block.commands
        if command not in run
    ]
    assert not_run == [], "run it in a test, through printed_commands.scripts"


def test_what_a_test_runs_is_printed(blocks: Sequence[printed_commands.Block]) -> None:
    assert set(claims()) <= {place for block in blocks for place in places(block)}
    assert printed_commands.NOT_RUN.keys() <= {
        command for block in blocks for command in block.commands
    }


def places(block: printed_commands.Block) -> set[tuple[str, str | None]]:
    """The claims that contain the block."""
    return {(block.document, block.section), (block.document, None)}


def test_every_fence_says_what_it_holds() -> None:
    """The tests find a block of commands only by its language."""
    unnamed = [
        (document, line)
        for document in printed_commands.documents()
        for number, line in enumerate(
            re.findall(r"^```.*$", printed_commands.text(document), flags=re.MULTILINE)
        )
        if number % 2 == 0 and line == "```"
    ]
    assert unnamed == []


def test_the_parser_takes_every_command_of_sandbox(
    blocks: Sequence[printed_commands.Block],
) -> None:
    lines = [words for block in blocks for line in block.commands for words in _simple(line)]
    examples = [words for example in _examples() for words in _simple(example)]
    checked = [words for words in (*lines, *examples) if words[0] == "sandbox"]
    assert len(checked) > 40
    for words in checked:
        command, rest = _command(words[1:])
        command.make_context(words[0], list(rest))


def test_every_command_of_sandbox_in_a_sentence_or_a_message_exists() -> None:
    code = [
        text
        for folders in tables.MESSAGE_SOURCES.values()
        for folder in folders
        for file in (ROOT / folder).rglob("*.py")
        for text in tables.error_texts(file)
    ]
    prose = [
        span
        for document in printed_commands.documents()
        for span in re.findall(r"`(sandbox [^`]+)`", printed_commands.text(document))
    ]
    mentions = [match[1].split() for text in (*code, *prose) for match in MENTION.finditer(text)]
    assert len(mentions) > 100
    for words in mentions:
        if words[0] in _children(SANDBOX):
            command, rest = _command(words)
            options = {option for parameter in command.params for option in parameter.opts}
            assert {word for word in rest if word.startswith("-")} <= options, words


def _simple(line: str) -> Iterator[list[str]]:
    """The simple commands of a command line, each as its words."""
    lexer = shlex.shlex(line.replace("\\\n", " "), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    for word in [*lexer, ";"]:
        if word in SEPARATORS:
            if words:
                yield words
            words = []
        else:
            words.append(word)


def _examples() -> Sequence[str]:
    """The examples in the help of every command, as docs/commands.md prints them."""
    lines = re.findall(
        r"^Examples?: (.+)$", printed_commands.text("docs/commands.md"), re.MULTILINE
    )
    return [example for line in lines for example in re.findall(r"`([^`]+)`", line)]


def _children(command: Any) -> dict[str, Any]:
    return getattr(command, "commands", {})


def _command(words: Sequence[str]) -> tuple[Any, Sequence[str]]:
    """The command that *words* name, and the remaining words."""
    command = SANDBOX
    for position, word in enumerate(words):
        children = _children(command)
        if not children or word.startswith("-"):
            return command, words[position:]
        assert word in children, f"sandbox {' '.join(words)}: there is no such command"
        command = children[word]
    return command, ()

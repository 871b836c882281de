"""A question names its action, and without a terminal nothing happens."""

import pytest
import typer

from sandbox.core.errors import RefusedError
from sandbox.core.prompts import confirm
from tests.sandbox.core.terminal import Terminal

ACTION = "delete access key AKIAEXAMPLE"


def test_without_a_terminal_the_error_names_the_action_and_the_option() -> None:
    with pytest.raises(RefusedError, match=f"{ACTION}.*--yes"):
        confirm(ACTION, yes=False)


def test_yes_answers_without_a_question(capsys: pytest.CaptureFixture[str]) -> None:
    confirm(ACTION, yes=True)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("answer", "refused"), [("y\n", False), ("n\n", True), ("\n", True)])
def test_a_terminal_is_asked_on_standard_error(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: str,
    *,
    refused: bool,
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    if refused:
        with pytest.raises(RefusedError, match=ACTION):
            confirm(ACTION, yes=False)
    else:
        confirm(ACTION, yes=False)
    shown = capsys.readouterr()
    assert not shown.out
    assert ACTION in shown.err


def test_the_end_of_the_input_is_an_interruption(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(""))
    with pytest.raises(typer.Abort):
        confirm(ACTION, yes=False)

"""`legwork policy explain`: the command of the grammar, from the machine itself."""

import json
from pathlib import Path

import pytest

from bot.cli.policy import explain
from config.settings import given


@pytest.mark.parametrize("call", ["git push origin", "--help", 'it\'s "quoted"'])
async def test_explain_answers_what_the_command_answers(
    home: Path, capsys: pytest.CaptureFixture[str], call: str
) -> None:
    """The call is taken as it is written; a program gets the verdict and its rule."""
    settings = given(LEGWORK_HOME=str(home))
    assert await explain(settings, "coder", "terminal", call, as_json=True) == 0
    data = json.loads(capsys.readouterr().out)
    assert (data["agent"], data["tool"], data["subject"]) == ("coder", "terminal", call)
    assert data["effect"] in ("allow", "ask", "deny")

    assert await explain(settings, "coder", "terminal", call, as_json=False) == 0
    assert data["why"] in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("codr", "terminal", "ls"), "There is no agent called @codr. Did you mean @coder?"),
        (("coder", "terminl", "ls"), "There is no tool called terminl. Did you mean terminal?"),
        (("coder", "terminal", ""), "terminal cannot be called so: command"),
    ],
)
async def test_a_mistake_is_a_sentence_and_exit_code_1(
    home: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, str, str], said: str
) -> None:
    """What the command answers goes to standard error."""
    assert await explain(given(LEGWORK_HOME=str(home)), *words, as_json=False) == 1
    assert said in capsys.readouterr().err

"""What the pages say is true: commands are commands, examples can be used, links lead somewhere."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot import runbooks
from bot.app.house import opened
from bot.cli import app
from bot.cli.demo import TRY
from bot.commands import grammar, spoken
from bot.commands.registry import COMMANDS
from bot.models.runbook import blocks
from config.settings import given
from handlers.slack import asks
from storage import agents, database, policies
from storage import runbooks as rows
from tests.docs import commands_page

REPOSITORY = Path(__file__).parents[2]
PAGES = [
    REPOSITORY / "README.md",
    REPOSITORY / "CONTRIBUTING.md",
    *sorted((REPOSITORY / "docs").glob("*.md")),
]
TASK = "T-12"
# What pages show people saying that is for an agent, and no command.
SAID = {"fix the test", "nice work", "approve, but only main"}

_FENCE = re.compile(r"^(`{3,})(\w*)\n(.*?)^\1$", re.MULTILINE | re.DOTALL)
_TABLES = re.compile(r"<!-- commands -->.*<!-- /commands -->", re.DOTALL)
_CODE = re.compile(r"(?<!`)(`{1,2})(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
_BEGINS = re.compile(r"/(?:agent|task)\b|@Legwork |!\w")
_LEGWORK = re.compile(r"(?:\S*/)?legwork")


def prose(page: Path) -> str:
    """A page without its blocks of code, and without the tables that are made from the registry."""
    return _FENCE.sub("", _TABLES.sub("", page.read_text()))


def fenced(page: Path) -> Iterator[tuple[str, str]]:
    """Language and code of each block."""
    return ((match[2], match[3]) for match in _FENCE.finditer(page.read_text()))


def spans(page: Path) -> list[str]:
    """What stands in the prose as code, on one line."""
    return [" ".join(match[2].split()) for match in _CODE.finditer(prose(page))]


def typed(page: Path) -> Iterator[str]:
    """What the page shows people typing in Slack; in a block each goes on to the next one that begins."""
    yield from (span for span in spans(page) if _BEGINS.match(span))
    for language, code in fenced(page):
        if language:
            continue
        said: list[str] = []
        for line in code.splitlines():
            if _BEGINS.match(line) or not said:
                said.append(line)
            else:
                said[-1] += f"\n{line}"
        yield from (one for one in said if _BEGINS.match(one))


def in_terminal(page: Path) -> Iterator[list[str]]:
    """The words behind each `legwork` that the page shows in a terminal."""
    scripts = [code for language, code in fenced(page) if language == "sh"]
    for script in [*scripts, *(span for span in spans(page) if _LEGWORK.match(span))]:
        words = shlex.split(script, comments=True)
        starts = [number for number, word in enumerate(words) if _LEGWORK.fullmatch(word)]
        yield from (words[start + 1 :] for start in starts if len(words) > start + 1)


def meant(said: str) -> str | None:
    """The command that something typed in Slack stands for; None where it is for an agent."""
    if said.startswith("/"):
        return said
    if said.startswith("!"):
        return spoken.in_task(said[1:], TASK)
    text = said.removeprefix("@Legwork ")
    return asks.command(text, TASK) or (f"agent assign {text}" if asks.agent(text) else None)


def understood(text: str) -> tuple[str, Any]:
    """A command's name and arguments, as the registry takes them; a mistake raises."""
    parsed = grammar.parse(text, 20_000)
    return parsed.name, COMMANDS[parsed.name].arguments.model_validate(parsed.arguments)


def pages(what: str) -> pytest.MarkDecorator:
    """One test for each page."""
    return pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.stem}-{what}")


@pages("slack")
def test_what_people_are_shown_to_type_is_a_command(page: Path) -> None:
    """In Slack: slash commands, mentions and verbs in threads are read by the code that reads them there."""
    for said in typed(page):
        command = meant(said)
        if command is None:
            assert said.lstrip("!").removeprefix("@Legwork ") in SAID, f"{said!r} is no command"
        elif command.removeprefix("/") not in COMMANDS:
            understood(command)


@pages("names")
def test_commands_that_are_named_are_there(page: Path) -> None:
    """Where the text names a command, with or without its arguments, there is such a one."""
    for span in spans(page):
        if re.match(r"(agent|task) [a-z]", span) and span not in COMMANDS:
            understood(span)


@pages("terminal")
def test_what_people_are_shown_to_run_is_there(page: Path) -> None:
    """In a terminal: `legwork` has that command, and what it is to `do` is a command of the grammar."""
    known = {one.name or (one.callback and one.callback.__name__) for one in app.registered_commands}
    known |= {one.name for one in app.registered_groups}
    for words in in_terminal(page):
        assert words[0] in {*known, "--help"}, f"legwork {words[0]} is not there"
        if words[0] == "do":
            understood(next(word for word in words[1:] if not word.startswith("--")))


@pages("mail")
def test_first_lines_of_mails_are_what_they_are_said_to_be(page: Path) -> None:
    """Tables of first lines: all but the last row are verbs that count in mails."""
    for row in re.findall(
        r"^\|(?: the first line of a mail \|)? (`(?:approve|deny|stop|status)`.*?) \|",
        prose(page),
        re.MULTILINE,
    ):
        for line in re.findall(r"`([^`]+)`", row):
            assert spoken.in_task(line, TASK, spoken.IN_MAIL), f"{line!r} is no command in a mail"


@pages("links")
def test_links_lead_somewhere(page: Path) -> None:
    """Files that are linked are there, and so are the headings."""
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", _CODE.sub("", _FENCE.sub("", page.read_text()))):
        name, _, anchor = target.partition("#")
        linked = page.parent / name if name else page
        assert linked.exists(), f"{target} is not there"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", linked.read_text(), re.MULTILINE)
            slugs = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]
            assert anchor in slugs, f"{target} is not there"


@pages("settings")
def test_settings_that_are_named_are_there(page: Path) -> None:
    """Every setting is one of `.env.example`, which has them all."""
    known = (REPOSITORY / ".env.example").read_text()
    for name in re.findall(r"\b(?:LEGWORK|SLACK)_[A-Z_]+\b", page.read_text()):
        assert re.search(rf"^#?{name}=", known, re.MULTILINE), f"{name} is no setting"


def test_the_tables_are_made_from_the_registry() -> None:
    """Whoever changes a command renews the page, as CONTRIBUTING.md says."""
    page = commands_page.PAGE.read_text()
    assert page == commands_page.renewed(page), "Run: .venv/bin/python -m tests.docs.commands_page"
    shown = re.findall(r"^\| `([^`]+)` \|", _TABLES.findall(page)[0], re.MULTILINE)
    assert sorted(one.replace(r"\|", "|") for one in shown) == sorted(
        known.usage for known in COMMANDS.values()
    )


async def test_the_example_of_an_own_configuration_can_be_used(home: Path) -> None:
    """A house opens with it, and every `agent run` of the page fills one of its runbooks or of ours."""
    (example,) = [code for language, code in fenced(commands_page.PAGE) if language == "toml"]
    file = home / "own.toml"
    file.write_text(example)
    async with opened(given(LEGWORK_HOME=home, LEGWORK_CONFIG=str(file))):
        known = {row.name: runbooks.from_row(row) for row in await database.run(lambda: list(rows.every()))}
        rules = await database.run(policies.built_in)
        assert await database.run(agents.find, "librarian")
    assert ("librarian", "terminal", "rm *") in {(rule.agent, rule.tool, rule.pattern) for rule in rules}
    ran = [understood(said) for said in typed(commands_page.PAGE) if said.startswith("/agent run ")]
    assert {arguments.runbook for _, arguments in ran} == {"find-notes", "workspace-report"}
    for _, arguments in ran:
        assert blocks(known[arguments.runbook].filled(arguments.values))


def test_what_the_demo_proposes_can_be_typed() -> None:
    """Commands as well as the answer to a mail."""
    lines = [line.strip() for line in TRY.format(page="", key="T-1", stakeholder="").splitlines()]
    commands = [meant(line) for line in lines if _BEGINS.match(line)]
    assert [understood(command)[0] for command in commands if command] == ["agent run", "agent tools ask"]
    assert [line for line in lines if spoken.in_task(line, TASK, spoken.IN_MAIL)] == ["status"]


def test_the_example_of_a_question_asks() -> None:
    """Its blocks are a question, and a script that is given the answer."""
    (said,) = [said for said in typed(commands_page.PAGE) if "```ask" in said]
    _, arguments = understood(said)
    assert [block.language for block in blocks(arguments.text)] == ["ask", "sh"]

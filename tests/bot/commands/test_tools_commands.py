"""What admins say about tools, and what they are told."""

import json
from typing import Any

import pytest

from bot import permissions, stream
from bot.commands import tools
from bot.permissions import rules
from bot.replies import Reply
from bot.tools.base import Discerning
from bot.tools.shelf import SHELF
from storage import database, policies
from tests.fakes.core import NOON, Core, after

pytestmark = pytest.mark.usefixtures("core")


async def told(core: Core, text: str, seconds: float = 0) -> str:
    """What Ada, an admin, is answered to a command that is carried out, so long after noon."""
    return (await answered(core, text, seconds)).text


async def answered(core: Core, text: str, seconds: float = 0) -> Reply:
    reply = await core.does(text, core.ada, now=after(seconds))
    assert reply.ok, reply.text
    json.dumps(reply.data)
    return reply


async def refused(core: Core, text: str) -> str:
    reply = await core.does(text, core.ada)
    assert not reply.ok
    assert await database.run(policies.everything, NOON) == []
    return reply.text


async def effect(command: str, seconds: float = 0, agent: str = "coder") -> str:
    """What happens to a command in the terminal."""

    def judge() -> str:
        return permissions.verdict(agent, "terminal", [command], "allow", after(seconds)).effect

    return await database.run(judge)


@pytest.mark.parametrize(
    "words",
    ["coder", "allow coder ask", "ask coder ask", "deny coder ask", "explain coder ask x", "reset coder"],
)
async def test_only_admins_decide_about_tools(core: Core, words: str) -> None:
    """A member is told whom to ask, and nothing is set."""
    reply = await core.does(f"agent tools {words}", core.mel)
    assert "needs the role admin, and yours is member" in reply.text
    assert await database.run(policies.everything, NOON) == []


async def test_a_rule_is_set_and_told(core: Core) -> None:
    """In one line, with the data of the rule for programs."""
    reply = await answered(core, 'agent tools ask @Coder terminal "git push *"')
    assert reply.text == "`git push *` for terminal is held for approval for @coder from the next call on."
    assert reply.data == {
        "rule": {
            "agent": "coder",
            "tool": "terminal",
            "pattern": "git push *",
            "effect": "ask",
            "by": "Ada",
            "at": "2026-11-21T12:00:00+00:00",
            "until": None,
            "built_in": False,
        },
        "against": [],
        "settled": [],
    }
    assert await effect("git push origin") == "ask"
    assert await effect("git pull") == "allow"


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ("deny coder terminal", "terminal is denied for @coder"),
        ("deny coder: terminal", "terminal is denied for @coder"),
        ("deny coder TERMINAL *", "terminal is denied for @coder"),
        ('deny coder terminal "**"', "terminal is denied for @coder"),
        ("deny all terminal", "terminal is denied for every agent"),
        ("deny * *", "every tool is denied for every agent"),
        ("deny @all all", "every tool is denied for every agent"),
        ("deny coder all", "every tool is denied for @coder"),
        ("deny coder terminal rm*", "`rm*` for terminal is denied for @coder"),
        ("deny coder terminal \u201crm *\u201d", "`rm *` for terminal is denied for @coder"),
        ("deny all all 'rm *'", "`rm *` for every tool is denied for every agent"),
    ],
)
async def test_a_rule_is_written_as_people_do(core: Core, words: str, what: str) -> None:
    """`all` or `*` is any agent or tool; the pattern may be in quotes of every kind."""
    assert await told(core, f"agent tools {words}") == f"{what} from the next call on."
    assert await effect("rm -rf /") == "deny"


async def test_a_rule_for_a_while_says_what_comes_after(core: Core) -> None:
    """It names its end, and what then holds again, and it does."""
    await told(core, "agent tools deny coder terminal")
    assert await told(core, "agent tools allow coder terminal for 2h", 60) == (
        "terminal is allowed for @coder from the next call on, until 2026-11-21 14:01 UTC.\n"
        "After that terminal is denied for @coder again: Ada set it on 2026-11-21."
    )
    assert [await effect("ls", seconds) for seconds in (60, 7259, 7260)] == ["allow", "allow", "deny"]


async def test_a_rule_that_another_stands_over_is_told_so(core: Core) -> None:
    """A deny, and a more specific rule; what is about other calls or says the same is left out."""
    for words in (
        'deny all terminal "git *"',
        'ask coder terminal "git push *"',
        "deny analyst terminal",
        "deny coder ask",
        'deny coder terminal "rm *"',
        'allow coder terminal "git log *"',
    ):
        await told(core, f"agent tools {words}")
    reply = await answered(core, "agent tools allow coder terminal git*", 60)
    assert reply.text.splitlines()[1:] == [
        "`git *` for terminal stays denied for every agent: Ada set it on 2026-11-21.",
        "`git push *` for terminal stays held for approval for @coder: Ada set it on 2026-11-21.",
    ]
    assert [rule["pattern"] for rule in reply.data["against"]] == ["git *", "git push *"]
    assert await effect("git push x", 60) == "deny"


async def test_a_deny_says_what_it_wins_over(core: Core) -> None:
    """A narrower rule that lets more no longer counts, and who set it should know."""
    await told(core, 'agent tools allow coder terminal "git status"')
    assert (await told(core, "agent tools deny all terminal")).splitlines()[1:] == [
        "It wins wherever `git status` for terminal is allowed for @coder: Ada set it on 2026-11-21."
    ]


async def test_an_exception_is_told_without_what_it_is_an_exception_from(core: Core) -> None:
    """A narrower rule simply holds; a newer one for the same replaces."""
    await told(core, "agent tools ask all terminal")
    assert "\n" not in await told(core, "agent tools allow coder terminal ls*")
    assert "\n" not in await told(core, "agent tools ask coder terminal ls*")
    assert "\n" not in await told(core, "agent tools allow coder terminal ls*")


async def test_many_contradictions_are_counted(core: Core) -> None:
    """The answer stays short."""
    for number in range(8):
        await told(core, f"agent tools deny coder terminal git{number}*")
    lines = (await told(core, "agent tools allow coder terminal")).splitlines()
    assert len(lines) == 1 + tools.NAMED + 1
    assert lines[-1] == "And 3 more: see `agent tools`."


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("deny codr terminal", "There is no agent called @codr. Did you mean @coder?"),
        ("deny ghost terminal", "There is no agent called @ghost. There is @analyst, @coder."),
        ("deny coder terminl", "There is no tool called terminl. Did you mean terminal?"),
        ("deny coder submarine", "There is no tool called submarine. There is "),
        ("deny coder", "TOOL|all is missing. Usage: `agent tools deny"),
        ("ask coder terminal for ever", "is no length of time"),
        (f"ask coder terminal {'x' * 201}", "at most 200 characters"),
        ("explain codr terminal ls", "Did you mean @coder?"),
        ("explain all submarine ls", "There is no tool called submarine."),
        ('explain coder terminal {"comand": "ls"}', "It takes command, language, stop_on_error."),
        ("deny @ terminal", "There is no agent called @. There is @analyst, @coder."),
        ("deny coder :", "There is no tool called . There is "),
        ('deny coder terminal ""', "it is empty; leave it out where any call is meant"),
        ("reset @", "There is no agent called @."),
        ("reset coder :", "There is no tool called ."),
        ("reset codr", "Did you mean @coder?"),
        ("reset coder terminl", "Did you mean terminal?"),
        ("codr", "Did you mean @coder?"),
    ],
)
async def test_a_mistake_names_what_there_is(core: Core, words: str, said: str) -> None:
    """The nearest agent or tool, and how to write it; nothing is set."""
    assert said in await refused(core, f"agent tools {words}")


@pytest.mark.parametrize(
    ("call", "said", "subject"),
    [
        (
            "git push origin",
            "**ask** — `git push *` for terminal is held for approval for @coder: Ada set it",
            "git push origin",
        ),
        ("ls", "**allow** — Nothing is set, and terminal is allowed by default.", "ls"),
        ('{"command": "git push x"}', "**ask** — `git push *`", "git push x"),
        ("{ git push x; }", "**ask** — `git push *`", "git push x"),
        ("[1]", "**allow**", "[1]"),
        ("-- --help", "**allow**", "--help"),
        ("[" * 20_000, "**allow**", "[" * 20_000),
    ],
)
async def test_explain_names_the_verdict_and_its_rule(core: Core, call: str, said: str, subject: str) -> None:
    """A call is JSON as models write it, or the plain command."""
    await told(core, 'agent tools ask coder terminal "git push *"')
    reply = await answered(core, f"agent tools explain coder terminal {call}")
    assert reply.text.startswith(said)
    assert (reply.data["subject"], reply.data["agent"], reply.data["tool"]) == (subject, "coder", "terminal")
    assert (reply.data["rule"] or {}).get("pattern", "git push *") == "git push *"


async def test_explain_tells_of_a_default_that_depends_on_the_task(core: Core) -> None:
    """Outside of a task nobody knows whom a mail may reach; a rule settles it."""
    reply = await answered(core, "agent tools explain coder mail dana@example.org")
    assert reply.text.splitlines() == [
        "**ask** — Nothing is set, and mail is held for approval by default.",
        "In a task it is allowed to those who hear of the task, held for approval for anybody else.",
    ]
    await told(core, "agent tools allow coder mail")
    assert "In a task" not in await told(core, "agent tools explain coder mail dana@example.org")


async def test_explain_names_the_part_that_decides(core: Core) -> None:
    """Of a call about several things the strictest counts."""
    await told(core, 'agent tools deny coder terminal "git push*"')
    reply = await answered(core, "agent tools explain coder terminal ls\ngit push\nls")
    assert reply.text.splitlines()[1] == "The strictest counts, which is that of `git push`."
    assert reply.data["effect"] == "deny"
    assert reply.data["why"] in reply.text


async def test_reset_tells_what_stays(core: Core) -> None:
    """An agent's own rules go; those for every agent stay, and are named."""
    for words in ("ask coder terminal", "deny coder ask", "ask all terminal x*", "deny analyst terminal"):
        await told(core, f"agent tools {words}")
    assert await told(core, "agent tools reset coder terminal") == (
        "1 rule for terminal of @coder is gone.\n"
        "`x*` for terminal stays held for approval for every agent: Ada set it on 2026-11-21."
    )
    reply = await answered(core, "agent tools reset @coder all")
    assert reply.text.startswith("1 rule for @coder is gone.\n`x*` for terminal stays")
    assert reply.data["removed"] == 1
    assert await told(core, "agent tools reset coder") == (
        "No rules were set for @coder.\n"
        "`x*` for terminal stays held for approval for every agent: Ada set it on 2026-11-21."
    )
    assert await told(core, "agent tools reset all") == "1 rule for every agent is gone."
    left = await database.run(policies.everything, NOON)
    assert [rule.agent for rule in left] == ["analyst"]


async def test_the_list_shows_what_holds_and_who_said_so(core: Core) -> None:
    """Each tool with what holds for it, then the rules, newest first."""
    assert [name for name, tool in SHELF.items() if isinstance(tool, Discerning)] == ["mail"]
    await database.run(rules.set_built_in, [{"tool": "terminal", "pattern": "rm *", "effect": "ask"}], NOON)
    await told(core, 'agent tools deny coder terminal "git push *" for 1d')
    await told(core, "agent tools ask all terminal", 1)
    await told(core, "agent tools deny analyst all", 2)
    everyone = await answered(core, "agent tools", 3)
    lines = everyone.text.splitlines()
    assert lines[0] == "**What every agent may do**"
    mail = "by default allowed to those who hear of the task, held for approval for anybody else"
    held = {"terminal": "held for approval", "mail": mail}
    shown = [f"- {name}: {held.get(name, 'allowed by default')}" for name in SHELF]
    assert lines[1 : 1 + len(SHELF)] == shown
    ends = "until 2026-11-22 12:00 UTC"
    assert lines[1 + len(SHELF) :] == [
        "**Rules**",
        "- every tool is denied for @analyst: Ada set it on 2026-11-21.",
        "- terminal is held for approval for every agent: Ada set it on 2026-11-21.",
        f"- `git push *` for terminal is denied for @coder: Ada set it on 2026-11-21, {ends}.",
        "- `rm *` for terminal is held for approval for every agent: it is built in.",
    ]
    one = await answered(core, "agent tools @analyst", 3)
    assert {tool["effect"] for tool in one.data["tools"]} == {"deny"}
    assert [rule["agent"] for rule in one.data["rules"]] == ["analyst", "", ""]


async def test_an_empty_list_says_how_to_set_a_rule(core: Core) -> None:
    """The defaults show all the same."""
    text = await told(core, "agent tools coder")
    assert "- terminal: allowed by default" in text
    assert text.endswith('No rules are set. Set one: `agent tools ask @AGENT TOOL "PATTERN"`')


async def test_a_long_list_is_cut_for_people_and_whole_for_programs(core: Core) -> None:
    """A message has room for so much."""
    for number in range(tools.LISTED + 2):
        await told(core, f"agent tools ask coder terminal x{number}", number)
    reply = await answered(core, "agent tools", 100)
    assert reply.text.endswith("And 2 older ones.")
    assert len(reply.data["rules"]) == tools.LISTED + 2


async def test_a_change_holds_from_the_next_call_on(core: Core) -> None:
    """Between two calls of one task, for as long as it stands."""
    seen: list[Any] = []
    for words in ("", "deny coder terminal", "ask coder terminal", "reset coder"):
        if words:
            await told(core, f"agent tools {words}")
        seen.append(await effect("ls"))
    assert seen == ["allow", "deny", "ask", "allow"]
    facts = [event.fact.kind for event in await database.run(stream.replay, stream.HOUSE)]
    assert facts == ["PolicySet", "PolicySet", "PolicyReset"]

"""An admin says in chat what an agent may do; people decide by button; it holds from the very next call."""

import asyncio
import re

import pytest

from bot.app.worker import worker
from bot.practice import Message
from config.settings import Settings
from tests.fakes.team import PATIENCE_S, Team, until

TOUCH = "@Legwork @coder Touch it\n```sh\ntouch made; ls\n```"
TWO_STEPS = """@Legwork @coder Go on
```sh
echo begun > started; until [ -e go ]; do sleep 0.02; done; echo first
```
```sh
touch made; ls made
```"""
ASK = '/agent tools ask coder terminal "touch made"'
WHO_AND_WHEN = r"Approved by (bob|dana) in Slack, \d+ \w+ \d{4}, \d\d:\d\d UTC"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Dana is an admin in Slack, alice and bob are members of the team."""
    return settings.model_copy(update={"admins": ("U0DANA",)})


async def admin(team: Team, text: str) -> str:
    """Dana types a command; what she is told."""
    return str((await team.types(text, user="dana")).json()["text"])


async def at_work(team: Team) -> None:
    """The first of two steps is under way."""
    await until((team.workspace() / "started").exists)


async def asked(team: Team, text: str = TOUCH, key: str = "A-1") -> Message:
    """Alice's task waits: the message that asks, with its buttons."""
    root = (await team.room.say(text)).ts
    return await asked_in(team, root, key)


async def asked_in(team: Team, root: str, key: str) -> Message:
    """The message of a thread that asks."""
    message = await team.message(f"{key}: may @coder do this?", root)
    assert labels(message) == ["Approve", "Deny"]
    return message


def labels(message: Message) -> list[str]:
    """The buttons that a message has."""
    elements = [element for block in message.blocks for element in block.get("elements", ())]
    return [element["text"]["text"] for element in elements if element["type"] == "button"]


async def closed(team: Team, message: Message, saying: str) -> None:
    """The message says what became of the question, and has no buttons any more."""
    await team.room.wait_for(lambda: re.search(saying, str(message.blocks)), PATIENCE_S)
    assert labels(message) == []


async def test_a_deny_holds_from_the_next_call_on(team: Team) -> None:
    """What an admin denies while a task runs is not done any more; what is under way ends in peace."""
    await team.room.say(TWO_STEPS)
    await at_work(team)
    assert "denied for @coder" in await admin(team, "/agent tools deny coder terminal")
    (team.workspace() / "go").touch()
    shown = await team.settled("failed")
    assert [step["state"] for step in shown["steps"]] == ["ok", "refused"]
    assert shown["steps"][0]["output"] == "first\n"
    assert "denied for @coder" in shown["outcome"]
    assert "dana set it" in shown["outcome"]
    assert not (team.workspace() / "made").exists()


async def test_only_an_admin_changes_what_agents_may_do(team: Team) -> None:
    """A member's command is refused with who can do it; nothing has changed."""
    answer = (await team.types("/agent tools deny coder terminal")).json()["text"]
    assert "admin" in answer
    await team.room.say(TOUCH)
    await team.settled("done")


async def test_approve_by_button(team: Team) -> None:
    """The call waits and runs once it is approved; the same message shows who did it and when."""
    await admin(team, ASK)
    message = await asked(team)
    assert "touch made; ls" in str(message.blocks)
    assert not (team.workspace() / "made").exists()
    assert (await team.room.press(message.ts, "Approve", user="bob")).error == ""
    shown = await team.settled("done")
    assert [step["output"] for step in shown["steps"]] == ["made\n"]
    await closed(team, message, WHO_AND_WHEN)
    assert not team.room.slack.ephemerals("bob")


async def test_deny_by_button_with_a_reason(team: Team) -> None:
    """A modal asks why; the reason reaches the agent, and stands in the thread."""
    await admin(team, ASK)
    message = await asked(team)
    await team.room.press(message.ts, "Deny", user="bob")
    await team.room.wait_for(lambda: team.room.slack.views_of("bob"), PATIENCE_S)
    assert (await team.room.submit({"text": "It's *too* broad & <rough>"}, user="bob")).errors == {}
    shown = await team.settled("failed")
    assert "It's *too* broad & <rough>" in shown["outcome"]
    assert shown["steps"][0]["state"] == "refused"
    await closed(team, message, r"Denied by .* in Slack.*broad &amp; &lt;rough&gt;")


async def test_bystanders_are_told_alone(team: Team) -> None:
    """Who asked for it, a stakeholder, who is not named: each is told why not, alone; all stays open."""
    await admin(team, ASK)
    message = await asked(team)
    await team.room.press(message.ts, "Approve", user="alice")
    await team.note("is for somebody else to approve", "alice")
    await team.types("/agent list", user="bob")
    await admin(team, "/agent people role <@U0BOB> stakeholder")
    await team.room.press(message.ts, "Approve", user="bob")
    await team.note("A-1", "bob")
    await admin(team, "/agent people role <@U0BOB> member")
    await admin(team, "/agent edit coder --approvers <@U0DANA>")
    before = len(team.room.slack.ephemerals("bob"))
    await team.room.press(message.ts, "Approve", user="bob")
    await team.room.wait_for(lambda: team.room.slack.ephemerals("bob")[before:], PATIENCE_S)
    assert "to decide" in team.room.slack.ephemerals("bob")[-1].text
    assert labels(message) == ["Approve", "Deny"]
    assert (await team.does("task show T-1")).data["state"] == "waiting"
    await team.room.press(message.ts, "Approve", user="dana")
    await team.settled("done")


async def test_two_at_once(team: Team) -> None:
    """The first press counts and the call is made once; the other person is told who was first."""
    await admin(team, ASK)
    message = await asked(team)
    pressing = [team.room.press(message.ts, "Approve", user=user) for user in ("bob", "dana")]
    assert {answer.error for answer in await asyncio.gather(*pressing)} == {""}
    shown = await team.settled("done")
    await closed(team, message, WHO_AND_WHEN)
    first, second = ("bob", "dana") if shown["approvals"][0]["by"] == "bob" else ("dana", "bob")
    await team.note(f"{first} decided A-1 at", second)
    assert not any("A-1" in note.text for note in team.room.slack.ephemerals(first))
    assert [step["output"] for step in shown["steps"]] == ["made\n"]


async def test_an_approval_is_for_one_call(team: Team) -> None:
    """What was approved once is asked about again when the task begins anew."""
    await admin(team, ASK)
    message = await asked(team)
    await team.room.press(message.ts, "Approve", user="bob")
    await team.settled("done")
    await team.room.say("!retry", thread_ts=message.thread_ts)
    again = await asked_in(team, message.thread_ts, "A-2")
    assert [one["state"] for one in (await team.settled("waiting"))["approvals"]] == ["approve", "open"]
    await team.room.press(again.ts, "Approve", user="bob")
    await team.settled("done")


async def test_a_rule_that_allows_it_answers_what_waits(team: Team) -> None:
    """Once an admin allows the call, nobody is asked: the message says why, and the task goes on."""
    await admin(team, ASK)
    message = await asked(team)
    told = await admin(team, ASK.replace(" ask ", " allow "))
    assert "A-1 is no longer asked: T-1 goes on." in told
    await closed(team, message, "Withdrawn: dana changed the rules.")
    shown = await team.settled("done")
    assert [step["output"] for step in shown["steps"]] == ["made\n"]


@pytest.mark.parametrize(("length", "state"), [("2h", "done"), ("1s", "waiting")])
async def test_a_grant_ends_by_itself(team: Team, length: str, state: str) -> None:
    """What is allowed for a time is asked about again after it, in a task that began within it too."""
    await admin(team, ASK)
    await team.room.say(TWO_STEPS)
    await at_work(team)
    told = await admin(team, f'/agent tools allow coder terminal "touch made" for {length}')
    assert "until" in told

    async def over() -> bool:
        rules = (await team.does("agent tools coder")).data["rules"]
        return all(rule["until"] is None for rule in rules)

    if length == "1s":
        await team.comes_true(over)
    (team.workspace() / "go").touch()
    await team.settled(state)


async def test_a_cancelled_task_asks_no_longer(team: Team) -> None:
    """Cancelling withdraws the question: no buttons, and who approves all the same is told so."""
    await admin(team, ASK)
    message = await asked(team)
    await team.room.say("!cancel", thread_ts=message.thread_ts)
    await closed(team, message, "Withdrawn")
    answer = (await team.types("/task approve A-1", user="bob")).json()["text"]
    assert "withdrawn" in answer
    assert (await team.does("task show T-1")).data["state"] == "cancelled"
    assert not (team.workspace() / "made").exists()


@pytest.mark.parametrize(("effect", "state"), [("deny", "failed"), ("allow", "done")])
async def test_a_policy_that_changes_after_the_approval_counts(desk: Team, effect: str, state: str) -> None:
    """The verdict is asked for when the call is made: an approval outlives no deny, and needs no ask."""
    await admin(desk, ASK)
    async with worker(desk.house):
        message = await asked(desk)
        await desk.settled("waiting")
    await desk.room.press(message.ts, "Approve", user="bob")
    await admin(desk, f'/agent tools {effect} coder terminal "touch made"')
    async with worker(desk.house):
        shown = await desk.settled(state)
        await closed(desk, message, WHO_AND_WHEN)
    assert (desk.workspace() / "made").exists() == (effect == "allow")
    assert len(shown["approvals"]) == 1

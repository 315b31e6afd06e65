"""Buttons and the modal that asks why, pressed by those who may and by those who may not."""

import asyncio
import json
from urllib.parse import urlencode

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.app.far_ends import slack_client
from bot.app.house import now
from storage import approvals, database
from storage.tables import Approvals, Identities, People, Runs, Tasks
from tests.fakes.team import Team
from tests.handlers.slack.talk import effects, noted, post, rows, states

HELLO = "@Legwork assign @coder Say hello"


def button(action_id: str, value: str, label: str) -> dict[str, object]:
    text = {"type": "plain_text", "text": label}
    return {"type": "button", "action_id": action_id, "value": value, "text": text}


async def asked(team: Team) -> str:
    """T-1 waits for A-1, with buttons in its thread; their message."""
    root = (await team.room.say(HELLO)).ts

    def ask() -> None:
        approvals.ask(1, "call-1", "digest", now(), own=True, steered_by="", asked_of="", remind_at=now())
        Tasks.update(state="waiting", waiting_for="approval").execute()
        Runs.update(parked=True).execute()

    await database.run(ask)
    client: AsyncWebClient = slack_client(team.house.settings)
    buttons = [
        button("do:1", "task approve A-1", "Approve"),
        button("why:2", "task deny A-1", "Deny…"),
        button("do:3", "task show T-1", "Show"),
        button("do:4", "agent nonsense", "Nonsense"),
    ]
    posted = await client.chat_postMessage(
        channel="C0GENERAL", thread_ts=root, text="?", blocks=[{"type": "actions", "elements": buttons}]
    )
    return str(posted["ts"])


async def decided() -> tuple[str, str, str]:
    """How A-1 stands."""
    return await rows(lambda: (Approvals.get().state, Approvals.get().door, Approvals.get().note))


async def stakeholder(user_id: str) -> None:
    """Somebody is no team member."""

    def change() -> None:
        person = Identities.get(Identities.value == user_id).person
        People.update(role="stakeholder").where(People.id == person.id).execute()

    await database.run(change)


async def test_a_button_runs_its_command(desk: Team) -> None:
    """Approve approves; the thread shows it, so that nobody is told again."""
    ts = await asked(desk)
    answer = await desk.room.press(ts, "Approve", user="bob")
    assert (answer.status_code, answer.error) == (200, "")
    assert await decided() == ("approved", "slack", "")
    assert await states() == ["queued"]
    assert await noted() == []


async def test_two_presses_at_once_decide_once(desk: Team) -> None:
    """The first answer counts; who came second is told so, alone and in the thread."""
    ts = await asked(desk)
    answers = await asyncio.gather(*(desk.room.press(ts, "Approve", user=user) for user in ("alice", "bob")))
    assert [one.status_code for one in answers] == [200, 200]
    (note,) = await noted()
    assert "the first answer counts" in note.text
    assert note.only_for in ("U0ALICE", "U0BOB")
    assert (note.channel, note.thread != ts) == ("C0GENERAL", True)


async def test_a_bystanders_press_decides_nothing(desk: Team) -> None:
    """Who may not decide is told so alone; a button gives nobody rights."""
    ts = await asked(desk)
    await desk.room.say("@Legwork list", user="bob", channel="deploys")
    await stakeholder("U0BOB")
    before = len(await noted())
    await desk.room.press(ts, "Approve", user="bob")
    assert (await decided())[0] == "open"
    (note,) = (await noted())[before:]
    assert note.only_for == "U0BOB"


async def test_a_command_that_only_tells_is_answered_privately(desk: Team) -> None:
    """What no thread shows is told to whoever pressed; a command that is none as well."""
    ts = await asked(desk)
    await desk.room.press(ts, "Show")
    await desk.room.press(ts, "Nonsense")
    shown, mistake = await noted()
    assert "Say hello" in shown.text
    assert "There is no command `agent nonsense`" in mistake.text
    assert {shown.only_for, mistake.only_for} == {"U0ALICE"}


async def test_a_modal_asks_why(desk: Team) -> None:
    """Deny… opens a modal; what is entered there is the reason."""
    ts = await asked(desk)
    await desk.room.press(ts, "Deny…", user="bob")
    await desk.room.wait_for(lambda: desk.room.slack.views_of("bob"), 10)
    submitted = await desk.room.submit({"text": "It's too broad"}, user="bob")
    assert submitted.errors == {}
    assert not desk.room.slack.views_of("bob")
    assert await decided() == ("denied", "slack", "It's too broad")
    assert await noted() == []


async def test_a_mistake_is_shown_in_the_modal(desk: Team) -> None:
    """What is no longer asked cannot be denied: the modal says so, and stays."""
    ts = await asked(desk)
    await desk.room.press(ts, "Deny…", user="bob")
    await desk.room.wait_for(lambda: desk.room.slack.views_of("bob"), 10)
    await desk.room.press(ts, "Approve")
    submitted = await desk.room.submit({"text": "no"}, user="bob")
    assert "the first answer counts" in submitted.errors["why"]
    assert desk.room.slack.views_of("bob")
    assert (await decided())[0] == "approved"


async def test_a_modal_that_slack_does_not_show_is_replaced_by_words(desk: Team) -> None:
    """Where Slack refuses to open it, whoever pressed is told what to type."""
    ts = await asked(desk)
    desk.room.slack.fail("views.open", error="expired_trigger_id")
    await desk.room.press(ts, "Deny…", user="bob")
    async with asyncio.timeout(10):
        while not (notes := await noted()):  # noqa: ASYNC110  each look waits for the database
            await asyncio.sleep(0.01)
    assert "`/task deny A-1 …`" in notes[0].text
    assert notes[0].only_for == "U0BOB"


async def test_a_press_is_acked_before_slack_shows_the_modal(desk: Team) -> None:
    """The ack does not wait for views.open."""
    ts = await asked(desk)
    desk.room.slack.fail("views.open", how="hang")
    answer = await desk.room.press(ts, "Deny…")
    assert answer.error == ""
    assert answer.seconds < 1.0


async def test_a_submission_that_comes_twice_acts_once(desk: Team) -> None:
    """The same delivery again is acked and does nothing."""
    await asked(desk)
    purpose = {"value": "task deny A-1", "channel": "C0GENERAL", "private": False, "thread": "1.000000"}
    payload = {
        "type": "view_submission",
        "user": {"id": "U0BOB", "username": "bob"},
        "trigger_id": "t-1",
        "view": {
            "id": "V1",
            "type": "modal",
            "callback_id": "why",
            "private_metadata": json.dumps(purpose),
            "state": {"values": {"why": {"text": {"value": "no"}}}},
        },
    }
    body = urlencode({"payload": json.dumps(payload)}).encode()
    for _ in range(2):
        status, text = await post(desk, body, "application/x-www-form-urlencoded")
        assert (status, json.loads(text)) == (200, {"response_action": "clear"})
    assert (await decided())[0] == "denied"
    assert await noted() == []


@pytest.mark.parametrize(
    "changes",
    [
        {"actions": []},
        {"actions": [{"action_id": "do:1", "type": "button"}]},
        {"actions": [{"action_id": "do:1", "value": "", "type": "button"}]},
        {"actions": [{"action_id": "open the page", "value": "x", "type": "button"}]},
        {"actions": [{"action_id": "do:1", "value": "task cancel T-1", "type": "button"}], "channel": None},
        {"actions": [{"action_id": "do:1", "value": "task cancel T-1", "type": "button"}], "user": {}},
        {"actions": [{"action_id": "do:1", "value": "x" * 5_000, "type": "button"}]},
        {"trigger_id": ""},
        {"user": {"id": "U0EVE", "team_id": "T0ELSEWHERE"}, "team": {"id": "T0PRACTICE"}},
        {"type": "view_submission", "view": {"callback_id": "why"}},
        {"type": "view_submission", "view": {"type": "modal", "callback_id": "why"}},
        {"type": "view_submission", "view": {"type": "modal", "callback_id": "why", "private_metadata": "{"}},
        {"type": "view_submission", "view": {"type": "modal", "callback_id": "else"}},
        {"type": "view_closed", "view": {"callback_id": "why"}},
    ],
)
async def test_a_garbled_press_does_nothing(desk: Team, changes: dict[str, object]) -> None:
    """What lacks something is acked or refused, and has no effect."""
    await asked(desk)
    before = await effects()
    payload = {
        "type": "block_actions",
        "user": {"id": "U0BOB", "username": "bob"},
        "channel": {"id": "C0GENERAL", "name": "general"},
        "container": {"type": "message", "message_ts": "1.000000"},
        "actions": [{"action_id": "do:1", "value": "task cancel T-1", "type": "button"}],
        "trigger_id": "t-1",
        **changes,
    }
    body = urlencode({"payload": json.dumps(payload)}).encode()
    status, _ = await post(desk, body, "application/x-www-form-urlencoded")
    assert 200 <= status < 500
    assert await effects() == before

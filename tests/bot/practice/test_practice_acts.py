"""What a person does in the page is what the room's own calls do."""

import httpx
import pytest
from slack_sdk.web.async_client import AsyncWebClient
from starlette.responses import PlainTextResponse

from bot.practice import PracticeRoom
from tests.bot.practice.far_end import FarEnd

GENERAL = "C0GENERAL"
BUTTONS = [
    {
        "type": "actions",
        "block_id": "b",
        "elements": [
            {
                "type": "button",
                "text": {"type": "plain_text", "text": "Approve"},
                "action_id": "yes",
                "confirm": {
                    "title": {"type": "plain_text", "text": 'Sure "really"?'},
                    "text": {"type": "plain_text", "text": "a &lt; b"},
                    "confirm": {"type": "plain_text", "text": "Yes"},
                    "deny": {"type": "plain_text", "text": "No"},
                },
            }
        ],
    }
]


async def test_words_and_replies_are_said(browser: httpx.AsyncClient, far_end: FarEnd) -> None:
    """In a channel, in a thread and to the bot alone, as the chosen person; errors of the bot are told."""
    said = {"user": "U0BOB", "channel": GENERAL, "text": "hello"}
    root = (await browser.post("say", json=said)).json()["ts"]
    await browser.post("say", json={**said, "thread": root, "text": "!status"})
    await browser.post("say", json={**said, "channel": "@legwork"})
    assert [event["user"] for event in far_end.events] == ["U0BOB"] * 3
    assert far_end.events[1]["thread_ts"] == root
    assert far_end.events[2]["channel_type"] == "im"
    far_end.answers = [PlainTextResponse("no", 500)]
    assert (await browser.post("say", json=said)).json()["errors"] == ["http_error"]


@pytest.mark.parametrize(
    ("act", "body", "said"),
    [
        ("say", {"text": "/agent list", "thread": "1700000000.000001"}, "Slack takes no commands in threads"),
        ("say", {"text": "x", "thread": "1700000000.000001"}, "This thread is gone."),
        ("say", {"text": "x", "channel": "C0NOWHERE"}, "There is no such channel."),
        ("say", {"text": "x", "user": "nobody"}, "Nobody here is called that."),
        ("say", {"text": "x", "channel": "C0DEPLOYS"}, "You are not in this channel."),
        ("press", {"ts": "1700000000.000001", "button": "yes"}, "sees no message"),
        ("submit", {"view": "V1", "values": {}}, "no such modal"),
        ("dismiss", {"view": "V1"}, "no such modal"),
    ],
)
async def test_what_cannot_be_done_is_a_sentence(
    room: PracticeRoom, browser: httpx.AsyncClient, act: str, body: dict[str, str], said: str
) -> None:
    """Nothing happens, and the page can show why."""
    room.slack.channel("deploys").members.clear()
    answer = await browser.post(act, json={"user": "U0ALICE", "channel": GENERAL, **body})
    assert (answer.status_code, said in answer.json()["error"]) == (400, True)
    assert room.slack.messages == []


@pytest.mark.parametrize("act", ["say", "press", "submit", "dismiss", "reply", "command"])
async def test_garbage_is_refused(browser: httpx.AsyncClient, act: str) -> None:
    """No JSON, no object, no fields: 400, and never a stack trace."""
    for body in (b"{", b"[]", b"{}", b'"x"', b"5"):
        assert (await browser.post(act, content=body)).status_code == 400


async def test_a_button_is_drawn_to_be_pressed(
    room: PracticeRoom, slack: AsyncWebClient, browser: httpx.AsyncClient, far_end: FarEnd
) -> None:
    """With what is asked before it acts, escaped; in a saved thread it is dead."""
    ts = (await slack.chat_postMessage(channel=GENERAL, text="x", blocks=BUTTONS))["ts"]
    html = (await browser.get("state")).json()["messages"][0]["html"]
    assert 'data-press="b/yes"' in html
    assert 'data-confirm-title="Sure &quot;really&quot;?"' in html
    assert 'data-confirm-text="a &lt; b"' in html
    done = await browser.post(
        "press", json={"user": "U0BOB", "channel": GENERAL, "ts": ts, "button": "b/yes"}
    )
    assert done.json() == {"status": 200, "error": ""}
    assert far_end.bodies[0]["user"]["id"] == "U0BOB"
    saved = room.save_thread("general", ts).read_text()
    assert "data-press" not in saved
    assert "disabled" in saved


async def test_a_modal_is_a_form(
    room: PracticeRoom, slack: AsyncWebClient, browser: httpx.AsyncClient, far_end: FarEnd
) -> None:
    """It is listed for its person, escaped, and goes when it was sent or closed."""
    await room.command("/agent", "list")
    text = {"type": "plain_text", "text": "<Why>"}
    view = {
        "type": "modal",
        "title": text,
        "submit": text,
        "blocks": [
            {
                "type": "input",
                "block_id": '"><img>',
                "label": text,
                "hint": text,
                "optional": True,
                "element": {
                    "type": "plain_text_input",
                    "initial_value": "</textarea><b>",
                    "multiline": True,
                    "placeholder": {"type": "plain_text", "text": '"x'},
                },
            }
        ],
    }
    for act in ("submit", "dismiss"):
        await room.command("/agent", "list")
        await slack.views_open(trigger_id=far_end.bodies[-1]["trigger_id"], view=view)
        [shown] = (await browser.get("state")).json()["views"]
        assert shown["user"] == "U0ALICE"
        for raw in ("<Why>", "<img>", "<b>", 'placeholder=""x"'):
            assert raw not in shown["html"]
        body = {"user": "U0ALICE", "view": shown["id"], "values": {'"><img>': "because"}}
        assert (await browser.post(act, json=body)).status_code == 200
        assert (await browser.get("state")).json()["views"] == []
    [state] = far_end.bodies[-2]["view"]["state"]["values"].values()
    assert [one["value"] for one in state.values()] == ["because"]


async def test_a_letter_is_answered(room: PracticeRoom, browser: httpx.AsyncClient) -> None:
    """The box is there where a server takes answers; what it said is shown below the letter."""
    room.mail_to = room.mailbox.url.removeprefix("smtp://")
    await room.mailbox.write("dana@example.org", "May I?", "Say.", sender="bot@practice.example")
    shown = (await browser.get("letters/1")).json()["html"]
    assert 'data-line="approve"' in shown
    room.mailbox.fail("RCPT", code=550, text="5.1.1 <No> such task")
    answer = await browser.post("reply", json={"user": "U0ALICE", "letter": 1, "text": "approve"})
    assert answer.json() == {"code": 550, "said": "5.1.1 <No> such task"}
    await browser.post("reply", json={"user": "U0ALICE", "letter": 1, "text": "deny <b>"})
    assert room.mailbox.letters[1].parsed.header("In-Reply-To") == room.mailbox.letters[0].message_id
    shown = (await browser.get("letters/1")).json()["html"]
    assert "550 5.1.1 &lt;No&gt; such task" in shown
    assert "deny &lt;b&gt;" in shown
    for body, status in (({"letter": 9, "text": "x"}, 404), ({"letter": 1, "text": " "}, 400)):
        assert (await browser.post("reply", json=body)).status_code == status
    room.mail_to = ""
    assert "data-line" not in (await browser.get("letters/1")).json()["html"]

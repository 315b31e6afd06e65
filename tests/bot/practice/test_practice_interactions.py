"""Buttons work as in Slack, and only as in Slack."""

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient
from starlette.responses import PlainTextResponse

from bot.practice import PracticeRoom, block_kit
from bot.practice.model import ApiError
from tests.bot.practice.far_end import FarEnd

GENERAL = "C0GENERAL"


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def button(label: str, **fields: Any) -> dict[str, Any]:
    return {"type": "button", "text": plain(label), **fields}


ASKED = [
    {
        "type": "actions",
        "block_id": "b1",
        "elements": [
            button("Approve", action_id="yes", value="task approve A-17", style="primary"),
            button("Deny", action_id="no"),
        ],
    },
    {"type": "section", "block_id": "b2", "text": plain("more"), "accessory": button("Show")},
]


async def ask(slack: AsyncWebClient, **options: Any) -> str:
    """Post a message with buttons; its timestamp."""
    answer = await slack.chat_postMessage(channel=GENERAL, text="May I?", blocks=ASKED, **options)
    return str(answer["ts"])


async def test_a_press_is_signed_and_complete(
    room: PracticeRoom, slack: AsyncWebClient, far_end: FarEnd
) -> None:
    """The documented payload: who, where, which message, which button with its value."""
    root = (await slack.chat_postMessage(channel=GENERAL, text="root"))["ts"]
    ts = await ask(slack, thread_ts=root)
    answer = await room.press(ts, "Approve", user="bob")
    assert (answer.status_code, answer.error) == (200, "")
    [(headers, body)] = far_end.requests
    assert SignatureVerifier(room.slack.signing_secret).is_valid_request(body, headers)
    [payload] = far_end.bodies
    assert payload["type"] == "block_actions"
    assert payload["user"] == {"id": "U0BOB", "username": "bob", "name": "bob", "team_id": "T0PRACTICE"}
    assert payload["channel"] == {"id": GENERAL, "name": "general"}
    assert payload["container"] == {
        "type": "message",
        "message_ts": ts,
        "channel_id": GENERAL,
        "is_ephemeral": False,
        "thread_ts": root,
    }
    assert (payload["message"]["ts"], payload["message"]["thread_ts"]) == (ts, root)
    [action] = payload["actions"]
    assert action.pop("action_ts")
    assert action == {
        "action_id": "yes",
        "block_id": "b1",
        "text": {"type": "plain_text", "text": "Approve", "emoji": True},
        "value": "task approve A-17",
        "style": "primary",
        "type": "button",
    }


async def test_only_a_button_that_is_there_can_be_pressed(
    room: PracticeRoom, slack: AsyncWebClient, far_end: FarEnd
) -> None:
    """By id, by block and id, or by label; a button without an id got one from Slack."""
    ts = await ask(slack)
    for name in ("no", "b1/no", "Deny", "Show"):
        await room.press(ts, name)
    assert len({body["actions"][0]["action_id"] for body in far_end.bodies}) == 2
    with pytest.raises(LookupError, match="Approve \\(yes\\), Deny \\(no\\)"):
        await room.press(ts, "Explode")
    with pytest.raises(LookupError, match="sees no message"):
        await room.press("1700000000.000001", "yes")
    await slack.chat_update(channel=GENERAL, ts=ts, text="Decided.")
    with pytest.raises(LookupError, match="the message has none"):
        await room.press(ts, "yes")
    assert len(far_end.requests) == 4


async def test_an_ephemeral_button_is_for_its_person(
    room: PracticeRoom, slack: AsyncWebClient, far_end: FarEnd
) -> None:
    """Others do not see it; the payload has no message, and the response URL replaces it."""
    posted = await slack.chat_postEphemeral(channel=GENERAL, user="U0BOB", text="x", blocks=ASKED)
    with pytest.raises(LookupError):
        await room.press(posted["message_ts"], "yes", user="alice")
    await room.press(posted["message_ts"], "yes", user="bob")
    [payload] = far_end.bodies
    assert payload["container"]["is_ephemeral"] is True
    assert "message" not in payload
    hook = AsyncWebhookClient(payload["response_url"])
    assert (await hook.send(text="Thanks.", replace_original=True)).status_code == 200
    [message] = room.slack.ephemerals("bob")
    assert (message.ts, message.text, message.blocks) == (posted["message_ts"], "Thanks.", [])
    assert (await hook.send(text="", delete_original=True)).status_code == 200
    assert room.slack.shown(GENERAL, message.ts, "U0BOB") is None


async def test_an_ephemeral_reply_stands_in_its_thread(room: PracticeRoom, slack: AsyncWebClient) -> None:
    """It keeps its thread, is kept for tests, and is in nobody's history."""
    root = (await slack.chat_postMessage(channel=GENERAL, text="root"))["ts"]
    await slack.chat_postEphemeral(channel=GENERAL, user="U0BOB", text="psst", thread_ts=root)
    assert [(m.text, m.thread_ts) for m in room.slack.ephemerals("bob")] == [("psst", root)]
    assert room.slack.ephemerals("alice") == []
    assert len((await slack.conversations_replies(channel=GENERAL, ts=root))["messages"]) == 1


async def test_a_bot_that_fails_is_told_to_the_person(
    room: PracticeRoom, slack: AsyncWebClient, far_end: FarEnd
) -> None:
    """A failed press is shown to the one who pressed."""
    far_end.answers = [PlainTextResponse("no", 500)]
    assert (await room.press(await ask(slack), "yes")).error == "dispatch_failed"
    assert "dispatch_failed" in room.slack.ephemerals("alice")[-1].text


@pytest.mark.parametrize(
    "block",
    [
        {"type": "input", "label": plain("x"), "element": {"type": "plain_text_input"}},
        {"type": "actions", "elements": [button("x", confirm={"title": plain("x")})]},
        {"type": "actions", "elements": [button("x", confirm="sure?")]},
        {"type": "actions", "elements": [button("x", action_id="x" * 256)]},
        {"type": "actions", "elements": [button("x", url="https://x.example/" + "x" * 3000)]},
        {"type": "section", "text": plain("x"), "accessory": button("x", style="loud")},
    ],
)
def test_a_message_takes_no_bad_button_and_no_field(block: dict[str, Any]) -> None:
    """Confirmations are checked like everything else, and input blocks belong to modals."""
    with pytest.raises(ApiError, match="invalid_blocks"):
        block_kit.check([block])


async def test_direct_messages_are_opened(room: PracticeRoom, slack: AsyncWebClient) -> None:
    """conversations.open gives the D channel that a post to the person's id goes to."""
    opened = await slack.conversations_open(users="U0BOB", return_im=True)
    assert (opened["channel"]["id"], opened["channel"]["is_im"]) == ("D0BOB", True)
    assert (await slack.chat_postMessage(channel="U0BOB", text="hi"))["channel"] == "D0BOB"
    assert (await slack.conversations_info(channel="D0BOB"))["channel"]["user"] == "U0BOB"
    assert (await slack.conversations_open(channel="D0BOB"))["channel"]["id"] == "D0BOB"
    assert [c["id"] for c in (await slack.conversations_list(types="im"))["channels"]] == ["D0BOB"]
    for arguments, error in (
        ({"users": "U0NOBODY"}, "user_not_found"),
        ({"users": ""}, "users_list_not_supplied"),
        ({"users": "U0LEGWORK"}, "cannot_dm_bot"),
        ({"channel": GENERAL}, "channel_not_found"),
    ):
        with pytest.raises(SlackApiError, match=error):
            await slack.api_call("conversations.open", json=arguments)
    assert room.slack.history("D0BOB")[0].text == "hi"

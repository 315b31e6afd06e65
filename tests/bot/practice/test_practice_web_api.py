"""The room answers Slack's own client as Slack does."""

import asyncio
from typing import Any

import aiohttp
import httpx
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.practice import PracticeRoom
from bot.practice.slack import BOT_USER

GENERAL = "C0GENERAL"


async def refusal(call: object) -> str:
    """The error name that a call meets."""
    with pytest.raises(SlackApiError) as caught:
        await call  # type: ignore[misc]  # slack_sdk's calls are untyped coroutines here
    return str(caught.value.response["error"])


async def test_a_thread_comes_back_as_it_was_said(slack: AsyncWebClient) -> None:
    """A root and its replies are read back in order, with timestamps that only grow."""
    root = (await slack.chat_postMessage(channel=GENERAL, text="root"))["ts"]
    said = [
        (await slack.chat_postMessage(channel=GENERAL, text=str(n), thread_ts=root))["ts"] for n in range(5)
    ]
    messages = (await slack.conversations_replies(channel=GENERAL, ts=root))["messages"]
    assert [m["ts"] for m in messages] == sorted({root, *said})
    assert (messages[0]["reply_count"], messages[0]["latest_reply"]) == (5, said[-1])
    assert messages[1]["parent_user_id"] == BOT_USER


async def test_a_long_thread_is_read_page_by_page(slack: AsyncWebClient) -> None:
    """The cursor leads through every reply once, and the last page has none."""
    root = (await slack.chat_postMessage(channel=GENERAL, text="root"))["ts"]
    for n in range(6):
        await slack.chat_postMessage(channel=GENERAL, text=str(n), thread_ts=root)
    texts: list[str] = []
    cursor: str | None = None
    while cursor != "":
        page = await slack.conversations_replies(channel=GENERAL, ts=root, limit=3, cursor=cursor)
        texts += [m["text"] for m in page["messages"]]
        cursor = (page.get("response_metadata") or {}).get("next_cursor", "")
        assert page["has_more"] is bool(cursor)
    assert texts == ["root", *map(str, range(6))]


async def test_metadata_is_given_only_to_who_asks_for_all_of_it(slack: AsyncWebClient) -> None:
    """Without include_all_metadata a message's metadata stays away."""
    metadata = {"event_type": "task_event", "event_payload": {"id": "T-1.4"}}
    ts = (await slack.chat_postMessage(channel=GENERAL, text="x", metadata=metadata))["ts"]
    plain = await slack.conversations_replies(channel=GENERAL, ts=ts)
    full = await slack.conversations_replies(channel=GENERAL, ts=ts, include_all_metadata=True)
    assert "metadata" not in plain["messages"][0]
    assert full["messages"][0]["metadata"] == metadata


async def test_an_update_keeps_what_it_does_not_name(slack: AsyncWebClient) -> None:
    """Metadata stays, but a text without blocks removes the blocks."""
    metadata = {"event_type": "task_event", "event_payload": {}}
    ts = (
        await slack.chat_postMessage(
            channel=GENERAL, text="x", blocks=[{"type": "divider"}], metadata=metadata
        )
    )["ts"]
    await slack.chat_update(channel=GENERAL, ts=ts, text="y")
    [message] = (await slack.conversations_replies(channel=GENERAL, ts=ts, include_all_metadata=True))[
        "messages"
    ]
    assert message["text"] == "y"
    assert "blocks" not in message
    assert message["metadata"] == metadata
    assert message["edited"]["user"] == BOT_USER


async def test_a_deleted_message_is_gone(slack: AsyncWebClient) -> None:
    """Neither history nor another update finds it."""
    ts = (await slack.chat_postMessage(channel=GENERAL, text="x"))["ts"]
    await slack.chat_delete(channel=GENERAL, ts=ts)
    assert (await slack.conversations_history(channel=GENERAL))["messages"] == []
    assert await refusal(slack.chat_update(channel=GENERAL, ts=ts, text="y")) == "message_not_found"


async def test_history_is_newest_first_and_within_the_given_time(slack: AsyncWebClient) -> None:
    """`oldest` leaves out what was said by then, unless it is inclusive."""
    first, second, third = [(await slack.chat_postMessage(channel=GENERAL, text="x"))["ts"] for _ in range(3)]
    all_of_it = await slack.conversations_history(channel=GENERAL)
    assert [m["ts"] for m in all_of_it["messages"]] == [third, second, first]
    after = await slack.conversations_history(channel=GENERAL, oldest=second)
    assert [m["ts"] for m in after["messages"]] == [third]
    from_then = await slack.conversations_history(channel=GENERAL, oldest=second, inclusive=True)
    assert [m["ts"] for m in from_then["messages"]] == [third, second]


async def test_an_ephemeral_message_is_seen_by_one_and_known_to_no_method(
    room: PracticeRoom, slack: AsyncWebClient
) -> None:
    """It is shown to its person and cannot be read or updated."""
    ts = (await slack.chat_postEphemeral(channel=GENERAL, user="U0DANA", text="psst"))["message_ts"]
    assert [m.text for m in room.slack.ephemerals("dana")] == ["psst"]
    assert room.slack.ephemerals("alice") == []
    assert await refusal(slack.conversations_replies(channel=GENERAL, ts=ts)) == "thread_not_found"


async def test_reactions_are_added_once_and_removed_once(room: PracticeRoom, slack: AsyncWebClient) -> None:
    """A second one is already there; a second removal finds none."""
    ts = (await slack.chat_postMessage(channel=GENERAL, text="x"))["ts"]
    react = {"channel": GENERAL, "timestamp": ts, "name": "eyes"}
    await slack.reactions_add(**react)
    assert await refusal(slack.reactions_add(**react)) == "already_reacted"
    assert room.slack.history()[0].reactions == {"eyes": [BOT_USER]}
    await slack.reactions_remove(**react)
    assert await refusal(slack.reactions_remove(**react)) == "no_reaction"


async def test_people_and_channels_can_be_looked_up(slack: AsyncWebClient) -> None:
    """auth.test, users.* and conversations.* tell of the same team."""
    me = await slack.auth_test()
    assert me["user_id"] == BOT_USER
    members = (await slack.users_list())["members"]
    assert {m["name"] for m in members} >= {"alice", "dana", "legwork"}
    dana = (await slack.users_info(user="U0DANA"))["user"]
    assert dana["is_admin"] is True
    assert dana["profile"]["email"] == "dana@practice.example"
    names = [c["name"] for c in (await slack.conversations_list(limit=1))["channels"]]
    assert names == ["general"]
    assert (await slack.conversations_info(channel=GENERAL))["channel"]["is_member"] is True


async def test_a_file_goes_up_in_three_steps_into_its_thread(
    room: PracticeRoom, slack: AsyncWebClient
) -> None:
    """files_upload_v2 shares the very bytes; only the token fetches them again."""
    root = (await slack.chat_postMessage(channel=GENERAL, text="root"))["ts"]
    content = bytes(range(256)) * 40
    await slack.files_upload_v2(
        channel=GENERAL, thread_ts=root, file=content, filename="../../r é.pdf", initial_comment="*here*"
    )
    reply = room.slack.thread("general", root)[1]
    [file] = reply.files
    assert reply.text == "*here*"
    assert file.path is not None
    assert file.path.parent == room.slack.folder / "files"
    assert file.path.read_bytes() == content
    shown = (await slack.conversations_replies(channel=GENERAL, ts=root))["messages"][1]["files"][0]
    async with httpx.AsyncClient() as client:
        bearer = {"Authorization": f"Bearer {room.slack.bot_token}"}
        assert (await client.get(shown["url_private"], headers=bearer)).content == content
        assert (await client.get(shown["url_private"])).status_code == 404


async def test_several_files_are_one_message(room: PracticeRoom, slack: AsyncWebClient) -> None:
    """One completion says all its files together."""
    uploads = [{"content": "a", "filename": "a.txt"}, {"content": "bb", "filename": "b.txt"}]
    await slack.files_upload_v2(channel=GENERAL, file_uploads=uploads)
    [message] = room.slack.history()
    assert [(f.name, f.size) for f in message.files] == [("a.txt", 1), ("b.txt", 2)]


async def test_an_upload_must_be_as_long_as_announced_and_is_shared_once(slack: AsyncWebClient) -> None:
    """Other bytes than announced are refused; a file that never came, or came before, is not found."""
    ticket = await slack.files_getUploadURLExternal(filename="a.txt", length=3)
    share: dict[str, Any] = {"files": [{"id": ticket["file_id"], "title": "a"}], "channel_id": GENERAL}
    async with aiohttp.ClientSession() as session:
        async with session.post(ticket["upload_url"], data=b"four") as response:
            assert response.status == 400
        assert await refusal(slack.files_completeUploadExternal(**share)) == "file_not_found"
        async with session.post(ticket["upload_url"], data=b"abc") as response:
            assert (response.status, await response.text()) == (200, "OK - 3")
        async with session.post(ticket["upload_url"], data=b"abc") as response:
            assert response.status == 400
    await slack.files_completeUploadExternal(**share)
    assert await refusal(slack.files_completeUploadExternal(**share)) == "file_not_found"


async def test_every_call_is_counted_with_its_time_and_without_the_token(
    room: PracticeRoom, slack: AsyncWebClient
) -> None:
    """Tests can tell how often, how fast and with what the bot called."""
    for _ in range(3):
        await slack.chat_postMessage(channel=GENERAL, text="x")
    await refusal(slack.chat_postMessage(channel="C0NOWHERE", text="x"))
    calls = room.slack.calls_of("chat.postMessage")
    assert [(call.ok, call.error) for call in calls] == [(True, "")] * 3 + [(False, "channel_not_found")]
    assert [call.at for call in calls] == sorted(call.at for call in calls)
    assert room.slack.bot_token not in str(calls)


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ({}, "not_authed"),
        ({"Authorization": "Bearer xoxb-other"}, "invalid_auth"),
        ({"Authorization": ""}, "not_authed"),
    ],
)
async def test_a_call_needs_the_token(room: PracticeRoom, headers: dict[str, str], error: str) -> None:
    """Without it, or with another, nothing is done."""
    async with httpx.AsyncClient(headers=headers) as client:
        answer = await client.post(f"{room.api_url}chat.postMessage", json={"channel": GENERAL, "text": "x"})
    assert answer.json() == {"ok": False, "error": error}
    assert room.slack.messages == []


@pytest.mark.parametrize(
    ("content", "media_type", "error"),
    [
        (b"{", "application/json", "invalid_json"),
        (b"[1]", "application/json; charset=utf-8", "json_not_object"),
        (b"<x/>", "text/xml", "invalid_post_type"),
    ],
)
async def test_a_body_must_be_what_it_says(
    room: PracticeRoom, content: bytes, media_type: str, error: str
) -> None:
    """Bodies that cannot be read have Slack's own error names."""
    headers = {"Authorization": f"Bearer {room.slack.bot_token}", "Content-Type": media_type}
    async with httpx.AsyncClient(headers=headers) as client:
        answer = await client.post(f"{room.api_url}chat.postMessage", content=content)
    assert answer.json()["error"] == error


async def test_a_form_does_what_json_does(room: PracticeRoom) -> None:
    """Blocks come as a JSON string, and the token may be a field."""
    form = {"token": room.slack.bot_token, "channel": "#general", "blocks": '[{"type": "divider"}]'}
    async with httpx.AsyncClient() as client:
        answer = (await client.post(f"{room.api_url}chat.postMessage", data=form)).json()
    assert answer["ok"] is True
    assert answer["message"]["blocks"][0]["type"] == "divider"
    assert "token" not in room.slack.calls[0].arguments


async def test_waiting_ends_with_the_change_that_fulfils_it(
    room: PracticeRoom, slack: AsyncWebClient
) -> None:
    """`wait_for` returns what its predicate returned, or tells where to look."""
    waiting = asyncio.create_task(room.wait_for(room.slack.history, 5))
    await slack.chat_postMessage(channel=GENERAL, text="there")
    assert [m.text for m in await waiting] == ["there"]
    with pytest.raises(TimeoutError, match="look at room"):
        await room.wait_for(lambda: None, 0.01)

"""The room is the judge of payloads: what Slack refuses, it refuses by the documented name."""

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.practice import PracticeRoom, block_kit
from bot.practice.model import ApiError

GENERAL = "C0GENERAL"
OLD = "1700000000.000001"


def mrkdwn(length: int) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": "x" * length}


def plain(length: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": "x" * length}


def button(**fields: Any) -> dict[str, Any]:
    return {"type": "button", "text": plain(4), **fields}


def section(length: int, **fields: Any) -> dict[str, Any]:
    return {"type": "section", "text": mrkdwn(length), **fields}


@pytest.mark.parametrize(
    ("method", "arguments", "error"),
    [
        ("chat.postMessage", {"text": "x"}, "invalid_arguments"),
        ("chat.postMessage", {"channel": "C0NOWHERE", "text": "x"}, "channel_not_found"),
        ("chat.postMessage", {"channel": GENERAL}, "no_text"),
        ("chat.postMessage", {"channel": GENERAL, "text": " \n"}, "no_text"),
        ("chat.postMessage", {"channel": GENERAL, "text": 5}, "invalid_arguments"),
        ("chat.postMessage", {"channel": GENERAL, "text": "x" * 40_001}, "msg_too_long"),
        ("chat.postMessage", {"channel": GENERAL, "text": "x", "thread_ts": "soon"}, "invalid_thread_ts"),
        (
            "chat.postMessage",
            {"channel": GENERAL, "text": "x", "thread_ts": 1700000000.000001},
            "invalid_thread_ts",
        ),
        ("chat.postMessage", {"channel": GENERAL, "text": "x", "thread_ts": OLD}, "thread_not_found"),
        ("chat.postMessage", {"channel": GENERAL, "blocks": "{"}, "invalid_blocks_format"),
        ("chat.postMessage", {"channel": GENERAL, "blocks": {"type": "divider"}}, "invalid_blocks_format"),
        ("chat.postMessage", {"channel": GENERAL, "text": "x", "metadata": "{"}, "invalid_metadata_format"),
        ("chat.postMessage", {"channel": GENERAL, "text": "x", "metadata": [1]}, "invalid_metadata_format"),
        (
            "chat.postMessage",
            {"channel": GENERAL, "text": "x", "metadata": {"event_type": "a"}},
            "invalid_metadata_schema",
        ),
        (
            "chat.postMessage",
            {"channel": GENERAL, "text": "x", "metadata": {"event_type": "a", "event_payload": "b"}},
            "invalid_metadata_schema",
        ),
        (
            "chat.postMessage",
            {
                "channel": GENERAL,
                "text": "x",
                "metadata": {"event_type": "a", "event_payload": {"b": "c" * 9000}},
            },
            "metadata_too_large",
        ),
        ("chat.postEphemeral", {"channel": GENERAL, "user": "U0NOBODY", "text": "x"}, "user_not_in_channel"),
        ("chat.update", {"channel": GENERAL, "ts": OLD, "text": "x"}, "message_not_found"),
        ("chat.update", {"channel": "general", "ts": OLD, "text": "x"}, "channel_not_found"),
        ("chat.delete", {"channel": GENERAL, "ts": OLD}, "message_not_found"),
        ("reactions.add", {"name": "eyes"}, "no_item_specified"),
        ("reactions.add", {"channel": GENERAL, "timestamp": "x", "name": "eyes"}, "bad_timestamp"),
        ("reactions.add", {"channel": GENERAL, "timestamp": OLD, "name": "eyes"}, "message_not_found"),
        ("conversations.replies", {"channel": GENERAL, "ts": OLD}, "thread_not_found"),
        ("conversations.replies", {"channel": "C0NOWHERE", "ts": OLD}, "channel_not_found"),
        ("conversations.history", {"channel": GENERAL, "cursor": "?"}, "invalid_cursor"),
        ("conversations.history", {"channel": GENERAL, "oldest": "yesterday"}, "invalid_ts_oldest"),
        ("conversations.list", {"limit": "many"}, "invalid_limit"),
        ("conversations.list", {"types": "secret"}, "invalid_types"),
        ("conversations.info", {"channel": "C0NOWHERE"}, "channel_not_found"),
        ("users.info", {"user": "U0NOBODY"}, "user_not_found"),
        ("files.getUploadURLExternal", {"filename": "a", "length": 0}, "missing_argument"),
        ("files.completeUploadExternal", {"files": [{"id": "F1"}]}, "file_not_found"),
        ("files.completeUploadExternal", {}, "invalid_arguments"),
        ("chat.postMassage", {"channel": GENERAL, "text": "x"}, "unknown_method"),
    ],
)
async def test_a_wrong_call_has_slacks_error_name(
    room: PracticeRoom, slack: AsyncWebClient, method: str, arguments: dict[str, Any], error: str
) -> None:
    """Nothing is said, and the name is the documented one."""
    with pytest.raises(SlackApiError) as caught:
        await slack.api_call(method, json=arguments)
    assert caught.value.response["error"] == error
    assert room.slack.messages == []


async def test_an_update_takes_a_tenth_of_what_a_post_takes(slack: AsyncWebClient) -> None:
    """chat.postMessage takes 40,000 characters, chat.update 4,000."""
    ts = (await slack.chat_postMessage(channel=GENERAL, text="x" * 40_000))["ts"]
    await slack.chat_update(channel=GENERAL, ts=ts, text="x" * 4_000)
    with pytest.raises(SlackApiError, match="msg_too_long"):
        await slack.chat_update(channel=GENERAL, ts=ts, text="x" * 4_001)


async def test_only_the_bots_own_messages_can_be_changed(room: PracticeRoom, slack: AsyncWebClient) -> None:
    """A person's message is neither updated nor deleted by the bot."""
    ts = (await slack.chat_postMessage(channel=GENERAL, text="x"))["ts"]
    room.slack.history()[0].user = "U0ALICE"
    with pytest.raises(SlackApiError, match="cant_update_message"):
        await slack.chat_update(channel=GENERAL, ts=ts, text="y")
    with pytest.raises(SlackApiError, match="cant_delete_message"):
        await slack.chat_delete(channel=GENERAL, ts=ts)


async def test_a_replys_own_timestamp_is_no_thread(slack: AsyncWebClient) -> None:
    """A reply to a reply must name the root."""
    root = (await slack.chat_postMessage(channel=GENERAL, text="x"))["ts"]
    reply = (await slack.chat_postMessage(channel=GENERAL, text="y", thread_ts=root))["ts"]
    with pytest.raises(SlackApiError, match="cannot_reply_to_message"):
        await slack.chat_postMessage(channel=GENERAL, text="z", thread_ts=reply)


async def test_a_closed_channel_takes_nothing(room: PracticeRoom, slack: AsyncWebClient) -> None:
    """Archived, or without the bot in it: each has its name."""
    room.slack.channel("general").is_archived = True
    with pytest.raises(SlackApiError, match="is_archived"):
        await slack.chat_postMessage(channel=GENERAL, text="x")
    room.slack.channel("deploys").members.clear()
    with pytest.raises(SlackApiError, match="not_in_channel"):
        await slack.chat_postMessage(channel="C0DEPLOYS", text="x")


async def test_only_a_member_may_share_a_file(room: PracticeRoom, slack: AsyncWebClient) -> None:
    """With `chat:write.public` a post goes into any public channel; a file does not, and nothing is read."""
    room.slack.channel("general").members.clear()
    room.slack.public_write = True
    await slack.chat_postMessage(channel=GENERAL, text="x")
    with pytest.raises(SlackApiError, match="not_in_channel"):
        await slack.files_upload_v2(channel=GENERAL, filename="a.txt", content="x")
    with pytest.raises(SlackApiError, match="not_in_channel"):
        await slack.conversations_history(channel=GENERAL)


async def test_the_bot_can_join_a_public_channel(room: PracticeRoom, slack: AsyncWebClient) -> None:
    """Then it is a member; to join again is a warning, and archived channels and people are not joined."""
    room.slack.channel("general").members.clear()
    joined = await slack.conversations_join(channel=GENERAL)
    assert joined["channel"]["is_member"] is True
    assert (await slack.conversations_join(channel=GENERAL))["warning"] == "already_in_channel"
    await slack.chat_postMessage(channel="U0ALICE", text="x")
    with pytest.raises(SlackApiError, match="method_not_supported_for_channel_type"):
        await slack.conversations_join(channel="D0ALICE")
    room.slack.channel("deploys").is_archived = True
    with pytest.raises(SlackApiError, match="is_archived"):
        await slack.conversations_join(channel="C0DEPLOYS")


@pytest.mark.parametrize(
    ("block", "said", "where"),
    [
        (section(3001), "must be less than 3001 characters", "/text/text"),
        (section(0), "must be more than 0 characters", "/text/text"),
        ({"type": "section"}, "must define either `text` or `fields`", ""),
        ({"type": "section", "fields": [mrkdwn(1)] * 11}, "no more than 10 items allowed", "/fields"),
        (
            {"type": "section", "fields": [mrkdwn(2001)]},
            "must be less than 2001 characters",
            "/fields/0/text",
        ),
        ({"type": "section", "text": "x"}, "must be an object", "/text"),
        (
            {"type": "section", "text": {"type": "markdown", "text": "x"}},
            "must be one of mrkdwn, plain_text",
            "/text/type",
        ),
        (section(1, color="red"), "invalid additional property: color", ""),
        (section(1, block_id="x" * 256), "must be less than 256 characters", "/block_id"),
        ({"type": "header", "text": plain(151)}, "must be less than 151 characters", "/text/text"),
        ({"type": "header", "text": mrkdwn(5)}, "must be one of plain_text", "/text/type"),
        ({"type": "header"}, "missing required field: text", ""),
        ({"type": "context", "elements": [mrkdwn(1)] * 11}, "no more than 10 items allowed", "/elements"),
        ({"type": "context", "elements": []}, "must have at least 1 item", "/elements"),
        ({"type": "actions", "elements": [button()] * 26}, "no more than 25 items allowed", "/elements"),
        (
            {"type": "actions", "elements": [button(text=plain(76))]},
            "must be less than 76 characters",
            "/elements/0/text/text",
        ),
        (
            {"type": "actions", "elements": [button(value="x" * 2001)]},
            "must be less than 2001 characters",
            "/elements/0/value",
        ),
        (
            {"type": "actions", "elements": [button(style="loud")]},
            "must be one of primary, danger",
            "/elements/0/style",
        ),
        (
            {"type": "actions", "elements": [button(action_id="a")] * 2},
            "`action_id` already exists for another element",
            "/elements",
        ),
        (
            {"type": "actions", "elements": [{"type": "slider"}]},
            "unsupported type: slider",
            "/elements/0/type",
        ),
        (
            {"type": "image", "image_url": "file:///etc/passwd", "alt_text": "x"},
            "must be a valid URL",
            "/image_url",
        ),
        ({"type": "image", "image_url": "https://example.org/a.png"}, "missing required field: alt_text", ""),
        ({"type": "markdown", "text": "x" * 12_001}, "must be less than 12001 characters", "/text"),
        ({"type": "markdown", "text": {"type": "mrkdwn", "text": "x"}}, "must be a string", "/text"),
        ({"type": "hologram"}, "unsupported type: hologram", "/type"),
        ({"text": "x"}, "missing required field: type", ""),
        ("divider", "must be an object", ""),
    ],
)
async def test_a_bad_block_is_refused_with_a_pointer(
    slack: AsyncWebClient, block: Any, said: str, where: str
) -> None:
    """invalid_blocks names the fault and where it is."""
    with pytest.raises(SlackApiError) as caught:
        await slack.chat_postMessage(channel=GENERAL, text="x", blocks=[block])
    assert caught.value.response["error"] == "invalid_blocks"
    told = f"[ERROR] {said} [json-pointer:/blocks/0{where}]"
    assert told in caught.value.response["response_metadata"]["messages"]


@pytest.mark.parametrize(
    "blocks",
    [
        [{"type": "divider"}] * 50,
        [section(3000, accessory=button(url="https://example.org"))],
        [{"type": "section", "fields": [mrkdwn(1000), plain(1000)] * 5}],
        [{"type": "header", "text": plain(150)}],
        [{"type": "context", "elements": [mrkdwn(1)] * 10}],
        [
            {
                "type": "actions",
                "elements": [button(action_id=f"a{n}", value="x" * 2000, style="danger") for n in range(25)],
            }
        ],
        [{"type": "markdown", "text": "x" * 6000}] * 2,
        [{"type": "image", "image_url": "https://example.org/a.png", "alt_text": "a", "title": plain(5)}],
        [section(1, block_id="a" * 255), section(1, block_id="b")],
        [],
    ],
)
def test_blocks_at_their_limits_pass(blocks: list[Any]) -> None:
    """The judge takes everything that Slack takes, up to the very limit, and gives each block an id."""
    kept = block_kit.check(blocks)
    assert all("block_id" in block for block in kept if block["type"] != "markdown")


@pytest.mark.parametrize(
    ("blocks", "error"),
    [
        ([{"type": "divider"}] * 51, "invalid_blocks"),
        ([section(1, block_id="a")] * 2, "invalid_blocks"),
        ([{"type": "markdown", "text": "x" * 6001}] * 2, "msg_blocks_too_long"),
        ([section(3000)] * 5, "msg_blocks_too_long"),
        ([{"type": "markdown", "text": "# a\n\nb\n" * 26}], "invalid_blocks"),
        ([{"type": "markdown", "text": "a\n\n---\n" * 26}], "invalid_blocks"),
    ],
)
def test_blocks_are_judged_together(blocks: list[Any], error: str) -> None:
    """Their number, their text and their ids count over the whole message, as Slack takes Markdown apart."""
    with pytest.raises(ApiError) as caught:
        block_kit.check(blocks)
    assert caught.value.error == error


def test_a_heading_inside_a_fence_is_no_heading() -> None:
    """Code that looks like headings stays one block."""
    block_kit.check([{"type": "markdown", "text": "```\n" + "# no\n---\n" * 200 + "```\ntext\n"}])

"""Tests can arrange every bad day of a far end."""

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from bot.practice import PracticeRoom

GENERAL = "C0GENERAL"


async def test_a_rate_limit_is_http_429_with_the_seconds_to_wait(
    room: PracticeRoom, slack: AsyncWebClient
) -> None:
    """It is met as often as arranged, and nothing is said meanwhile."""
    room.slack.fail("chat.postMessage", error="ratelimited", retry_after=7, times=2)
    for _ in range(2):
        with pytest.raises(SlackApiError, match="ratelimited") as caught:
            await slack.chat_postMessage(channel=GENERAL, text="x")
        assert caught.value.response.status_code == 429
        assert caught.value.response.headers["Retry-After"] == "7"
    assert room.slack.history() == []
    await slack.chat_postMessage(channel=GENERAL, text="x")


async def test_slacks_own_retry_understands_it(room: PracticeRoom) -> None:
    """The client's handler waits as told and then gets through."""
    retry = AsyncRateLimitErrorRetryHandler(max_retry_count=1)
    client = AsyncWebClient(room.slack.bot_token, base_url=room.api_url, retry_handlers=[retry])
    room.slack.fail("chat.postMessage", error="ratelimited", retry_after=0)
    assert (await client.chat_postMessage(channel=GENERAL, text="x"))["ok"]
    assert [call.error for call in room.slack.calls] == ["ratelimited", ""]


async def test_a_broken_server_is_http_500(room: PracticeRoom, slack: AsyncWebClient) -> None:
    """`*` meets any method; the answer is no JSON."""
    room.slack.fail("*", status=503)
    with pytest.raises(SlackApiError) as caught:
        await slack.auth_test()
    assert caught.value.response.status_code == 503


async def test_an_answer_can_be_lost_after_the_deed(room: PracticeRoom, slack: AsyncWebClient) -> None:
    """The message is there although the caller never hears of it; without `acted` it is not."""
    room.slack.fail("chat.postMessage", how="close", acted=True)
    with pytest.raises(aiohttp.ClientError):
        await slack.chat_postMessage(channel=GENERAL, text="there")
    room.slack.fail("chat.postMessage", how="close")
    with pytest.raises(aiohttp.ClientError):
        await slack.chat_postMessage(channel=GENERAL, text="not there")
    assert [m.text for m in room.slack.history()] == ["there"]


async def test_a_call_can_hang_until_the_caller_gives_up(room: PracticeRoom) -> None:
    """The caller's own timeout ends it, and the room serves on."""
    client = AsyncWebClient(room.slack.bot_token, base_url=room.api_url, timeout=1, retry_handlers=[])
    room.slack.fail("auth.test", how="hang")
    with pytest.raises(TimeoutError):
        await client.auth_test()
    assert (await client.auth_test())["ok"]


async def test_an_upload_can_fail_between_its_steps(room: PracticeRoom, slack: AsyncWebClient) -> None:
    """The address of step two has faults of its own."""
    room.slack.fail("upload", status=500)
    with pytest.raises(Exception, match="Failed to upload"):
        await slack.files_upload_v2(channel=GENERAL, content="x", filename="x.txt")
    assert room.slack.history() == []


async def test_arranged_faults_can_be_taken_back(room: PracticeRoom, slack: AsyncWebClient) -> None:
    """After `clear` the room is well again."""
    room.slack.fail("auth.test", error="internal_error", times=100)
    room.slack.faults.clear()
    assert (await slack.auth_test())["ok"]

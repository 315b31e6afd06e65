"""Slash commands as Slack sends them, well-formed and not."""

import io
import sqlite3
import time
from urllib.parse import urlencode

import aiohttp
import pytest

from bot.practice.deliveries import sign
from storage import database
from storage.tables import Inbox, Tasks
from tests.fakes.team import Team

HELLO = "/agent assign @coder Say hello\n```sh\necho hello\n```"


async def counts() -> tuple[int, int]:
    """How many tasks there are, and how many requests were acted on."""
    return await database.run(lambda: (Tasks.select().count(), Inbox.select().count()))


async def post(team: Team, body: bytes | io.BytesIO, headers: dict[str, str]) -> int:
    """What the bot answers to a request that a stranger could send."""
    headers = {"Content-Type": "application/x-www-form-urlencoded", **headers}
    async with (
        aiohttp.ClientSession() as client,
        client.post(team.room.bot_url, data=body, headers=headers) as answer,
    ):
        return answer.status


def form(**changes: str) -> bytes:
    fields = {
        "command": "/agent",
        "text": "assign @coder hello",
        "user_id": "U0ALICE",
        "user_name": "alice",
        "channel_id": "C0GENERAL",
        "channel_name": "general",
        "team_id": "T0PRACTICE",
        "trigger_id": "1.2.3",
    }
    return urlencode(fields | changes).encode()


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("/agent asign @coder x", "There is no command `agent asign`. Did you mean `/agent assign`?"),
        ("/task frobnicate", "There is no command `task frobnicate`."),
        ("/agent assign @nobody x", "There is no agent called @nobody. There is @analyst, @coder."),
        ("/agent assign", "@AGENT is missing. Usage: `/agent assign @AGENT ["),
        ("/agent assign @coder", "TEXT is missing."),
        ("/agent assign @coder --notfy a@b.c x", "has no option `--notfy`. Did you mean `--notify`?"),
        ("/agent assign @coder --notify nobody x", "--notify cannot be used: 'nobody' is no email address."),
        ("/agent assign @coder --notify", "--notify needs a value"),
        ("/task show T-99", "There is no task T-99 that you can see."),
        ("/task show banana", "banana is no task: one is called like T-12."),
        ("/task cancel T-99", "There is no task T-99 that you can see."),
        ("/task show", "T-N is missing. Usage: `/task show T-N`"),
        ("/task list everything", "`/task list` does not take `everything`."),
        ("/agent assign @coder " + "x" * 40_000, "a command may have 20,000"),
    ],
)
async def test_a_mistake_is_answered_with_a_sentence_and_changes_nothing(
    desk: Team, typed: str, answer: str
) -> None:
    """Whatever is wrong with a command, the person is told what to do, and no task is opened."""
    delivered = await desk.types(typed)
    assert delivered.status_code == 200
    assert delivered.json()["response_type"] == "ephemeral"
    assert answer.replace("&", "&amp;") in delivered.json()["text"]
    assert (await counts())[0] == 0


async def test_a_bare_command_shows_help(desk: Team) -> None:
    """`/agent` and `/task` alone show what one can do."""
    for typed, shown in (
        ("/agent", "`/agent list`"),
        ("/task", "`/task list`"),
        ("/task help", "`/task list`"),
    ):
        assert shown in (await desk.types(typed)).json()["text"]


async def test_odd_characters_stay_as_they_are(desk: Team) -> None:
    """An apostrophe, quotes, emoji and what Slack encodes are text like any other."""
    typed = """It's "odd" 🎉 & <b> > “curly” — dash"""
    await desk.types(f"/agent assign @coder {typed}")
    assert await database.run(lambda: Tasks.get().text) == typed


async def test_a_replayed_command_acts_once(desk: Team) -> None:
    """A second delivery with the same trigger_id says so and does nothing."""
    await desk.types(HELLO, trigger_id="1.2.3")
    again = await desk.types(HELLO, trigger_id="1.2.3")
    assert "carried out before" in again.json()["text"]
    assert await counts() == (1, 1)


async def test_a_changed_body_is_refused(desk: Team) -> None:
    """A signature holds for the very bytes that were signed."""
    delivered = await desk.types(
        HELLO, mangle=lambda headers, body: (headers, body + b"&text=assign+%40coder+y")
    )
    assert delivered.status_code == 401
    assert await counts() == (0, 0)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Slack-Request-Timestamp": "now", "X-Slack-Signature": "v0=00"},
        {"X-Slack-Request-Timestamp": "-5", "X-Slack-Signature": "v0=00"},
        {"X-Slack-Request-Timestamp": "9" * 400, "X-Slack-Signature": "v0=00"},
        {"X-Slack-Request-Timestamp": str(int(time.time())), "X-Slack-Signature": "v0=é"},
        {"X-Slack-Request-Timestamp": str(int(time.time())), "X-Slack-Signature": ""},
        {"X-Slack-Request-Timestamp": str(int(time.time()))},
    ],
)
async def test_an_unsigned_request_is_refused(desk: Team, headers: dict[str, str]) -> None:
    """Without a signature that holds there is 401 and no effect, however the headers are garbled."""
    assert await post(desk, form(), headers) == 401
    assert await counts() == (0, 0)


async def test_an_old_signature_is_refused(desk: Team) -> None:
    """A recorded request cannot be sent again after five minutes."""
    body = form()
    stale = sign(desk.room.slack.signing_secret, body, time.time() - 400)
    assert await post(desk, body, stale) == 401
    assert await counts() == (0, 0)


async def test_slacks_check_of_the_address_needs_a_signature_too(desk: Team) -> None:
    """`ssl_check` opens no way around the signature."""
    assert await post(desk, form(ssl_check="1"), {}) == 401
    assert await counts() == (0, 0)


GARBLED = [
    b"{garbage",
    b"[1,2]",
    b"payload=garbage",
    b"payload=%5B1%5D",
    b'{"authorizations":5}',
    b"",
    b"\xff\xfe",
]


@pytest.mark.parametrize("body", GARBLED)
async def test_a_garbled_request_does_nothing(desk: Team, body: bytes) -> None:
    """Unsigned it is refused; signed it is answered, and has no effect."""
    assert await post(desk, body, {}) == 401
    signed = await post(desk, body, sign(desk.room.slack.signing_secret, body, time.time()))
    assert 200 <= signed < 500
    assert await counts() == (0, 0)


async def test_a_huge_request_is_refused(desk: Team) -> None:
    """What is longer than anything Slack sends is not read to its end."""
    try:
        status = await post(desk, io.BytesIO(b"x" * (2 << 20)), {})
    except aiohttp.ClientOSError:  # the connection was closed while we were still sending
        status = 413
    assert status == 413


@pytest.mark.parametrize("missing", ["trigger_id", "user_id", "channel_id"])
async def test_a_signed_request_without_what_it_needs_does_nothing(desk: Team, missing: str) -> None:
    """A request of Slack's that lacks a field is answered, and changes nothing."""
    body = form(**{missing: ""})
    assert await post(desk, body, sign(desk.room.slack.signing_secret, body, time.time())) == 200
    assert await counts() == (0, 0)


async def test_a_full_disk_is_said_and_nothing_is_lost(desk: Team) -> None:
    """When the database cannot grow, the person is told; once it can, the same command works."""

    def limit(pages: int) -> None:
        database.proxy.execute_sql(f"PRAGMA max_page_count = {pages}")

    await desk.types(HELLO)
    await database.at_once(lambda: limit(1))
    long = "/agent assign @coder " + "x" * 15_000
    answer = await desk.types(long)
    assert "Nothing was done" in answer.json()["text"]
    assert "disk is full" in answer.json()["text"]
    assert (await counts())[0] == 1
    await database.at_once(lambda: limit(1_000_000))
    assert "T-2" in (await desk.types(long)).json()["text"]


async def test_a_private_channels_tasks_show_only_there(desk: Team) -> None:
    """What is asked in a private place is not listed for members elsewhere; who asked sees it anywhere."""
    fields = {"channel_name": "privategroup", "channel_id": "G0SECRET", "text": "assign @coder secret plan"}
    body = form(**fields)
    assert await post(desk, body, sign(desk.room.slack.signing_secret, body, time.time())) == 200
    assert "secret plan" in (await desk.types("/task list", user="alice")).json()["text"]
    assert "secret plan" not in (await desk.types("/task list", user="bob")).json()["text"]
    assert "There is no task T-1" in (await desk.types("/task show T-1", user="bob")).json()["text"]


async def test_a_command_that_reads_is_answered_while_others_write(desk: Team) -> None:
    """`/task list` waits for no lock; who is new is added first, and a mistake in it is still a sentence."""
    await desk.types(HELLO)
    path = desk.house.settings.home / "legwork.db"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert "Say hello" in (await desk.types("/task list")).json()["text"]
    assert "There is no task T-9" in (await desk.types("/task show T-9")).json()["text"]
    other.execute("COMMIT")
    other.close()
    assert "Say hello" in (await desk.types("/task list", user="bob")).json()["text"]

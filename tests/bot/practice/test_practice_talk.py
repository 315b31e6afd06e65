"""What people say reaches the bot as Slack's events."""

import pytest
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient
from starlette.responses import JSONResponse, PlainTextResponse, Response

from bot.practice import PracticeRoom
from bot.practice.entities import in_command, in_message
from bot.practice.model import ApiError
from tests.bot.practice.far_end import FarEnd

BOT = "U0LEGWORK"


async def test_a_message_comes_signed_in_slacks_envelope(room: PracticeRoom, far_end: FarEnd) -> None:
    """Every field that Slack documents is there, and Slack's own verifier accepts the bytes."""
    said = await room.say("a < b & c", user="bob", channel="deploys", event_id="Ev0ONE")
    [(headers, body)] = far_end.requests
    assert SignatureVerifier(room.slack.signing_secret).is_valid_request(body, headers)
    [envelope] = far_end.bodies
    assert (envelope["type"], envelope["event_id"], envelope["api_app_id"], envelope["team_id"]) == (
        "event_callback",
        "Ev0ONE",
        "A0LEGWORK",
        "T0PRACTICE",
    )
    assert isinstance(envelope["event_time"], int)
    [authorization] = envelope["authorizations"]
    assert (authorization["user_id"], authorization["is_bot"]) == (BOT, True)
    event = envelope["event"]
    assert event.pop("client_msg_id")
    assert event == {
        "type": "message",
        "user": "U0BOB",
        "text": "a &lt; b &amp; c",
        "ts": said.ts,
        "team": "T0PRACTICE",
        "channel": "C0DEPLOYS",
        "event_ts": said.ts,
        "channel_type": "channel",
    }
    [delivered] = said.deliveries
    assert (delivered.event_id, delivered.event_type, delivered.error) == ("Ev0ONE", "message", "")


async def test_a_mention_is_two_events(room: PracticeRoom, far_end: FarEnd) -> None:
    """`message` and `app_mention` for the same words, with ids of their own and the same timestamp."""
    said = await room.say("@legwork and @alice, look")
    kinds = {event["type"]: event for event in far_end.events}
    assert set(kinds) == {"message", "app_mention"}
    assert kinds["app_mention"]["text"] == f"<@{BOT}> and <@U0ALICE>, look"
    assert kinds["app_mention"]["ts"] == kinds["message"]["ts"] == said.ts
    assert "channel_type" not in kinds["app_mention"]
    assert len({one.event_id for one in said.deliveries}) == 2


async def test_direct_messages_are_messages_alone(room: PracticeRoom, far_end: FarEnd) -> None:
    """They come from the person's D channel as `im`, and no mention makes them an `app_mention`."""
    said = await room.say("@Legwork help", user="dana", channel="@Legwork")
    [event] = far_end.events
    assert (event["type"], event["channel"], event["channel_type"]) == ("message", "D0DANA", "im")
    with pytest.raises(ApiError, match="not_in_channel"):
        await room.say("psst", user="bob", channel="D0DANA")
    await room.command("/agent", "list", user="dana", channel="@Legwork")
    assert far_end.bodies[-1]["channel_name"] == "directmessage"
    assert room.slack.thread("D0DANA", said.ts)


async def test_the_bot_hears_only_where_it_is(room: PracticeRoom, far_end: FarEnd) -> None:
    """In a channel without it nothing is sent, not even a mention; a private one is a `group`."""
    room.slack.channel("general").members.discard(BOT)
    assert (await room.say("@Legwork help")).deliveries == ()
    assert far_end.requests == []
    room.slack.channel("deploys").type = "group"
    await room.say("hi", channel="deploys")
    assert far_end.events[0]["channel_type"] == "group"
    room.slack.channel("deploys").members.discard("U0BOB")
    with pytest.raises(ApiError, match="not_in_channel"):
        await room.say("hi", user="bob", channel="deploys")


async def test_a_reply_names_its_root(room: PracticeRoom, slack: AsyncWebClient, far_end: FarEnd) -> None:
    """With the root's author; a thread that is not there takes none."""
    root = (await slack.chat_postMessage(channel="C0GENERAL", text="root"))["ts"]
    await room.say("!deny too broad", thread_ts=root)
    [event] = far_end.events
    assert (event["thread_ts"], event["parent_user_id"]) == (root, BOT)
    with pytest.raises(ApiError, match="thread_not_found"):
        await room.say("x", thread_ts="1700000000.000001")


async def test_an_edit_is_a_changed_message(room: PracticeRoom, far_end: FarEnd) -> None:
    """With the words before and after; a mention in it is sent once more, as edited."""
    said = await room.say("lok at this")
    await room.edit(said.ts, "@Legwork look at this")
    first, *others = far_end.events
    changed = next(event for event in others if event["type"] == "message")
    mention = next(event for event in others if event["type"] == "app_mention")
    assert (changed["subtype"], changed["hidden"]) == ("message_changed", True)
    assert changed["message"]["text"] == f"<@{BOT}> look at this"
    assert changed["previous_message"]["text"] == "lok at this"
    assert changed["message"]["ts"] == changed["previous_message"]["ts"] == said.ts
    assert changed["message"]["client_msg_id"] == first["client_msg_id"]
    assert changed["ts"] != said.ts
    assert mention["edited"]["user"] == "U0ALICE"
    assert room.slack.history()[0].text == f"<@{BOT}> look at this"
    with pytest.raises(LookupError, match="bob said nothing"):
        await room.edit(said.ts, "x", user="bob")


async def test_a_deleted_message_is_gone(room: PracticeRoom, far_end: FarEnd) -> None:
    """`message_deleted` with what it was; a root with replies leaves a tombstone, as in Slack."""
    said = await room.say("oops")
    await room.delete(said.ts)
    event = far_end.events[-1]
    assert (event["subtype"], event["deleted_ts"]) == ("message_deleted", said.ts)
    assert event["previous_message"]["text"] == "oops"
    assert room.slack.history() == []
    root = await room.say("root")
    await room.say("reply", thread_ts=root.ts)
    await room.delete(root.ts)
    event = far_end.events[-1]
    assert (event["subtype"], event["message"]["subtype"]) == ("message_changed", "tombstone")
    with pytest.raises(LookupError):
        await room.delete(root.ts)


async def test_an_event_can_be_delivered_again(room: PracticeRoom, far_end: FarEnd) -> None:
    """By hand, as often as wanted: the same bytes of the event, with the headers of a retry."""
    said = await room.say("once")
    again = await room.redeliver(said.deliveries[0].event_id)
    assert again.attempts == 2
    await room.redeliver(said.deliveries[0].event_id, reason="http_error")
    heads = [headers for headers, _ in far_end.requests]
    assert [h.get("x-slack-retry-num") for h in heads] == [None, "1", "2"]
    assert [h.get("x-slack-retry-reason") for h in heads] == [None, "http_timeout", "http_error"]
    assert far_end.bodies[0] == far_end.bodies[1] == far_end.bodies[2]
    with pytest.raises(LookupError, match="EvNone"):
        await room.redeliver("EvNone")


@pytest.mark.parametrize(
    ("first", "tries"),
    [
        (PlainTextResponse("no", 500), 2),
        (PlainTextResponse("no", 500, {"X-Slack-No-Retry": "1"}), 1),
        (PlainTextResponse("", 204), 1),
    ],
)
async def test_slack_tries_again_at_once(
    room: PracticeRoom, far_end: FarEnd, first: Response, tries: int
) -> None:
    """A failed event comes again with its reason, unless the bot asked for none; any 2xx is good."""
    room.talk.retry_after_s = (0.0, 60.0, 300.0)
    far_end.answers = [first]
    said = await room.say("hello")
    assert said.deliveries[0].attempts == len(far_end.requests) == tries
    reasons = [headers.get("x-slack-retry-reason") for headers, _ in far_end.requests]
    assert reasons == [None, "http_error"][:tries]


async def test_the_url_is_verified(room: PracticeRoom, far_end: FarEnd) -> None:
    """The bot must repeat the challenge, as text or as JSON."""
    assert (await room.deliveries.verify_url()).error == "challenge_failed"
    [asked] = far_end.bodies
    assert set(asked) == {"token", "challenge", "type"}
    far_end.answers = [JSONResponse({"challenge": "another"})]
    assert (await room.deliveries.verify_url()).error == "challenge_failed"


async def test_the_bot_may_hear_itself(room: PracticeRoom, slack: AsyncWebClient, far_end: FarEnd) -> None:
    """Where it is turned on, its own posts come as events with its `bot_id`, as real Slack sends them."""
    await slack.chat_postMessage(channel="C0GENERAL", text="silent")
    room.talk.own_messages = True
    await slack.chat_postMessage(channel="C0GENERAL", text="heard")
    await room.wait_for(lambda: far_end.events, 5)
    assert [(event["text"], event["bot_id"]) for event in far_end.events] == [("heard", "B0LEGWORK")]


@pytest.mark.parametrize(
    ("typed", "message", "command"),
    [
        ("@alice", "<@U0ALICE>", "<@U0ALICE|alice>"),
        ("(@Alice)", "(<@U0ALICE>)", "(<@U0ALICE|alice>)"),
        ("@coder @nobody", "@coder @nobody", "@coder @nobody"),
        ("#general", "<#C0GENERAL|>", "<#C0GENERAL|general>"),
        ("#nowhere issue#12", "#nowhere issue#12", "#nowhere issue#12"),
        (
            "see https://a.example/?b=1&c=2.",
            "see <https://a.example/?b=1&amp;c=2>.",
            "see <https://a.example/?b=1&amp;c=2>.",
        ),
        ("sam@a.example", "<mailto:sam@a.example|sam@a.example>", "<mailto:sam@a.example|sam@a.example>"),
        ("run setup.py now", "run <http://setup.py|setup.py> now", "run <http://setup.py|setup.py> now"),
        ("`@alice` a", "`@alice` a", "`@alice` a"),
        ("```\n@alice <https://x.y>\n```", "```\n@alice &lt;https://x.y&gt;\n```", None),
        ("<@U0ALICE> <!here>", "&lt;@U0ALICE&gt; &lt;!here&gt;", None),
        ("bot/app.pyc a..b", "bot/app.pyc a..b", None),
    ],
)
def test_what_is_typed_becomes_slacks_markup(
    room: PracticeRoom, typed: str, message: str, command: str | None
) -> None:
    """Known people, channels and addresses are marked; code and what looks like markup are not."""
    assert in_message(room.slack, typed) == message
    assert in_command(room.slack, typed) == (command or message)

"""Signed requests that are not what Slack sends: nothing breaks, nothing happens."""

import contextlib
import json
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from handlers.slack.payloads import Changed, Deleted, Envelope, Message, Press, Submission
from storage import database, people
from tests.fakes.team import Team
from tests.handlers.slack.talk import effects, event, post

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
FIELDS = [
    "type",
    "channel",
    "user",
    "ts",
    "thread_ts",
    "subtype",
    "bot_id",
    "message",
    "deleted_ts",
    "edited",
]


@given(JSON)
@settings(max_examples=200)
def test_no_json_is_misread(value: object) -> None:
    """Whatever JSON holds, it is read or it is refused."""
    for kind in (Changed, Deleted, Envelope, Message, Press, Submission):
        for body in (value, dict.fromkeys(kind.model_fields, value)):
            with contextlib.suppress(ValidationError):
                assert kind.model_validate(body)


@given(st.sampled_from(FIELDS), JSON, st.sampled_from(["message", "app_mention", "message_changed"]))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_an_event_with_a_strange_field_does_no_harm(
    desk: Team, field: str, value: object, kind: str
) -> None:
    """One field of an event holds anything: it is answered, and Slack is not asked to send it again."""
    fields: dict[str, object] = {"type": "message" if "_ch" in kind else kind, "text": "chatter"}
    if "_ch" in kind:
        fields |= {"subtype": kind, "message": {"ts": "1.000000", "user": "U0ALICE", "text": "x"}}
    status, _ = await post(desk, event(**{**fields, field: value}))
    assert 200 <= status < 500
    assert (await effects())[:3] == (0, 0, 0)


@given(JSON)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_signed_json_is_answered(desk: Team, value: object) -> None:
    """Any JSON, alone or as an event, is answered without a fault."""
    inner = value if isinstance(value, dict) else {"x": value}
    for body in (value, {"type": "event_callback", "event_id": "Ev1", "event": value}, {"event": inner}):
        status, _ = await post(desk, json.dumps(body).encode())
        assert 200 <= status < 500
    assert await effects() == (0, 0, 0, 0)


@pytest.mark.parametrize("text", ["a\0b", "x" * 45_000, "<@U0LEGWORK> assign @coder \0", "\u202e" * 10])
async def test_strange_text_is_answered_with_a_sentence(desk: Team, text: str) -> None:
    """What no command can hold is told so; nothing is done."""
    assert (await post(desk, event(text=f"<@U0LEGWORK> assign @coder {text}")))[0] == 200
    tasks, *_ = await effects()
    assert tasks == (1 if text.startswith("\u202e") else 0)


async def test_slacks_check_of_the_address_is_answered(desk: Team) -> None:
    """The challenge comes back, as Slack asks for when the address is entered."""
    answer = await desk.room.deliveries.verify_url()
    assert answer.error == ""


PRESS = {
    "type": "block_actions",
    "user": {"id": "U0BOB", "username": "bob", "team_id": "T0PRACTICE"},
    "team": {"id": "T0PRACTICE"},
    "channel": {"id": "C0GENERAL", "name": "general"},
    "container": {"type": "message", "message_ts": "1.000000"},
    "actions": [{"action_id": "do:1", "value": "task list", "type": "button"}],
    "trigger_id": "t-1",
}
VIEW = {
    "type": "modal",
    "callback_id": "why",
    "private_metadata": "{}",
    "state": {"values": {"why": {"text": {"value": "x"}}}},
}
SUBMISSION = {
    "type": "view_submission",
    "user": {"id": "U0BOB", "username": "bob"},
    "view": VIEW,
    "trigger_id": "t-1",
}


@given(st.data(), JSON)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_a_press_with_a_strange_field_does_no_harm(
    desk: Team, data: st.DataObject, value: object
) -> None:
    """One field of a press or a submission holds anything: it is answered, and opens no task."""
    payload = data.draw(st.sampled_from([PRESS, SUBMISSION]))
    field = data.draw(st.sampled_from(sorted(payload)))
    body = urlencode({"payload": json.dumps({**payload, field: value})}).encode()
    status, _ = await post(desk, body, "application/x-www-form-urlencoded")
    assert 200 <= status < 500
    tasks, messages, *_ = await effects()
    assert (tasks, messages) == (0, 0)


DEEP = "[" * 100_000
FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (f'{{"type":"event_callback","event":{DEEP}{"]" * 100_000}}}', "application/json"),
        (f"payload={DEEP}", FORM),
        (f"payload={DEEP}{']' * 100_000}", FORM),
        (
            urlencode({"payload": json.dumps({**SUBMISSION, "view": {**VIEW, "private_metadata": DEEP}})}),
            FORM,
        ),
        (event(ts="999999999999.000000").decode(), "application/json"),
        (event(thread_ts="9" * 12 + ".000000").decode(), "application/json"),
        (event(text="<@U0LEGWORK> assign @coder \ud800").decode(), "application/json"),
        (event("Ev\0").decode(), "application/json"),
    ],
)
async def test_what_is_nested_or_counted_too_far_does_no_harm(desk: Team, body: str, kind: str) -> None:
    """JSON too deep to read, and moments beyond all calendars, are no fault of the bot's."""
    status, _ = await post(desk, body.encode(), kind)
    assert status in (200, 400)
    assert (await effects())[0] == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"user_id": "U\0ALICE"},
        {"user_id": "U" * 5_000},
        {"channel_id": "<x>"},
        {"channel_id": "C\0"},
        {"trigger_id": "x" * 5_000},
        {"trigger_id": "\0"},
    ],
)
async def test_ids_that_are_none_are_refused(desk: Team, changes: dict[str, str]) -> None:
    """A command whose ids Slack cannot have made is answered with a sentence, and does nothing."""
    fields = {"command": "/agent", "text": "assign @coder hi", "trigger_id": "x1", "user_id": "U0ALICE"}
    fields |= {"channel_id": "C0GENERAL", **changes}
    status, text = await post(desk, urlencode(fields).encode(), FORM)
    assert status == 200
    assert f"Slack's request has no good {next(iter(changes))}" in text
    assert await effects() == (0, 0, 0, 0)


async def test_a_name_has_only_what_can_be_seen(desk: Team) -> None:
    """What cannot be printed in a name is left out of it."""
    fields = {"command": "/task", "text": "list", "trigger_id": "x1", "user_id": "U0ZED"}
    fields |= {"channel_id": "C0GENERAL", "user_name": "Z\0e\nd\u202e"}
    assert (await post(desk, urlencode(fields).encode(), FORM))[0] == 200
    assert "Zed" in [person.name for person in await database.run(people.everyone)]

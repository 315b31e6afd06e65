"""Modals work as in Slack, and only as in Slack."""

from typing import Any

import httpx
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from starlette.responses import JSONResponse

from bot.practice import PracticeRoom
from tests.bot.practice.far_end import FarEnd


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def field(**element: Any) -> dict[str, Any]:
    return {
        "type": "input",
        "block_id": "why",
        "label": plain("Reason"),
        "element": {"type": "plain_text_input", "action_id": "reason", **element},
    }


def modal(*blocks: dict[str, Any], **fields: Any) -> dict[str, Any]:
    made = {"type": "modal", "title": plain("Deny"), "submit": plain("Send"), "callback_id": "deny"}
    return {**made, "private_metadata": "A-17", "blocks": list(blocks or (field(),)), **fields}


async def trigger(room: PracticeRoom, far_end: FarEnd) -> str:
    """A fresh trigger id of alice's."""
    await room.command("/agent", "list")
    return str(far_end.bodies[-1]["trigger_id"])


async def test_a_modal_is_opened_once_for_a_trigger(
    room: PracticeRoom, slack: AsyncWebClient, far_end: FarEnd
) -> None:
    """It stands before whoever caused it; the trigger is then used, another one unknown, an old one late."""
    id_ = await trigger(room, far_end)
    opened = await slack.views_open(trigger_id=id_, view=modal())
    [view] = room.slack.views_of("alice")
    assert opened["view"]["id"] == view.id
    assert opened["view"]["state"] == {"values": {}}
    for wrong, error in ((id_, "exchanged_trigger_id"), ("1.2.a", "invalid_trigger_id")):
        with pytest.raises(SlackApiError, match=error):
            await slack.views_open(trigger_id=wrong, view=modal())
    room.slack.triggers.patience_s = 0.0
    with pytest.raises(SlackApiError, match="expired_trigger_id"):
        await slack.views_open(trigger_id=await trigger(room, far_end), view=modal())


@pytest.mark.parametrize(
    ("view", "said"),
    [
        (modal(title=plain("x" * 25)), "must be less than 25 characters [json-pointer:/view/title/text]"),
        (modal(title={"type": "mrkdwn", "text": "x"}), "must be one of plain_text"),
        (modal(submit=plain("x" * 25)), "[json-pointer:/view/submit/text]"),
        (modal(private_metadata="x" * 3001), "must be less than 3001 characters"),
        (modal(callback_id="x" * 256), "[json-pointer:/view/callback_id]"),
        (modal(type="sheet"), "must be one of modal [json-pointer:/view/type]"),
        (modal(colour="red"), "invalid additional property: colour"),
        (modal({"type": "markdown", "text": "x"}), "unsupported type: markdown"),
        (modal(field(), field()), "`block_id` already exists"),
        (modal(*[{"type": "divider"}] * 101), "no more than 100 items allowed"),
        (modal(field(max_length=3001)), "must be from 1 to 3000"),
        (modal(field(multiline="yes")), "must be a boolean"),
        (modal(field(type="datepicker")), "unsupported type: datepicker"),
        (modal({"type": "input", "label": plain("x")}), "missing required field: element"),
        (modal({**field(), "label": {"type": "mrkdwn", "text": "x"}}), "must be one of plain_text"),
        ({key: value for key, value in modal().items() if key != "submit"}, "`submit` is required"),
        ({"type": "modal", "title": plain("x")}, "missing required field: blocks"),
        (modal(blocks="none"), "must be an array"),
        ([], "must be an object"),
    ],
)
async def test_a_bad_view_is_refused_with_a_pointer(
    room: PracticeRoom, slack: AsyncWebClient, far_end: FarEnd, view: Any, said: str
) -> None:
    """`invalid_arguments` names the fault, and nothing is shown."""
    with pytest.raises(SlackApiError) as caught:
        await slack.api_call("views.open", json={"trigger_id": await trigger(room, far_end), "view": view})
    assert caught.value.response["error"] == "invalid_arguments"
    assert any(said in line for line in caught.value.response["response_metadata"]["messages"])
    assert room.slack.views == []


async def test_a_submission_carries_what_was_entered(
    room: PracticeRoom, slack: AsyncWebClient, far_end: FarEnd
) -> None:
    """With the view's id, hash, metadata and state; an empty answer closes it."""
    await slack.views_open(trigger_id=await trigger(room, far_end), view=modal())
    done = await room.submit({"reason": "too broad"})
    payload = far_end.bodies[-1]
    view = payload["view"]
    assert (payload["type"], payload["user"]["id"]) == ("view_submission", "U0ALICE")
    assert (view["id"], view["hash"]) == (done.view.id, done.view.hash)
    assert (view["callback_id"], view["private_metadata"]) == ("deny", "A-17")
    assert view["state"]["values"] == {"why": {"reason": {"type": "plain_text_input", "value": "too broad"}}}
    assert (done.errors, done.view.is_open) == ({}, False)
    with pytest.raises(LookupError, match="no such modal"):
        await room.submit({})


async def test_slack_refuses_an_empty_field_itself(
    room: PracticeRoom, slack: AsyncWebClient, far_end: FarEnd
) -> None:
    """The bot is not asked; an unknown field is the test's own mistake."""
    await slack.views_open(trigger_id=await trigger(room, far_end), view=modal(field(min_length=3)))
    asked = len(far_end.requests)
    assert (await room.submit({"Reason": " "})).errors == {"why": "Please complete this required field."}
    assert (await room.submit({"why": "no"})).errors == {"why": "Enter 3 to 3000 characters."}
    assert len(far_end.requests) == asked
    with pytest.raises(LookupError, match="no field colour"):
        await room.submit({"colour": "red"})


async def test_the_bots_errors_are_shown_beside_the_fields(
    room: PracticeRoom, slack: AsyncWebClient, far_end: FarEnd, browser: httpx.AsyncClient
) -> None:
    """The modal stays open; an error for no field is Slack's own trouble."""
    await slack.views_open(trigger_id=await trigger(room, far_end), view=modal())
    far_end.answers = [JSONResponse({"response_action": "errors", "errors": {"why": "Say <more>."}})]
    assert (await room.submit({"reason": "no"})).errors == {"why": "Say <more>."}
    [shown] = (await browser.get("state")).json()["views"]
    assert "Say &lt;more&gt;." in shown["html"]
    for body in (
        {"response_action": "errors", "errors": {"nowhere": "x"}},
        {"response_action": "explode"},
        {"response_action": "update", "view": {"type": "modal"}},
        ["?"],
    ):
        far_end.answers = [JSONResponse(body)]
        done = await room.submit({"reason": "no"})
        assert "trouble" in done.errors[""]
        assert done.view.is_open
    await room.submit({"reason": "no"})
    assert (await browser.get("state")).json()["views"] == []


async def test_views_can_be_updated_pushed_and_cleared(
    room: PracticeRoom, slack: AsyncWebClient, far_end: FarEnd
) -> None:
    """As answers and by methods: three at most, a stale hash is refused, clear takes all away."""
    opened = (await slack.views_open(trigger_id=await trigger(room, far_end), view=modal()))["view"]
    far_end.answers = [JSONResponse({"response_action": "update", "view": modal(title=plain("Again"))})]
    await room.submit({"reason": "x"})
    assert room.slack.views_of()[-1].content["title"]["text"] == "Again"
    with pytest.raises(SlackApiError, match="hash_conflict"):
        await slack.views_update(view_id=opened["id"], hash=opened["hash"], view=modal())
    await slack.views_update(view_id=opened["id"], view=modal(title=plain("Third")))
    for _ in range(2):
        far_end.answers = [JSONResponse({"response_action": "push", "view": modal()})]
        await room.submit({"reason": "x"})
    assert [view.root for view in room.slack.views_of()] == [opened["id"]] * 3
    with pytest.raises(SlackApiError, match="push_limit_reached"):
        await slack.views_push(trigger_id=await trigger(room, far_end), view=modal())
    far_end.answers = [JSONResponse({"response_action": "clear"})]
    await room.submit({"reason": "x"})
    assert room.slack.views_of() == []
    with pytest.raises(SlackApiError, match="not_found"):
        await slack.views_update(view_id=opened["id"], view=modal())


async def test_a_closed_modal_is_told_where_it_asked(
    room: PracticeRoom, slack: AsyncWebClient, far_end: FarEnd
) -> None:
    """`view_closed` comes only with `notify_on_close`."""
    await slack.views_open(trigger_id=await trigger(room, far_end), view=modal())
    assert await room.dismiss() is None
    await slack.views_open(trigger_id=await trigger(room, far_end), view=modal(notify_on_close=True))
    await room.dismiss()
    assert far_end.bodies[-1]["type"] == "view_closed"

"""Buttons and modals, as a person uses them.

Sources: https://docs.slack.dev/reference/interaction-payloads/block_actions-payload,
…/view-interactions-payload and https://docs.slack.dev/surfaces/modals (response actions).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from bot.practice import views
from bot.practice.delivered import Delivered
from bot.practice.deliveries import VERIFICATION_TOKEN, Deliveries, Mangle
from bot.practice.elements import MAX_INPUT
from bot.practice.model import ApiError, Json, Message, User, View
from bot.practice.objects import message_object
from bot.practice.response_urls import ResponseUrls
from bot.practice.slack import APP_ID, TEAM_ID, SlackSide

TROUBLE = "We had some trouble connecting. Try again?"  # what Slack shows when a modal's answer is no good
MISSING = "Please complete this required field."


@dataclass(frozen=True, slots=True)
class Submitted:
    """What came of submitting a modal.

    Attributes:
        view: The modal.
        delivered: The bot's answer; None where Slack itself refused and asked nobody.
        errors: Sentence per `block_id`, from Slack or from the bot.
    """

    view: View
    delivered: Delivered | None
    errors: dict[str, str] = field(default_factory=dict)


class Interactions:
    """Presses and submits, and does what the bot answers."""

    def __init__(self, slack: SlackSide, deliveries: Deliveries, urls: ResponseUrls) -> None:
        self._slack = slack
        self._deliveries = deliveries
        self._urls = urls

    async def press(
        self, message_ts: str, button: str, *, user: str, channel: str, mangle: Mangle | None
    ) -> Delivered:
        """Press a button; see `PracticeRoom.press`."""
        who = self._slack.user(user)
        where = self._slack.place(channel, who)
        message = self._slack.shown(where.id, message_ts, who.id)
        if message is None:
            raise LookupError(f"{who.name} sees no message {message_ts} in {where.name}.")
        pressed = _button(message, button)
        url = self._urls.make("actions", who.id, where.id, message)
        payload: Json = {
            **self._head("block_actions", who),
            "container": _container(message),
            "channel": {"id": where.id, "name": "directmessage" if where.type == "im" else where.name},
            "state": {"values": {}},
            "response_url": url.url,
            "actions": [{**pressed, "action_ts": self._slack.clock.next()}],
        }
        if message.kind == "message":
            payload["message"] = message_object(self._slack, message)
        answer = await self._deliveries.interaction(payload, answerable=False, mangle=mangle)
        if answer.error:
            why = f'“{pressed["text"]["text"]}” failed with the error "{answer.error}"'
            self._slack.say_privately(who.id, where.id, why, thread_ts=message.thread_ts)
        return answer

    async def submit(
        self, values: Mapping[str, str], *, view_id: str, user: str, mangle: Mangle | None
    ) -> Submitted:
        """Submit a modal; see `PracticeRoom.submit`."""
        who = self._slack.user(user)
        view = self._open(view_id, who)
        entered = _entered(view, values)
        if refused := _refused(view, entered):
            return self._shown(Submitted(view, None, refused))
        state = {
            block["block_id"]: {
                block["element"]["action_id"]: {"type": "plain_text_input", "value": value or None}
            }
            for block, value in entered
        }
        payload = {
            **self._head("view_submission", who),
            "view": views.view_object(view, state),
            "response_urls": [],
        }
        answer = await self._deliveries.interaction(payload, answerable=True, mangle=mangle)
        try:
            errors = {"": TROUBLE} if answer.error else self._act(view, answer)
        except (ApiError, ValueError, KeyError, TypeError, AttributeError):
            answer, errors = replace(answer, error="invalid_response_action"), {"": TROUBLE}
        return self._shown(Submitted(view, answer, errors))

    async def dismiss(self, *, view_id: str, user: str) -> Delivered | None:
        """Close a modal without submitting; see `PracticeRoom.dismiss`."""
        who = self._slack.user(user)
        view = self._open(view_id, who)
        views.close(self._slack, view)
        if not view.content["notify_on_close"]:
            return None
        payload = {
            **self._head("view_closed", who),
            "view": views.view_object(view),
            "is_cleared": False,
        }
        return await self._deliveries.interaction(payload, answerable=False)

    def _head(self, kind: str, user: User) -> Json:
        return {
            "type": kind,
            "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": TEAM_ID},
            "team": {"id": TEAM_ID, "domain": "practice"},
            "enterprise": None,
            "is_enterprise_install": False,
            "api_app_id": APP_ID,
            "token": VERIFICATION_TOKEN,
            "trigger_id": self._slack.triggers.make(user.id),
        }

    def _open(self, view_id: str, user: User) -> View:
        for view in reversed(self._slack.views_of(user.id)):
            if view_id in ("", view.id):
                return view
        raise LookupError(f"{user.name} has no such modal open; `room.slack.views` lists them all.")

    def _act(self, view: View, answer: Delivered) -> dict[str, str]:
        """Do what the bot answered; the errors to show."""
        body = answer.json() if answer.text.strip() else {}
        action = body.get("response_action", "")
        if action == "errors":
            return _told(view, body["errors"])
        if action == "update":
            views.replace(self._slack, view, views.checked(body["view"]))
        elif action == "push":
            views.push(self._slack, view.user, views.checked(body["view"]))
        elif action == "clear":
            views.clear(self._slack, view.user)
        elif action:
            raise ValueError(action)
        else:
            views.close(self._slack, view)
        return {}

    def _shown(self, submitted: Submitted) -> Submitted:
        submitted.view.errors = submitted.errors
        submitted.view.version = self._slack.changes.note()
        return submitted


def _button(message: Message, wanted: str) -> Json:
    """The button of that `action_id` or label, as an action reports it.

    Raises:
        LookupError: There is none, or several.
    """
    buttons = list(_buttons(message))
    found = [b for b in buttons if wanted in (b["action_id"], f"{b['block_id']}/{b['action_id']}")]
    found = found or [b for b in buttons if b["text"]["text"] == wanted]
    if len(found) != 1:
        labels = ", ".join(f"{b['text']['text']} ({b['action_id']})" for b in buttons) or "none"
        raise LookupError(f"{len(found)} buttons are called {wanted!r}; the message has {labels}.")
    return found[0]


def _buttons(message: Message) -> Iterator[Json]:
    for block in message.blocks:
        for element in (block.get("accessory"), *block.get("elements", ())):
            if element and element["type"] == "button":
                action: Json = {"action_id": element["action_id"], "block_id": block["block_id"]}
                action["text"] = {"emoji": True} | element["text"]
                yield action | {
                    key: element[key] for key in ("value", "style", "url", "type") if key in element
                }


def _container(message: Message) -> Json:
    body: Json = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": message.channel,
        "is_ephemeral": message.kind == "ephemeral",
    }
    return body | ({"thread_ts": message.thread_ts} if message.thread_ts else {})


def _entered(view: View, values: Mapping[str, str]) -> list[tuple[Json, str]]:
    """What is entered in each input block: as given by `action_id`, `block_id` or label, else as it began.

    Raises:
        LookupError: A value is for no field.
    """
    left = dict(values)
    found = []
    for block in view.content["blocks"]:
        if block["type"] == "input":
            element = block["element"]
            names = (element["action_id"], block["block_id"], block["label"]["text"])
            given = [left.pop(name) for name in dict.fromkeys(names) if name in left]
            found.append((block, given[0] if given else str(element.get("initial_value", ""))))
    if left:
        raise LookupError(f"The modal has no field {', '.join(left)}.")
    return found


def _refused(view: View, entered: list[tuple[Json, str]]) -> dict[str, str]:
    """What Slack itself refuses before it asks the bot."""
    if view.content["submit"] is None:
        return {"": "This modal has no button to submit it."}
    errors = {}
    for block, value in entered:
        element, id_ = block["element"], block["block_id"]
        least, most = element.get("min_length", 0), element.get("max_length", MAX_INPUT)
        if not value.strip() and not block.get("optional"):
            errors[id_] = MISSING
        elif value and not least <= len(value) <= most:
            errors[id_] = f"Enter {least} to {most} characters."
    return errors


def _told(view: View, errors: dict[str, str]) -> dict[str, str]:
    """The bot's errors, each for an input block that is there.

    Raises:
        ValueError: One is not, or there are none: Slack shows its own trouble instead.
    """
    inputs = {block["block_id"] for block in view.content["blocks"] if block["type"] == "input"}
    if not errors or not errors.keys() <= inputs:
        raise ValueError(errors)
    return {id_: str(text) for id_, text in errors.items()}

"""Buttons and the modal that asks why, from a press to the act; in the caller's transaction.

A button's value is command text, and nothing more: it is run with the rights of whoever pressed, as if they
had typed it.
"""

from datetime import datetime
from typing import Any

from bot.actors import Origin
from bot.replies import Reply
from handlers.slack.acting import Acting, answer, origin
from handlers.slack.payloads import Press, Purpose, Submission, hidden
from storage import discussions, inbox

DO = "do:"
WHY = "why:"
CALLBACK = "why"
TITLE_CHARS = 24
ENTERED_CHARS = 2_000


def pressed(acting: Acting, press: Press, now: datetime) -> None:
    """Run a button's command; a mistake is told to whoever pressed."""
    if not inbox.first_time(f"slack:{press.trigger_id}", now):
        return
    where = _where(press)
    actor = acting.who(press.user.id, press.user.username, now)
    _tell(acting.run(press.button.value, actor, where, now), where, press.user.id, now)


def submitted(acting: Acting, submission: Submission, now: datetime) -> Reply | None:
    """Run the command that a modal completes; None where it was done before."""
    if not inbox.first_time(f"slack:{submission.trigger_id}", now):
        return None
    purpose = submission.purpose
    where = origin(purpose.channel, purpose.thread, private=purpose.private)
    actor = acting.who(submission.user.id, submission.user.username, now)
    reply = acting.run(f"{purpose.value} -- {submission.text}", actor, where, now)
    if reply.ok:
        _tell(reply, where, submission.user.id, now)
    return reply


def unopened(press: Press, now: datetime) -> None:
    """The modal could not be shown: say what to type."""
    value = press.button.value
    text = f"Slack did not show the box for your words. Type them instead: `/{value} …`"
    answer(_where(press), Reply(text), now, press.user.id)


def purpose(press: Press) -> Purpose:
    """What the modal of a button is for; only reads."""
    where = _where(press)
    return Purpose(value=press.button.value, channel=where.place, private=where.private, thread=where.thread)


def modal(press: Press, purpose: Purpose) -> dict[str, Any]:
    """The modal that asks why.

    Source: https://docs.slack.dev/reference/views/modal-views
    """
    title = press.button.text.text.strip(" .…") or "Why?"
    return {
        "type": "modal",
        "callback_id": CALLBACK,
        "private_metadata": purpose.model_dump_json(),
        "title": {"type": "plain_text", "text": title[:TITLE_CHARS]},
        "submit": {"type": "plain_text", "text": "Send"},
        "close": {"type": "plain_text", "text": "Back"},
        "blocks": [
            {
                "type": "input",
                "block_id": "why",
                "label": {"type": "plain_text", "text": "Why? The agent is told."},
                "element": {
                    "type": "plain_text_input",
                    "action_id": "text",
                    "multiline": True,
                    "max_length": ENTERED_CHARS,
                },
            }
        ],
    }


def _where(press: Press) -> Origin:
    """Where it was pressed: as private as is known of the place, else as its name tells."""
    known = discussions.find("slack", press.channel.id)
    private = known.private if known else hidden(press.channel.name) or press.channel.id.startswith("D")
    return origin(press.channel.id, press.thread, private=private)


def _tell(reply: Reply, where: Origin, user: str, now: datetime) -> None:
    if not (reply.ok and reply.shown):
        answer(where, reply, now, user)

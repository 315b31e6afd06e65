"""What a person does in the page: every button, box and form posts here."""

import json
from collections.abc import Awaitable, Callable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.errors import LegworkError
from bot.practice.commands import Commands
from bot.practice.interactions import Interactions
from bot.practice.mailbox import Mailbox
from bot.practice.model import ApiError, Json
from bot.practice.talk import Talk

Act = Callable[[Json], Awaitable[Json]]
_FAILED = {
    "user_not_found": "Nobody here is called that.",
    "channel_not_found": "There is no such channel.",
    "not_in_channel": "You are not in this channel.",
    "is_archived": "This channel is archived.",
    "thread_not_found": "This thread is gone.",
}


class PageActs:
    """The endpoints, by the last part of their addresses; each takes a JSON object."""

    def __init__(self, commands: Commands, talk: Talk, interactions: Interactions, mailbox: Mailbox) -> None:
        self._commands = commands
        self._talk = talk
        self._interactions = interactions
        self._mailbox = mailbox
        acts: dict[str, Act] = {
            "command": self._command,
            "say": self._say,
            "press": self._press,
            "submit": self._submit,
            "dismiss": self._dismiss,
            "reply": self._reply,
        }
        self.endpoints = {name: _endpoint(act) for name, act in acts.items()}

    async def _command(self, body: Json) -> Json:
        typed = str(body["text"]).strip()
        command, _, text = typed.partition(" ")
        if not command.startswith("/") or "\n" in command:
            raise LegworkError("Start with /agent or /task, then a space and what you want.")
        user, channel = str(body["user"]), str(body["channel"])
        answer = await self._commands.type(command, text, user=user, channel=channel)
        return {"status": answer.status_code, "error": answer.error}

    async def _say(self, body: Json) -> Json:
        text, thread = str(body["text"]).strip(), str(body.get("thread", ""))
        if thread and text.startswith("/"):
            raise LegworkError(
                "Slack takes no commands in threads: type it in the channel, or say !verb here."
            )
        said = await self._talk.say(
            text,
            user=str(body["user"]),
            channel=str(body["channel"]),
            thread_ts=thread or None,
            event_id=None,
            mangle=None,
        )
        return {"ts": said.ts, "errors": [one.error for one in said.deliveries if one.error]}

    async def _press(self, body: Json) -> Json:
        ts, button = str(body["ts"]), str(body["button"])
        user, channel = str(body["user"]), str(body["channel"])
        answer = await self._interactions.press(ts, button, user=user, channel=channel, mangle=None)
        return {"status": answer.status_code, "error": answer.error}

    async def _submit(self, body: Json) -> Json:
        values = {str(name): str(value) for name, value in dict(body["values"]).items()}
        done = await self._interactions.submit(
            values, view_id=str(body["view"]), user=str(body["user"]), mangle=None
        )
        return {"errors": done.errors}

    async def _dismiss(self, body: Json) -> Json:
        await self._interactions.dismiss(view_id=str(body["view"]), user=str(body["user"]))
        return {}

    async def _reply(self, body: Json) -> Json:
        number = int(body["letter"])
        if not 1 <= number <= len(self._mailbox.letters):
            raise HTTPException(404)
        if not (text := str(body["text"]).strip()):
            raise LegworkError("Write something first.")
        code, said = await self._mailbox.reply(self._mailbox.letters[number - 1], text)
        return {"code": code, "said": said}


def _endpoint(act: Act) -> Callable[[Request], Awaitable[Response]]:
    """An act as an endpoint: what a person cannot do is 400 with a sentence."""

    async def answer(request: Request) -> Response:
        try:
            body = json.loads(await request.body())
            return JSONResponse(await act(body))
        except ApiError as error:
            return JSONResponse({"error": _FAILED.get(error.error, error.error)}, 400)
        except (LegworkError, LookupError) as error:
            if isinstance(error, KeyError):
                raise HTTPException(400) from None
            return JSONResponse({"error": str(error)}, 400)
        except (ValueError, TypeError):
            raise HTTPException(400) from None

    return answer

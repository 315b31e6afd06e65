"""The page's routes, all below the random token."""

import contextlib
from pathlib import Path
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from bot.practice import letter_view, view_form
from bot.practice.guard import guarded
from bot.practice.letter import Letter
from bot.practice.letters import Part
from bot.practice.mailbox import Mailbox
from bot.practice.model import File, Json
from bot.practice.page_acts import PageActs
from bot.practice.render import SHOWN_IMAGES, Renderer
from bot.practice.slack import SlackSide

PAGE = Path(__file__).parent / "page"
_STATIC = {"style.css", "script.js", "icon.svg"}
_POLL_S = 20.0
_INLINE = SHOWN_IMAGES | {"application/pdf", "text/plain"}
_LETTER_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
)
_FILE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; object-src 'self'; img-src 'self'"


class Site:
    """What a person's browser sees.

    Args:
        slack: The workspace that is shown.
        mailbox: The letters that are shown.
        acts: What a person can do there.
        token: The random part of every address.
    """

    def __init__(self, slack: SlackSide, mailbox: Mailbox, acts: PageActs, token: str) -> None:
        self._slack = slack
        self._mailbox = mailbox
        self._renderer = Renderer(slack, _address, live=True)
        self.routes = [
            Route(f"/{{token}}{path}", guarded(endpoint, token), methods=[method])
            for path, method, endpoint in (
                ("/", "GET", self._index),
                ("/page/{name}", "GET", self._static),
                ("/state", "GET", self._state),
                *(("/" + name, "POST", act) for name, act in acts.endpoints.items()),
                ("/files/{id}/{name}", "GET", self._file),
                ("/letters/{number:int}", "GET", self._letter),
                ("/letters/{number:int}/html", "GET", self._letter_html),
                ("/letters/{number:int}/raw", "GET", self._letter_raw),
                ("/letters/{number:int}/parts/{index:int}/{name}", "GET", self._part),
            )
        ]

    async def _index(self, _request: Request) -> Response:
        return FileResponse(PAGE / "index.html", media_type="text/html")

    async def _static(self, request: Request) -> Response:
        name = str(request.path_params["name"])
        if name not in _STATIC:
            raise HTTPException(404)
        return FileResponse(PAGE / name)

    async def _state(self, request: Request) -> Response:
        """Everything that changed after the version that the page has; waits for a change."""
        try:
            after = int(request.query_params.get("after", "0"))
        except ValueError:
            raise HTTPException(400) from None
        changes = self._slack.changes
        with contextlib.suppress(TimeoutError):
            await changes.wait_for(lambda: changes.version > after or changes.closed, _POLL_S)
        return JSONResponse(self._since(after))

    def _since(self, after: int) -> Json:
        slack = self._slack
        return {
            "version": slack.changes.version,
            "users": [
                {"id": user.id, "name": user.real_name, "admin": user.is_admin}
                for user in slack.users.values()
                if not user.is_bot
            ],
            "channels": [
                {"id": channel.id, "name": channel.name, "topic": channel.topic}
                for channel in slack.channels.values()
                if channel.type != "im"
            ],
            "messages": [
                {
                    "ts": message.ts,
                    "channel": message.channel,
                    "thread": message.thread_ts,
                    "only_for": message.only_for,
                    "by_bot": slack.users[message.user].is_bot,
                    "html": self._renderer.message(message),
                }
                for message in slack.messages
                if message.version > after
            ],
            "views": [
                {
                    "id": view.id,
                    "user": view.user,
                    "version": view.version,
                    "html": view_form.form(self._renderer, view),
                }
                for view in slack.views
                if view.is_open
            ],
            "letters": [
                {"number": letter.number, "html": letter_view.item(letter)}
                for letter in self._mailbox.letters
                if letter.version > after
            ],
        }

    async def _file(self, request: Request) -> Response:
        file: File | None = self._slack.files.get(str(request.path_params["id"]))
        if file is None or file.path is None:
            raise HTTPException(404)
        headers = _download_headers(file.name, file.media_type)
        return FileResponse(file.path, media_type=_media_type(file.media_type), headers=headers)

    async def _letter(self, request: Request) -> Response:
        letter = self._find(request)
        answers = [sent for sent in self._mailbox.sent if sent.answers == letter.number]
        html = letter_view.whole(letter, answers, can_reply=bool(self._mailbox.mail_to))
        return JSONResponse({"subject": letter.subject, "html": html})

    async def _letter_html(self, request: Request) -> Response:
        html = f'<!doctype html><base target="_blank">{self._find(request).parsed.html}'
        body = html.encode("utf-8", "replace")
        return Response(body, media_type="text/html", headers={"Content-Security-Policy": _LETTER_POLICY})

    async def _letter_raw(self, request: Request) -> Response:
        letter = self._find(request)
        return FileResponse(letter.path, media_type="application/octet-stream", filename=letter.path.name)

    async def _part(self, request: Request) -> Response:
        parts = self._find(request).parsed.attachments
        index = int(request.path_params["index"])
        if index >= len(parts):
            raise HTTPException(404)
        part: Part = parts[index]
        headers = _download_headers(part.name, part.media_type)
        return Response(part.content, media_type=_media_type(part.media_type), headers=headers)

    def _find(self, request: Request) -> Letter:
        number = int(request.path_params["number"])
        if not 1 <= number <= len(self._mailbox.letters):
            raise HTTPException(404)
        return self._mailbox.letters[number - 1]


def _address(file: File) -> str:
    return f"files/{file.id}/{quote(file.name, safe='')}"


def _media_type(media_type: str) -> str:
    """Only types that cannot run anything are named; the rest is bytes."""
    if media_type == "text/plain":
        return "text/plain; charset=utf-8"
    return media_type if media_type in _INLINE else "application/octet-stream"


def _download_headers(name: str, media_type: str) -> dict[str, str]:
    way = "inline" if media_type in _INLINE else "attachment"
    return {
        "Content-Disposition": f"{way}; filename*=utf-8''{quote(name, safe='')}",
        "Content-Security-Policy": _FILE_POLICY,
    }

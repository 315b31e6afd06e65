"""Slack's addresses: the Web API, uploads, private files and response URLs.

Sources: https://docs.slack.dev/apis/web-api (calls, tokens, answers), …/apis/web-api/rate-limits (HTTP 429
with Retry-After), https://docs.slack.dev/interactivity/handling-user-interaction (response URLs).
"""

import hmac
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bot.practice import chat, reading, uploads, views
from bot.practice.arguments import Arguments, read
from bot.practice.model import ApiError, Json
from bot.practice.response_urls import ResponseUrls
from bot.practice.slack import SlackSide
from bot.practice.sockets import Sockets
from bot.practice.talk import Talk

METHODS = chat.METHODS | reading.METHODS | uploads.METHODS | views.METHODS
_OPEN_SOCKET = "apps.connections.open"
_BAD_URL = {"used_url", "expired_url", "no_such_url"}


class WebApi:
    """What the bot calls when it calls Slack."""

    def __init__(self, slack: SlackSide, urls: ResponseUrls, sockets: Sockets, talk: Talk) -> None:
        self._slack = slack
        self._urls = urls
        self._sockets = sockets
        self._talk = talk
        self.routes = [
            Route("/api/{method}", self._call, methods=["GET", "POST"]),
            Route("/upload/v1/{ticket}", self._upload, methods=["POST"]),
            Route("/files-pri/{id}", self._download),
            Route("/files-pri/{id}/download", self._download),
            Route("/commands/{token}", self._respond, methods=["POST"]),
            Route("/actions/{token}", self._respond, methods=["POST"]),
        ]

    async def _call(self, request: Request) -> Response:
        method = str(request.path_params["method"])

        async def act(args: Arguments) -> Json:
            if method == _OPEN_SOCKET:
                self._authorise(request, args, self._slack.app_token)
                return {"ok": True, "url": await self._sockets.url()}
            if method not in METHODS:
                raise ApiError("unknown_method")
            self._authorise(request, args, self._slack.bot_token)
            body = METHODS[method](self._slack, args)
            if method == "chat.postMessage":
                self._talk.echo(body["channel"], body["ts"])
            return {"ok": True, **body}

        def answer(body: Json) -> Response:
            return JSONResponse(body)

        try:
            args = await read(request)
        except ApiError as error:
            self._slack.record(method, {}, error.error)
            return answer(error.answer())
        return await self._meet(method, args, act, answer)

    async def _upload(self, request: Request) -> Response:
        async def act(_args: Arguments) -> Json:
            return {"text": await uploads.receive(self._slack, request)}

        def answer(body: Json) -> Response:
            return PlainTextResponse(body.get("text") or body["error"], 200 if "text" in body else 400)

        return await self._meet("upload", Arguments({}), act, answer)

    async def _download(self, request: Request) -> Response:
        id_ = str(request.path_params["id"]).rpartition("-")[2]
        file = self._slack.files.get(id_)

        async def act(args: Arguments) -> Json:
            self._authorise(request, args, self._slack.bot_token)
            if file is None or file.path is None:
                raise ApiError("file_not_found")
            return {}

        def answer(body: Json) -> Response:
            if "error" in body or file is None or file.path is None:
                return JSONResponse(body, 404)
            headers = {"X-Content-Type-Options": "nosniff"}
            return FileResponse(file.path, media_type=file.media_type, headers=headers, filename=file.name)

        return await self._meet("download", Arguments({"file": id_}), act, answer)

    async def _respond(self, request: Request) -> Response:
        async def act(args: Arguments) -> Json:
            self._urls.take(str(request.path_params["token"]), args)
            return {"ok": True}

        def answer(body: Json) -> Response:
            if body["ok"]:
                return PlainTextResponse("ok")
            return JSONResponse(body, 404 if body["error"] in _BAD_URL else 400)

        try:
            args = await read(request)
        except ApiError as error:
            return answer(error.answer())
        return await self._meet("response_url", args, act, answer)

    async def _meet(
        self,
        method: str,
        args: Arguments,
        act: Callable[[Arguments], Awaitable[Json]],
        answer: Callable[[Json], Response],
    ) -> Response:
        """Act and answer, unless a fault was arranged."""
        fault = self._slack.faults.take(method)
        if fault and not fault.acted:
            self._slack.record(method, args.values, fault.error or fault.how)
            return fault.response(self._slack.changes)
        try:
            body = await act(args)
        except ApiError as error:
            body = error.answer()
        self._slack.record(method, args.values, str(body.get("error", "")))
        return fault.response(self._slack.changes) if fault else answer(body)

    def _authorise(self, request: Request, args: Arguments, wanted: str) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        token = token.strip() if scheme.lower() == "bearer" else args.text("token")
        if not token:
            raise ApiError("not_authed")
        if hmac.compare_digest(token.encode(), wanted.encode()):
            return
        known = (self._slack.bot_token, self._slack.app_token)
        raise ApiError("not_allowed_token_type" if token in known else "invalid_auth")

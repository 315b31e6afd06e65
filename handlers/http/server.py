"""The FastAPI app, and before it the way for Slack's requests."""

from collections.abc import Awaitable, Callable, Mapping

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from slack_bolt.adapter.starlette.async_handler import to_starlette_response
from slack_bolt.response import BoltResponse
from starlette.types import ASGIApp, Receive, Scope, Send

MAX_BODY_BYTES = 1 << 20

SlackAnswer = Callable[[Mapping[str, str], bytes], Awaitable[BoltResponse]]


def build(slack: SlackAnswer | None, ready: Callable[[], Awaitable[bool]]) -> ASGIApp:
    """The app, with the doors that are set up.

    Args:
        slack: Answers Slack's requests, from headers and body; None where Slack is not set up.
        ready: Whether the bot can do its work.
    """
    app = FastAPI(title="Legwork", docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        """The process is alive."""
        return {"status": "ok"}

    @app.get("/readyz")
    async def readyz() -> JSONResponse:
        """The process can do its work."""
        if await ready():
            return JSONResponse({"status": "ready"})
        return _problem(503, "The database does not answer: see the log.")

    return _SlackFirst(slack, app) if slack else app


class _SlackFirst:
    """Hands Slack's requests straight on: an ack waits for none of the middleware that the API needs."""

    def __init__(self, slack: SlackAnswer, rest: ASGIApp) -> None:
        self._slack = slack
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == "/slack/events" and scope["method"] == "POST":
            answer = await self._answer(Request(scope, receive))
            await answer(scope, receive, send)
        else:
            await self._rest(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        """Commands, events and interactivity, signed by Slack."""
        body = await _read(request)
        if body is None:
            return _problem(413, f"A request may have {MAX_BODY_BYTES} bytes.")
        return to_starlette_response(await self._slack(request.headers, body))


async def _read(request: Request) -> bytes | None:
    """The body; None where it is longer than anything Slack sends."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return None
    return bytes(body)


def _problem(status: int, detail: str) -> JSONResponse:
    """An error as RFC 9457 has it."""
    return JSONResponse(
        {"status": status, "detail": detail}, status_code=status, media_type="application/problem+json"
    )

"""The FastAPI app."""

from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from slack_bolt.adapter.starlette.async_handler import to_async_bolt_request, to_starlette_response
from slack_bolt.async_app import AsyncApp
from starlette.types import ASGIApp, Receive, Scope, Send

MAX_BODY_BYTES = 1 << 20
TIMESTAMP_DIGITS = 12


def build(slack: AsyncApp | None, ready: Callable[[], Awaitable[bool]]) -> ASGIApp:
    """The app, with the doors that are set up.

    Args:
        slack: Slack's door; None where Slack is not set up.
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
    """Hands Slack's requests straight to Bolt: an ack waits for none of the middleware that the API needs."""

    def __init__(self, slack: AsyncApp, rest: ASGIApp) -> None:
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
        if not _legible(request, body):
            return _problem(401, "This is not signed by Slack.")
        return to_starlette_response(await self._slack.async_dispatch(to_async_bolt_request(request, body)))


async def _read(request: Request) -> bytes | None:
    """The body; None where it is longer than anything Slack sends."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return None
    return bytes(body)


def _legible(request: Request, body: bytes) -> bool:
    """Whether Bolt can check the signature: it trips over a timestamp or signature that is no ASCII text."""
    timestamp = request.headers.get("x-slack-request-timestamp", "")
    signature = request.headers.get("x-slack-signature", "")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= TIMESTAMP_DIGITS):
        return False
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return signature.isascii()


def _problem(status: int, detail: str) -> JSONResponse:
    """An error as RFC 9457 has it."""
    return JSONResponse(
        {"status": status, "detail": detail}, status_code=status, media_type="application/problem+json"
    )

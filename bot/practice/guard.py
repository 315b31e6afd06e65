"""Who may use the page: only a browser on this machine that knows the token.

A page of another site cannot read the token, cannot make the browser send this Host (DNS rebinding), and
cannot post with this Origin.
"""

import hmac
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SAFE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
Endpoint = Callable[[Request], Awaitable[Response]]


class HostGuard:
    """ASGI middleware: refuses every request whose Host is not this machine's own name and port.

    Args:
        app: What is guarded.
        url: Tells the room's public address, once it is known.
    """

    def __init__(self, app: ASGIApp, url: Callable[[], str]) -> None:
        self._app = app
        self._url = url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request in, or answer 403."""
        if scope["type"] == "http" and Request(scope).headers.get("host", "") not in hosts(self._url()):
            refusal = PlainTextResponse(
                "Open the practice room by its own address, 127.0.0.1.", 403, SAFE_HEADERS
            )
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)


async def missing(_request: Request, _error: Exception) -> Response:
    """What a wrong address gets, the one without a token included."""
    say = "There is nothing here. Open the address that `legwork demo` printed."
    return PlainTextResponse(say, 404, SAFE_HEADERS)


def hosts(url: str) -> tuple[str, ...]:
    """The Host headers that are let in."""
    port = urlsplit(url).port
    return (f"127.0.0.1:{port}", f"localhost:{port}") if port else ()


def guarded(endpoint: Endpoint, token: str) -> Endpoint:
    """An endpoint of the page that wants the token in its address, and our own Origin for a POST."""

    async def check(request: Request) -> Response:
        given = str(request.path_params["token"])
        if not hmac.compare_digest(given.encode(), token.encode()):
            raise HTTPException(404)
        own = f"http://{request.headers['host']}"
        if request.method == "POST" and request.headers.get("origin") != own:
            return PlainTextResponse("Only the practice room's own page may do this.", 403, SAFE_HEADERS)
        response = await endpoint(request)
        for name, value in {**SAFE_HEADERS, "Content-Security-Policy": POLICY}.items():
            response.headers.setdefault(name, value)
        return response

    return check

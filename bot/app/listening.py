"""Serve an ASGI app on the running loop, beside everything else that runs on it."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import uvicorn

from bot.errors import LegworkError

BACKLOG = 256
GRACE_S = 3  # Slack waits no longer for an answer; without it a request that never ends would keep us up


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: who started it decides when it ends."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


def bind(address: str, named_by: str = "in LEGWORK_HTTP") -> socket.socket:
    """A listening socket.

    Args:
        address: `host:port`, an IPv6 address in brackets; port 0 takes a free one.
        named_by: How a person names another.

    Raises:
        LegworkError: The address cannot be used.
    """
    host, _, port = address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, int(port)), family=family, backlog=BACKLOG)
    except (OSError, ValueError) as error:
        raise LegworkError(f"Cannot listen on {address}: {error}. Choose another {named_by}.") from error
    # asyncio sets this only on sockets that name their protocol, which these do not. Without it the body of
    # an answer waits for the client's delayed acknowledgement of the head, 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


@contextlib.asynccontextmanager
async def serving(app: Any, listener: socket.socket) -> AsyncIterator[str]:
    """Serve while the context lasts.

    Args:
        app: The ASGI app.
        listener: As `bind` made it; closed at the end.

    Yields:
        The address to reach it: `http://127.0.0.1:8080`.
    """
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        host, port = listener.getsockname()[:2]
        yield f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    finally:
        server.should_exit = True
        await task
        listener.close()

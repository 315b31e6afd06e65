"""A web server of this machine, for what agents may reach and what they may not."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

PAGE = "hello"


@contextlib.asynccontextmanager
async def website() -> AsyncIterator[int]:
    """Serve one page for as long as the block runs; its port on 127.0.0.1."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(PAGE)}\r\nConnection: close\r\n\r\n"
            writer.write(f"{head}{PAGE}".encode())
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1") as server:
        yield server.sockets[0].getsockname()[1]

"""A model server that costs little: it calls `nothing` with a new number each time, or never answers.

A program of its own, so that it shares no interpreter with what it measures. It prints the port that it has.
A GET is answered with how many wait for an answer that never comes.
"""

import asyncio
import itertools
import json
from typing import Any

_numbers = itertools.count(1)
_waiting: set[asyncio.StreamWriter] = set()


def _call(number: int) -> dict[str, Any]:
    function = {"name": "nothing", "arguments": f'{{"number":{number}}}'}
    return {"index": 0, "id": f"call_{number:05}", "type": "function", "function": function}


def _whole(number: int) -> bytes:
    message = {"role": "assistant", "content": None, "tool_calls": [_call(number)]}
    body = json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}).encode()
    return _answer("application/json", body)


def _streamed(number: int) -> bytes:
    usage = {"prompt_tokens": 10, "completion_tokens": 5}
    chunks: list[dict[str, Any]] = [
        {"choices": [{"index": 0, "delta": {"role": "assistant", "content": None}}]},
        {"choices": [{"index": 0, "delta": {"tool_calls": [_call(number)]}}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]},
        {"choices": [], "usage": usage},
    ]
    body = (
        b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks) + b"data: [DONE]\n\n"
    )
    return _answer("text/event-stream", body)


def _answer(media_type: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while head := await reader.readuntil(b"\r\n\r\n"):
        if head.startswith(b"GET"):
            writer.write(_answer("text/plain", str(len(_waiting)).encode()))
            continue
        _, _, length = head.lower().partition(b"content-length:")
        body = await reader.readexactly(int(length.split(b"\r\n")[0]))
        if b'"model":"never"' in body[:200]:
            _waiting.add(writer)
            continue
        number = next(_numbers)
        writer.write(_streamed(number) if b'"stream":true' in body[:200] else _whole(number))
        await writer.drain()


async def main() -> None:
    """Listen until killed."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, limit=1 << 26, backlog=2_048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())

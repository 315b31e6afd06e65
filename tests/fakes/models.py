"""A provider of models on a loopback port: it speaks OpenAI's chat completions and Anthropic's messages.

It plays a script: one `Reply` a request, in order; what it was asked is kept.
"""

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Args = dict[str, Any] | str


@dataclass(frozen=True)
class Reply:
    """What the model answers to one request.

    Attributes:
        words: What it says.
        calls: What it calls: names with arguments; a string is sent as it is, be it broken.
        status: Of HTTP; another than 200 sends an error whose message is the words.
        headers: Beside the usual ones.
        raw: Sent in place of a stream, byte by byte as it is.
        hang: `head`: nothing ever comes. `middle`: some of it comes, and then nothing more.
        cut: The connection ends in the middle of the answer.
        whole: It does not stream.
        finish: Why it ends, in OpenAI's word.
        code: Of an error.
        read: Tokens.
        cached: Tokens.
        written: Tokens.
    """

    words: str = ""
    calls: Sequence[tuple[str, Args]] = ()
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    hang: str = ""
    cut: bool = False
    whole: bool = False
    finish: str = ""
    code: str = ""
    read: int = 100
    cached: int = 0
    written: int = 10


def says(words: str, **options: Any) -> Reply:
    """It says something, and calls nothing."""
    return Reply(words=words, **options)


def calls(*wanted: tuple[str, Args], **options: Any) -> Reply:
    """It wants something done."""
    return Reply(calls=wanted, **options)


def fails(status: int, why: str = "no", **options: Any) -> Reply:
    """It answers with an error."""
    return Reply(status=status, words=why, **options)


class ModelServer:
    """A provider that plays a script.

    Attributes:
        script: What it answers next; when it is out of answers, it says so in its words.
        requests: The bodies that it was sent, each with the headers under `headers`.
        at: When each request came, in seconds of the loop.
        left: How many clients went away before they had their answer.
        url: Where it listens.
        names: The models that it lists; None where it has no list.
        key: The one key that it takes there; empty takes any.
    """

    def __init__(self) -> None:
        self.script: list[Reply] = []
        self.names: list[str] | None = ["a"]
        self.key = ""
        self.requests: list[dict[str, Any]] = []
        self.at: list[float] = []
        self.left = 0
        self.url = ""
        self.gate = asyncio.Event()
        self._heard = asyncio.Condition()
        self._ids = itertools.count(1)

    @property
    def openai(self) -> str:
        """The base URL for OpenAI's SDK."""
        return f"{self.url}/v1"

    async def comes_true(self, look: Callable[[], bool], timeout_s: float = 20) -> None:
        """Wait until something holds of the server."""
        async with asyncio.timeout(timeout_s), self._heard:
            await self._heard.wait_for(look)

    async def _note(self) -> None:
        async with self._heard:
            self._heard.notify_all()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.requests.append(
            {**body, "headers": {name.lower(): value for name, value in request.headers.items()}}
        )
        self.at.append(asyncio.get_running_loop().time())
        reply = self.script.pop(0) if self.script else says("That is all.")
        await self._note()
        own = _Anthropic if request.path.endswith("/messages") else _OpenAI
        try:
            return await self._send(request, reply, own)
        except (asyncio.CancelledError, ConnectionError):
            self.left += 1
            await asyncio.shield(self._note())
            raise

    async def _list(self, request: web.Request) -> web.Response:
        given = request.headers.get("x-api-key") or request.headers["Authorization"].removeprefix("Bearer ")
        if self.key not in ("", given):
            return web.json_response(_OpenAI.error(fails(401)), status=401)
        if self.names is None:
            return web.json_response(_OpenAI.error(fails(404)), status=404)
        return web.json_response({"object": "list", "data": [{"id": name} for name in self.names]})

    async def _send(
        self, request: web.Request, reply: Reply, own: "type[_OpenAI | _Anthropic]"
    ) -> web.StreamResponse:
        if reply.hang == "head":
            await self.gate.wait()
        if reply.status != 200:
            return web.json_response(own.error(reply), status=reply.status, headers=reply.headers)
        names = [f"call_{next(self._ids):04}" for _ in reply.calls]
        if reply.whole:
            return web.json_response(own.whole(reply, names))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", **reply.headers})
        await response.prepare(request)
        if reply.raw is not None:
            await response.write(reply.raw)
            return response
        chunks = list(own.chunks(reply, names))
        for place, chunk in enumerate(chunks):
            if place == len(chunks) // 2:
                if reply.hang == "middle":
                    await self.gate.wait()
                if reply.cut:
                    assert request.transport
                    request.transport.close()
                    return response
            await response.write(chunk)
        return response


class _OpenAI:
    """Chat completions: https://platform.openai.com/docs/api-reference/chat-streaming."""

    @staticmethod
    def error(reply: Reply) -> dict[str, Any]:
        return {"error": {"message": reply.words, "type": "error", "code": reply.code or None}}

    @staticmethod
    def usage(reply: Reply) -> dict[str, Any]:
        return {
            "prompt_tokens": reply.read,
            "completion_tokens": reply.written,
            "prompt_tokens_details": {"cached_tokens": reply.cached},
        }

    @classmethod
    def whole(cls, reply: Reply, names: list[str]) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": reply.words or None}
        if names:
            message["tool_calls"] = [
                {"id": name, "type": "function", "function": {"name": tool, "arguments": _text(args)}}
                for name, (tool, args) in zip(names, reply.calls, strict=True)
            ]
        finish = reply.finish or ("tool_calls" if names else "stop")
        choice = {"index": 0, "message": message, "finish_reason": finish}
        return {"id": "x", "object": "chat.completion", "choices": [choice], "usage": cls.usage(reply)}

    @classmethod
    def chunks(cls, reply: Reply, names: list[str]) -> Iterator[bytes]:
        def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
            choice = {"index": 0, "delta": delta, "finish_reason": finish}
            return _data({"id": "x", "object": "chat.completion.chunk", "choices": [choice], **more})

        yield chunk({"role": "assistant", "content": ""})
        for piece in _pieces(reply.words):
            yield chunk({"content": piece})
        for index, (name, (tool, args)) in enumerate(zip(names, reply.calls, strict=True)):
            start = {
                "index": index,
                "id": name,
                "type": "function",
                "function": {"name": tool, "arguments": ""},
            }
            yield chunk({"tool_calls": [start]})
            for piece in _pieces(_text(args)):
                yield chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
        yield chunk({}, reply.finish or ("tool_calls" if names else "stop"))
        yield _data({"id": "x", "object": "chat.completion.chunk", "choices": [], "usage": cls.usage(reply)})
        yield b"data: [DONE]\n\n"


class _Anthropic:
    """Messages: https://docs.anthropic.com/en/api/messages-streaming."""

    @staticmethod
    def error(reply: Reply) -> dict[str, Any]:
        return {"type": "error", "error": {"type": reply.code or "error", "message": reply.words}}

    @classmethod
    def whole(cls, reply: Reply, names: list[str]) -> dict[str, Any]:
        raise NotImplementedError

    @classmethod
    def chunks(cls, reply: Reply, names: list[str]) -> Iterator[bytes]:
        def event(kind: str, **more: Any) -> bytes:
            return b"event: " + kind.encode() + b"\n" + _data({"type": kind, **more})

        usage = {"input_tokens": reply.read - reply.cached, "cache_read_input_tokens": reply.cached}
        message = {"id": "m", "role": "assistant", "content": [], "usage": {**usage, "output_tokens": 1}}
        yield event("message_start", message=message)
        index = 0
        if reply.words:
            yield event("content_block_start", index=0, content_block={"type": "text", "text": ""})
            for piece in _pieces(reply.words):
                yield event("content_block_delta", index=0, delta={"type": "text_delta", "text": piece})
            yield event("content_block_stop", index=0)
            index = 1
        yield event("ping")
        for name, (tool, args) in zip(names, reply.calls, strict=True):
            block = {"type": "tool_use", "id": name, "name": tool, "input": {}}
            yield event("content_block_start", index=index, content_block=block)
            for piece in _pieces(_text(args)):
                delta = {"type": "input_json_delta", "partial_json": piece}
                yield event("content_block_delta", index=index, delta=delta)
            yield event("content_block_stop", index=index)
            index += 1
        stop = {"length": "max_tokens"}.get(reply.finish, "tool_use" if names else "end_turn")
        yield event("message_delta", delta={"stop_reason": stop}, usage={"output_tokens": reply.written})
        yield event("message_stop")


def _text(args: Args) -> str:
    return args if isinstance(args, str) else json.dumps(args)


def _pieces(text: str, size: int = 12) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def _data(value: object) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


@contextlib.asynccontextmanager
async def model_server(*script: Reply) -> AsyncIterator[ModelServer]:
    """A provider on a free port."""
    server = ModelServer()
    server.script = list(script)
    app = web.Application(client_max_size=1 << 28)
    app.router.add_post("/v1/chat/completions", server._answer)
    app.router.add_post("/v1/messages", server._answer)
    app.router.add_get("/v1/models", server._list)
    # What is cut short is told to the handler, so that it can be seen who went away.
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    server.url = f"http://{host}:{port}"
    try:
        yield server
    finally:
        server.gate.set()
        await runner.cleanup()

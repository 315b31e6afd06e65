"""OpenAI's chat completions, and every server that speaks them: vLLM, Ollama, OpenRouter, Gemini, Mistral.

Source: https://platform.openai.com/docs/api-reference/chat
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bot.errors import Permanent
from bot.events import ModelTurned
from bot.models.base import Brief, News, Speak, Turn, silently
from bot.models.completion import Completion
from bot.models.conversation import Conversation
from bot.models.failures import failures_as_ours
from bot.models.wire import encoded, loaded, made_up_id, tool_name

if TYPE_CHECKING:
    from openai import AsyncOpenAI, AsyncStream

PROVIDER = "openai"
_OPTIONS: Any = {"headers": {"Content-Type": "application/json"}}


class OpenAI:
    """One run's conversation with one model.

    Args:
        model: Its name at the provider.
        brief: What it is told before its first turn.
        client: The SDK's client; it does not retry.
    """

    scripted = False

    def __init__(self, model: str, brief: Brief, client: "AsyncOpenAI") -> None:
        self.name = f"{PROVIDER}:{model}"
        self._client = client
        self._history = _History(self.name, brief)
        tools = [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.about, "parameters": tool.schema},
            }
            for tool in brief.tools
        ]
        self._request: dict[str, Any] = {
            "model": model,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        self._request |= {"tools": tools} if tools else {}
        self._head = encoded(self._request)[:-1]

    def learn(self, news: Sequence[News]) -> None:
        """Append what became known."""
        self._history.learn(news)

    async def turn(self, step: int, speak: Speak = silently) -> Turn:
        """Send the conversation, and read the answer while it comes."""
        while True:
            try:
                return await self._asked(step, speak)
            except Permanent as error:
                if not self._gives_way(str(error)):
                    raise
                self._head = encoded(self._request)[:-1]

    def _gives_way(self, refusal: str) -> bool:
        """Leave out of the request what a server names as the fault; False where that is nothing of ours."""
        if "stream_options" in refusal:  # not every server counts while it streams
            return self._request.pop("stream_options", None) is not None
        # Some models of OpenAI call tools here only where they do not think.
        if "reasoning_effort" in refusal and "none" in refusal and "reasoning_effort" not in self._request:
            self._request["reasoning_effort"] = "none"
            return True
        return False

    async def _asked(self, step: int, speak: Speak) -> Turn:
        import openai

        body = self._head + b',"messages":' + self._history.messages() + b"}"
        answer = Completion()
        with failures_as_ours(openai, self.name, answer.usage):
            stream: AsyncStream[object] = await self._client.post(
                "/chat/completions",
                content=body,
                cast_to=object,
                options=_OPTIONS,
                stream=True,
                stream_cls=openai.AsyncStream[object],
            )
            async with stream:
                if "json" in stream.response.headers.get("content-type", ""):  # it does not stream
                    answer.take_whole(loaded(await stream.response.aread()))
                else:
                    await answer.read(stream, speak)
            return answer.turn(self.name, step)


class _History(Conversation):
    """Messages as chat completions have them."""

    def __init__(self, model: str, brief: Brief) -> None:
        super().__init__(model)
        if brief.system:
            self.add({"role": "system", "content": brief.system})
        self.told(brief.opening or brief.text)

    def settle(self) -> None:
        """Each message is whole at once."""

    def told(self, words: str) -> None:
        self.add({"role": "user", "content": words})

    def answered(self, wire_id: str, text: str, *, ok: bool) -> None:  # noqa: ARG002  the text says it
        self.add({"role": "tool", "tool_call_id": wire_id, "content": text})

    def projected(self, turned: ModelTurned) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": turned.words}
        if turned.calls:
            message["tool_calls"] = [
                {
                    "id": made_up_id(turned.step, place),
                    "type": "function",
                    "function": {"name": tool_name(call.tool), "arguments": encoded(call.args).decode()},
                }
                for place, call in enumerate(turned.calls)
            ]
        return message

    def wire_ids(self, message: dict[str, Any]) -> list[str]:
        return [call["id"] for call in message.get("tool_calls", ())]


def client(key: str, base_url: str, idle_s: float) -> "AsyncOpenAI":
    """The SDK's client, for all runs of this process.

    Args:
        key: The key; a server of one's own may need none.
        base_url: Where the server is; empty for OpenAI's own.
        idle_s: Seconds that may pass without a byte of an answer.

    Raises:
        Permanent: There is no key.
    """
    import httpx2
    import openai

    if not (key or base_url):
        raise Permanent(
            "it has no key: an admin can set OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own."
        )
    return openai.AsyncOpenAI(
        api_key=key or "none",
        base_url=base_url or "https://api.openai.com/v1",
        max_retries=0,
        timeout=httpx2.Timeout(idle_s, connect=min(idle_s, 10.0)),
        http_client=openai.DefaultAsyncHttpxClient(limits=httpx2.Limits(max_keepalive_connections=100)),
    )

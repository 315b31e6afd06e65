"""A model in conversation with a provider on a loopback port."""

import contextlib
from collections.abc import AsyncIterator, Iterable
from typing import Any

from bot.events import ModelTurned
from bot.models.base import Answer, Brief, Model, Told, ToolSpec, Turn
from bot.models.choice import Account, Models
from bot.models.persistent import Patience
from bot.models.prices import Price, Prices
from tests.fakes.models import ModelServer

TOOL = ToolSpec(
    "terminal", "Run a command.", {"type": "object", "properties": {"command": {"type": "string"}}}
)
BRIEF = Brief(text="Fix it", system="You are @coder.", opening="T-1: Fix it", tools=(TOOL,))
QUICK = Patience(tries=3, first_s=0.01, longest_s=1.0, idle_s=5.0)
PRICES = [Price(model="*:a", read=2, cached=1, written=10)]


@contextlib.asynccontextmanager
async def talking(
    server: ModelServer, names: str = "openai:a", patience: Patience = QUICK
) -> AsyncIterator[Model]:
    """A model whose provider is the server."""
    models = Models(Account("key", server.openai), Account("key", server.url), patience, Prices(PRICES))
    try:
        yield models.make(names, BRIEF)
    finally:
        await models.close()


def turned(turn: Turn, step: int) -> ModelTurned:
    """A turn as it is recorded."""
    return ModelTurned(
        step=step, words=turn.words, calls=turn.calls, model=turn.model, usage=turn.usage, wire=turn.wire
    )


async def talk(model: Model, answers: Iterable[str | Told]) -> list[Turn]:
    """Turns of a model: after each one its calls are answered with the next of these."""
    turns: list[Turn] = []
    for step, answer in enumerate([*answers, None], 1):
        turn = await model.turn(step)
        turns.append(turn)
        model.learn([turned(turn, step)])
        if isinstance(answer, str):
            model.learn([Answer(call.id, ok=True, text=answer) for call in turn.calls])
        elif answer:
            model.learn([answer])
    return turns


def roles(request: dict[str, Any]) -> list[str]:
    """Who spoke in a request's history."""
    return [message["role"] for message in request["messages"]]

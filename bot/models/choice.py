"""From the names of models, as settings have them, to a model for one run."""

import functools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bot.errors import LegworkError
from bot.models.base import Brief, Model
from bot.models.persistent import Candidate, Patience, Persistent
from bot.models.prices import Prices
from bot.models.runbook import Runbook

PROVIDERS = ("openai", "anthropic")


@dataclass(frozen=True, slots=True)
class Account:
    """What a provider knows us by.

    Attributes:
        key: The secret key; a server of one's own may need none.
        base_url: Where its server is; empty for the provider's own.
    """

    key: str = field(default="", repr=False)
    base_url: str = ""


class Models:
    """The models that this process can use. Their libraries are imported when one is first asked.

    Args:
        openai: The account at OpenAI, or at any server that speaks its protocol.
        anthropic: The account at Anthropic.
        patience: How long they are waited for.
        prices: What their tokens cost.
    """

    def __init__(
        self,
        openai: Account | None = None,
        anthropic: Account | None = None,
        patience: Patience | None = None,
        prices: Prices | None = None,
    ) -> None:
        self._accounts = {"openai": openai or Account(), "anthropic": anthropic or Account()}
        self._patience = patience or Patience()
        self._prices = prices or Prices()
        self._clients: dict[str, Any] = {}
        self._making = threading.Lock()

    def make(self, names: str, brief: Brief) -> Model:
        """The model that will decide on a task's steps.

        Args:
            names: `runbook`, or `provider:model`, or several of these parted by commas: the others are for
                where the first fails.
            brief: What it is told before its first turn.

        Raises:
            LegworkError: There is no such model.
        """
        found = split(names)
        if found == [Runbook.name]:
            return Runbook(brief.text)
        candidates = [Candidate(name, functools.partial(self._made, name, brief)) for name in found]
        return Persistent(candidates, self._patience, self._prices)

    def check(self, names: str) -> None:
        """See whether there are such models, and keys for them; nobody is asked.

        Raises:
            LegworkError: One is missing; says what to do.
        """
        for name in split(names):
            account = self._accounts.get(name.partition(":")[0])
            if account and not (account.key or account.base_url):
                key = f"{name.partition(':')[0].upper()}_API_KEY"
                raise LegworkError(f"{name} has no key: set {key}, or name another in LEGWORK_MODEL.")

    def _made(self, name: str, brief: Brief) -> Model:
        provider, _, model = name.partition(":")
        if provider == "anthropic":
            from bot.models import anthropic

            return anthropic.Anthropic(model, brief, self._client(provider, anthropic.client))
        from bot.models import openai

        return openai.OpenAI(model, brief, self._client(provider, openai.client))

    def _client(self, provider: str, make: Callable[[str, str, float], Any]) -> Any:
        """One for all runs: each would have connections and certificates of its own."""
        with self._making:
            if provider not in self._clients:
                account = self._accounts[provider]
                self._clients[provider] = make(account.key, account.base_url, self._patience.idle_s)
            return self._clients[provider]

    async def close(self) -> None:
        """End all connections."""
        for client in self._clients.values():
            await client.close()
        self._clients.clear()


def split(names: str) -> list[str]:
    """The names of models, each checked.

    Raises:
        LegworkError: One of them is no model's.
    """
    found = [name.strip() for name in names.split(",")]
    for name in found:
        provider, _, model = name.partition(":")
        known = (provider in PROVIDERS and model) or (name == Runbook.name and len(found) == 1)
        if not known:
            raise LegworkError(
                f"'{name}' is no model. LEGWORK_MODEL, and an agent's --model, take {Runbook.name}, or one "
                "like openai:gpt-5-mini or anthropic:claude-sonnet-5-5."
            )
    return found

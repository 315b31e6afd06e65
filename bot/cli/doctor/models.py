"""The models that agents think with: each provider is asked for its list of them, which is free."""

import re
from typing import Any

from bot.app.house import House, opened
from bot.app.models import accounts, models
from bot.cli.doctor.check import Check, State
from bot.errors import LegworkError
from bot.models.choice import Account, split
from bot.models.runbook import Runbook
from config.settings import BadSettingsError
from storage import agents, database

ANSWER_S = 10.0
NAMED = 5
WORST_FIRST: tuple[State, ...] = ("bad", "warn", "good")
OK, REFUSED = 200, (401, 403)
ADDRESSES = {
    "openai": "most addresses end in /v1.",
    "anthropic": "it is the address without /v1.",
}


async def check_models(house: House) -> Check:
    """Whether each model can be used: that of the house, and those of agents that have their own."""
    try:
        known = models(house.settings)
    except (LegworkError, BadSettingsError):
        return Check("model", "off", "looked at once the configuration can be read")
    found = []
    for names, setting in (await _wanted(house)).items():
        try:
            known.check(names)
            found += [await _asked(name, setting, house) for name in split(names)]
        except LegworkError as error:
            found.append(Check("model", "bad", f"{setting}={names}", str(error)))
    return Check(
        name="model",
        state=next(state for state in WORST_FIRST if state in {check.state for check in found}),
        found="; ".join(check.found for check in found),
        mend=" ".join(dict.fromkeys(check.mend for check in found if check.mend)),
    )


async def _wanted(house: House) -> dict[str, str]:
    """The models that are named somewhere, each with where."""
    wanted = {house.settings.model: "LEGWORK_MODEL"}
    try:
        async with opened(house.settings):
            for agent in await database.run(agents.everyone):
                if agent.model and agent.status != "retired":
                    wanted.setdefault(agent.model, f"the model of @{agent.name}")
    except LegworkError:
        return wanted  # what is wrong with the database is told beside this
    return wanted


async def _asked(name: str, setting: str, house: House) -> Check:
    """Whether a provider has a model, by its own list."""
    provider, _, model = name.partition(":")
    if provider == Runbook.name:
        return Check("model", "good", f"{name}: runs the fenced blocks of a task, needs no key")
    account = accounts(house.settings)[provider]
    place = account.base_url or f"{provider}'s own server"
    url, key = f"{provider.upper()}_BASE_URL", f"{provider.upper()}_API_KEY"
    status, names = await _listed(provider, account)
    if status is None:
        mend = f"Start the server, or mend {url}." if account.base_url else "Let this machine reach it."
        return Check("model", "bad", f"{name}: {place} cannot be reached", mend)
    if status in REFUSED:
        return Check("model", "bad", f"{name}: {place} refused the key", f"Put one that is good into {key}.")
    if status != OK or not names:
        said = "names none" if status == OK else f"answers {status}"
        mend = f"Look at {url}: {ADDRESSES[provider]}" if account.base_url else "Run doctor again later."
        return Check("model", "warn", f"{name}: asked for its models, {place} {said}", mend)
    if not any(_means(model, one) for one in names):
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        mend = f"Set {setting} to one that it has: {', '.join(names[:NAMED])}{more}."
        return Check("model", "warn", f"{name}: {place} does not list it", mend)
    return Check("model", "good", f"{name}: {place} has it")


async def _listed(provider: str, account: Account) -> tuple[int | None, list[str]]:
    """What a provider answers when it is asked for its models.

    Source: https://platform.openai.com/docs/api-reference/models/list and
    https://docs.anthropic.com/en/api/models-list

    Returns:
        The HTTP status, None if there is no answer; and their names.
    """
    sdk: Any
    ours: Any
    if provider == "anthropic":
        import anthropic as sdk

        from bot.models import anthropic as ours

        path = "/v1/models?limit=1000"
    else:
        import openai as sdk

        from bot.models import openai as ours

        path = "/models"
    client = ours.client(account.key, account.base_url, ANSWER_S)
    try:
        answer = await client.get(path, cast_to=object)
        return OK, sorted(str(one["id"]) for one in answer["data"])
    except sdk.APIStatusError as error:
        return int(error.status_code), []
    except sdk.APIConnectionError:
        return None, []
    except (ValueError, TypeError, LookupError):
        return OK, []  # it is no list: something else answers there
    finally:
        await client.close()


def _means(model: str, listed: str) -> bool:
    """Whether a name on a list is a model's: some servers list it with its tag, date or folder."""
    return bool(re.fullmatch(rf"(models/)?{re.escape(model)}(:latest|-\d{{8}})?", listed))

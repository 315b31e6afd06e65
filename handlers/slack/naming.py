"""What people are called: events tell only ids, so that Slack is asked once for each."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.delivery.slack_errors import answered
from bot.people import from_slack
from storage import database, people

NAME_CHARS = 80


async def learn_name(client: AsyncWebClient, user_id: str, now: Callable[[], datetime]) -> None:
    """Call a person by the name that Slack shows; somebody new is added under it.

    Args:
        client: Speaks for the bot.
        user_id: Who.
        now: The clock.

    Raises:
        LegworkError: Slack does not tell; the person keeps the name they have.
    """
    told = await answered(client.users_info(user=user_id))
    if name := _shown(told["user"]):
        await database.insist(_call, user_id, name[:NAME_CHARS], now())


def _shown(user: dict[str, Any]) -> str:
    """https://docs.slack.dev/reference/objects/user-object."""
    profile = user.get("profile") or {}
    names = (profile.get("display_name"), profile.get("real_name"), user.get("name"))
    return next((str(name) for name in names if name), "")


def _call(user_id: str, name: str, now: datetime) -> None:
    """Only who is new, or called by their id: somebody may have been told another name meanwhile."""
    person = people.find("slack", user_id)
    if person is None:
        from_slack(user_id, name, (), now)
    elif person.name == user_id:
        people.rename(person.id, name)

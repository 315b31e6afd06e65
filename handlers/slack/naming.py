"""What people are called: events tell only ids, so that Slack is asked once for each."""

from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.delivery.slack_errors import answered
from storage import database, people


async def learn_name(client: AsyncWebClient, user_id: str) -> None:
    """Call a person by the name that Slack shows.

    Args:
        client: Speaks for the bot.
        user_id: Who.

    Raises:
        LegworkError: Slack does not tell; the person keeps the name they have.
    """
    told = await answered(client.users_info(user=user_id))
    if name := _shown(told["user"]):
        await database.insist(_rename, user_id, name)


def _shown(user: dict[str, Any]) -> str:
    """https://docs.slack.dev/reference/objects/user-object."""
    profile = user.get("profile") or {}
    names = (profile.get("display_name"), profile.get("real_name"), user.get("name"))
    return next((str(name) for name in names if name), "")


def _rename(user_id: str, name: str) -> None:
    """Only whoever is still called by their id: somebody may have been told another name meanwhile."""
    person = people.find("slack", user_id)
    if person and person.name == user_id:
        people.rename(person.id, name)

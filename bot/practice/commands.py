"""Slash commands, as a person types them.

Source: https://docs.slack.dev/interactivity/implementing-slash-commands
"""

from bot.practice.delivered import Delivered
from bot.practice.deliveries import VERIFICATION_TOKEN, Deliveries, Mangle
from bot.practice.entities import in_command
from bot.practice.model import Channel, Message
from bot.practice.response_urls import ResponseUrls
from bot.practice.slack import APP_ID, TEAM_ID, SlackSide

_NAMES = {"im": "directmessage", "group": "privategroup", "mpim": "privategroup"}


class Commands:
    """Types commands and shows what comes of them."""

    def __init__(self, slack: SlackSide, deliveries: Deliveries, urls: ResponseUrls) -> None:
        self._slack = slack
        self._deliveries = deliveries
        self._urls = urls

    async def type(
        self,
        command: str,
        text: str,
        *,
        user: str,
        channel: str,
        trigger_id: str | None = None,
        mangle: Mangle | None = None,
    ) -> Delivered:
        """Type one; see `PracticeRoom.command`."""
        who = self._slack.user(user)
        where = self._slack.place(channel, who)
        url = self._urls.make("commands", who.id, where.id)
        typed = f"{command} {text}".strip()
        self._slack.add(Message(self._slack.clock.next(), where.id, who.id, typed, kind="command"))
        form = {
            "token": VERIFICATION_TOKEN,
            "team_id": TEAM_ID,
            "team_domain": "practice",
            "channel_id": where.id,
            "channel_name": _name(where),
            "user_id": who.id,
            "user_name": who.name,
            "command": command,
            "text": in_command(self._slack, text),
            "api_app_id": APP_ID,
            "is_enterprise_install": "false",
            "response_url": url.url,
            "trigger_id": self._slack.triggers.make(who.id, trigger_id),
        }
        return self._urls.show(await self._deliveries.command(form, mangle), command, url)


def _name(channel: Channel) -> str:
    """Only a public channel is called by its name."""
    return _NAMES.get(channel.type, channel.name)

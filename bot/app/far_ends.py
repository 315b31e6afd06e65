"""The bot's clients of Slack and of the mail server, as the settings have them."""

import ipaddress
from urllib.parse import urlsplit
from urllib.request import proxy_bypass

from slack_sdk.web.async_client import AsyncWebClient

from bot.delivery.email import Mailer
from bot.errors import LegworkError
from config.settings import Settings


def slack_client(settings: Settings) -> AsyncWebClient:
    """A client that speaks for the bot; it goes through the environment's proxy, if Slack lies beyond one."""
    client = AsyncWebClient(
        settings.slack_bot_token.get_secret_value(),
        base_url=settings.slack_api_url,
        timeout=int(settings.far_end_timeout_seconds),
        retry_handlers=[],
    )
    if _is_near(settings.slack_api_url):
        client.proxy = None  # slack_sdk reads HTTPS_PROXY and its like, and not NO_PROXY
    return client


def mailer(settings: Settings) -> Mailer:
    """What hands mails to the server of the settings.

    Raises:
        LegworkError: `LEGWORK_MAIL_URL` cannot be used.
    """
    try:
        return Mailer(settings.mail_url.get_secret_value(), settings.far_end_timeout_seconds)
    except ValueError:  # its text may hold a part of the password
        raise LegworkError(
            "LEGWORK_MAIL_URL must look like smtp://user:password@host:587 or smtps://…, the port a number. "
            "In a password / is written as %2F, # as %23, ? as %3F and @ as %40."
        ) from None


def _is_near(url: str) -> bool:
    """Whether an address is this machine's own, or one that NO_PROXY names."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost" or host.endswith(".localhost")
    return loopback or bool(proxy_bypass(parts.netloc.rpartition("@")[2]))

"""What Slack's answers mean for a message: wait, give up, or go elsewhere.

Sources: https://docs.slack.dev/reference/methods/chat.postMessage and …/chat.update (error names),
https://docs.slack.dev/apis/web-api/rate-limits (HTTP 429 with Retry-After).
"""

from collections.abc import Awaitable
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError

from bot.delivery.outlet import AccessError
from bot.errors import Permanent, Retry

TOO_MANY = 429
SERVER_ERROR = 500
PASSING = {
    "internal_error",
    "fatal_error",
    "service_unavailable",
    "request_timeout",
    "team_added_to_org",
}
NO_ENTRY = {
    "invalid_auth",
    "not_authed",
    "token_expired",
    "token_revoked",
    "account_inactive",
    "missing_scope",
    "no_permission",
    "not_allowed_token_type",
}
THREAD_GONE = {"thread_not_found", "cannot_reply_to_message"}
UNREACHABLE = {"channel_not_found", "not_in_channel", "is_archived", "restricted_action"}


class UnreachableError(Permanent):
    """The bot cannot write in this channel."""


class ThreadGoneError(Permanent):
    """The thread's first message was deleted."""


async def answered(call: Awaitable[Any]) -> Any:
    """Await an answer of Slack, and say what went wrong in the house's words.

    Raises:
        AccessError: The bot's token or its scopes have to be mended.
        Retry: Slack is busy or out of reach.
        Permanent: Slack refuses for good.
    """
    try:
        return await call
    except SlackApiError as error:
        raise _told_apart(error) from error
    except SlackClientError as error:  # an upload that was not taken, say
        raise Retry(f"Slack did not take it: {error}", unsure=True) from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        unsure = not isinstance(error, aiohttp.ClientConnectorError)
        raise Retry(f"Slack cannot be reached: {error or type(error).__name__}.", unsure=unsure) from error


def _told_apart(error: SlackApiError) -> Retry | Permanent:
    code = str(error.response.get("error", ""))
    status = error.response.status_code
    if status == TOO_MANY or code == "ratelimited":
        after = str(error.response.headers.get("Retry-After", ""))
        return Retry("Slack limits the rate.", float(after) if after.isdecimal() else 1.0)
    if code in NO_ENTRY:
        return AccessError(f"Slack answers {code}: mend the bot's token or its scopes.")
    if status >= SERVER_ERROR or code in PASSING:
        return Retry(f"Slack answers {code or status}.", unsure=status >= SERVER_ERROR)
    if code in UNREACHABLE:
        return UnreachableError(f"Slack answers {code}: invite the bot to the channel.")
    if code in THREAD_GONE:
        return ThreadGoneError(f"Slack answers {code}: the thread was deleted.")
    return Permanent(f"Slack answers {code}.")

"""Both ways to Slack, and the time there."""

import time
from email.utils import parsedate_to_datetime

from slack_sdk.errors import SlackApiError

from bot.app.far_ends import slack_client
from bot.app.house import House
from bot.cli.doctor.check import Check

CLOCK_LIMIT_S = 60


async def check_token(house: House) -> Check:
    """Whether Legwork may speak in Slack, and whether Slack can reach it."""
    settings = house.settings
    token = settings.slack_bot_token.get_secret_value()
    by_http = bool(settings.slack_signing_secret.get_secret_value())
    if not (token or by_http or settings.socket_mode):
        return Check("slack", "off", "not set up", "To use Slack, follow docs/connect-slack.md.")
    if not token:
        mend = "Copy it from your app's page under OAuth & Permissions."
        return Check("slack", "bad", "SLACK_BOT_TOKEN is missing", mend)
    if not (by_http or settings.socket_mode):
        mend = "Set SLACK_APP_TOKEN for Socket Mode, or SLACK_SIGNING_SECRET for HTTP: docs/connect-slack.md."
        return Check("slack", "bad", "Legwork can speak in Slack, and cannot hear", mend)
    if not (settings.http or settings.socket_mode):
        mend = "Set it, to 127.0.0.1:8080 say, or SLACK_APP_TOKEN for Socket Mode."
        return Check("slack", "bad", "Slack's requests come over HTTP, and LEGWORK_HTTP is empty", mend)
    try:
        answer = await slack_client(settings).auth_test()
    except SlackApiError as error:
        mend = "Copy the token anew from your app's page under OAuth & Permissions."
        return Check("slack", "bad", f"Slack answers {error.response['error']}", mend)
    ways = " and ".join(
        way for way, is_set in (("Socket Mode", settings.socket_mode), ("HTTP", by_http)) if is_set
    )
    return Check("slack", "good", f"{answer['user']} in {answer['team']}, by {ways}")


async def check_socket_mode(house: House) -> Check:
    """Whether Slack gives out the address of a websocket; none is opened."""
    if not house.settings.socket_mode:
        mend = "Where Slack cannot reach this machine, set SLACK_APP_TOKEN."
        return Check("socket mode", "off", "not set up", mend)
    token = house.settings.slack_app_token.get_secret_value()
    try:
        await slack_client(house.settings).apps_connections_open(app_token=token)
    except SlackApiError as error:
        mend = (
            "Let Socket Mode be on, and SLACK_APP_TOKEN be an app-level token with the scope "
            "connections:write, from your app's page under Basic Information; it begins with xapp-."
        )
        return Check("socket mode", "bad", f"Slack answers {error.response['error']}", mend)
    return Check("socket mode", "good", "Slack lets Legwork connect")


async def check_clock(house: House) -> Check:
    """Slack signs its requests with its time: they hold only where our clock is near it."""
    if not house.settings.slack_bot_token.get_secret_value():
        return Check("clock", "off", "compared with Slack's once that is set up")
    answer = await slack_client(house.settings).auth_test()
    off_s = time.time() - parsedate_to_datetime(answer.headers["Date"]).timestamp()
    if abs(off_s) > CLOCK_LIMIT_S:
        return Check("clock", "bad", f"{off_s:+.0f} s off Slack's", "Set it: timedatectl set-ntp true")
    return Check("clock", "good", f"within {abs(off_s) + 1:.0f} s of Slack's")

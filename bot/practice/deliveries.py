"""What Slack sends to the bot, signed, and what comes back for it.

Sources: https://docs.slack.dev/interactivity/implementing-slash-commands,
https://docs.slack.dev/authentication/verifying-requests-from-slack (the v0 signature) and
https://docs.slack.dev/interactivity/handling-user-interaction (response URLs: five posts in 30 minutes).
"""

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import aiohttp

from bot.practice import chat
from bot.practice.arguments import Arguments
from bot.practice.model import ApiError, Json, Message
from bot.practice.slack import APP_ID, BOT_USER, TEAM_ID, SlackSide

PATIENCE_S = 3.0  # Slack waits this long for the answer to a command
MAX_USES = 5
MAX_AGE_S = 30 * 60

Mangle = Callable[[dict[str, str], bytes], tuple[dict[str, str], bytes]]


@dataclass(frozen=True, slots=True)
class Delivered:
    """What the bot answered to a delivery.

    Attributes:
        status_code: HTTP status; 0 where there was no answer.
        text: The body.
        headers: By lower-case name.
        seconds: From sending to the end of the answer.
        error: What Slack would tell the person: `operation_timeout`, `dispatch_failed` or
            `invalid_command_response`; empty where all is well.
    """

    status_code: int
    text: str
    seconds: float
    headers: dict[str, str] = field(default_factory=dict)
    error: str = ""

    def json(self) -> Any:
        """The decoded body."""
        return json.loads(self.text)


@dataclass(slots=True)
class ResponseUrl:
    """One command's way to answer later."""

    user: str
    channel: str
    made: float
    uses: int = 0
    last: Message | None = None


def sign(secret: str, body: bytes, at: float) -> dict[str, str]:
    """The two headers of a signed request.

    Args:
        secret: The signing secret.
        body: The exact bytes that are sent.
        at: Seconds since the epoch.
    """
    stamp = str(int(at))
    digest = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}


def encode(text: str) -> str:
    """A person's text as Slack hands it on: three characters become entities."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


class Deliveries:
    """Sends to the bot.

    Attributes:
        bot_url: The address that takes deliveries, `…/slack/events`.
    """

    def __init__(self, slack: SlackSide) -> None:
        self.bot_url = ""
        self._slack = slack
        self._response_urls: dict[str, ResponseUrl] = {}

    async def command(
        self,
        command: str,
        text: str,
        *,
        user: str = "alice",
        channel: str = "general",
        trigger_id: str | None = None,
        mangle: Mangle | None = None,
    ) -> Delivered:
        """Type a slash command as a person would, and show what comes of it; see `PracticeRoom.command`."""
        who, where = self._slack.user(user), self._slack.channel(channel)
        token = secrets.token_urlsafe(18)
        self._response_urls[token] = ResponseUrl(who.id, where.id, time.monotonic())
        ts = self._slack.clock.next()
        typed = Message(ts, where.id, who.id, f"{command} {text}".strip(), kind="command")
        self._slack.add(typed)
        form = {
            "token": "practice-verification-token",
            "team_id": TEAM_ID,
            "team_domain": "practice",
            "channel_id": where.id,
            "channel_name": where.name,
            "user_id": who.id,
            "user_name": who.name,
            "command": command,
            "text": encode(text),
            "api_app_id": APP_ID,
            "is_enterprise_install": "false",
            "response_url": f"{self._slack.url}/commands/{token}",
            "trigger_id": trigger_id or f"{ts.replace('.', '')}.{secrets.token_hex(16)}",
        }
        answer = await self.deliver(urlencode(form).encode(), mangle=mangle)
        return self._show(answer, command, self._response_urls[token])

    async def deliver(self, body: bytes, *, mangle: Mangle | None = None) -> Delivered:
        """Post signed bytes to the bot and wait as long as Slack waits.

        Args:
            body: A URL-encoded form.
            mangle: May change headers and body after they were signed.
        """
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            **sign(self._slack.signing_secret, body, time.time()),
        }
        if mangle:
            headers, body = mangle(headers, body)
        started = time.monotonic()
        timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.post(self.bot_url, data=body, headers=headers, allow_redirects=False) as response,
            ):
                text = await response.text()
                names = {name.lower(): value for name, value in response.headers.items()}
                error = "" if response.status == 200 else "dispatch_failed"  # noqa: PLR2004  HTTP's own figure
                return Delivered(response.status, text, time.monotonic() - started, names, error)
        except TimeoutError:
            return Delivered(0, "", time.monotonic() - started, error="operation_timeout")
        except (aiohttp.ClientError, ValueError) as error:
            return Delivered(0, str(error), time.monotonic() - started, error="dispatch_failed")

    def respond(self, token: str, args: Arguments) -> None:
        """Take a post to a response URL.

        Raises:
            ApiError: `no_such_url`, `used_url`, `expired_url`, or what is wrong with the message.
        """
        url = self._response_urls.get(token)
        if url is None:
            raise ApiError("no_such_url")
        if time.monotonic() - url.made > MAX_AGE_S:
            raise ApiError("expired_url")
        if url.uses >= MAX_USES:
            raise ApiError("used_url")
        self._answer(args, url)
        url.uses += 1

    def _show(self, answer: Delivered, command: str, url: ResponseUrl) -> Delivered:
        error = answer.error
        if not error and answer.text.strip():
            try:
                self._answer(_arguments(answer), url)
            except ApiError:
                error = "invalid_command_response"
        if error:
            said = f'`{command}` failed with the error "{error}"'
            self._slack.say_privately(url.user, url.channel, said)
        return Delivered(answer.status_code, answer.text, answer.seconds, answer.headers, error)

    def _answer(self, args: Arguments, url: ResponseUrl) -> None:
        """Say a command's answer, at once or later: to one person, unless it asks for the channel."""
        if args.flag("delete_original"):
            self._forget(url)
            return
        kind = args.text("response_type") or "ephemeral"
        if kind not in ("ephemeral", "in_channel"):
            raise ApiError("invalid_arguments", ["must be one of ephemeral, in_channel"])
        text, blocks = chat.content(args, chat.MAX_TEXT)
        thread = chat.thread_root(self._slack, self._slack.channel(url.channel), args)
        if args.flag("replace_original"):
            self._forget(url)
        if kind == "ephemeral":
            url.last = self._slack.say_privately(url.user, url.channel, text, blocks)
            return
        message = Message(self._slack.clock.next(), url.channel, BOT_USER, text, blocks, thread)
        url.last = self._slack.add(message)

    def _forget(self, url: ResponseUrl) -> None:
        if url.last:
            url.last.deleted = True
            self._slack.touch(url.last)


def _arguments(answer: Delivered) -> Arguments:
    """A command's immediate answer: JSON by its content type, else plain text."""
    if not answer.headers.get("content-type", "").startswith("application/json"):
        return Arguments({"text": answer.text})
    try:
        body: Json = answer.json()
    except ValueError:
        raise ApiError("invalid_json") from None
    if not isinstance(body, dict):
        raise ApiError("json_not_object")
    return Arguments(body)

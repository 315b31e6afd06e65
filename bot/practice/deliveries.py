"""What Slack sends to the bot: over HTTP, signed, or over Socket Mode.

Sources: https://docs.slack.dev/authentication/verifying-requests-from-slack (the v0 signature),
https://docs.slack.dev/apis/events-api (events, retries, url_verification) and
https://docs.slack.dev/interactivity/handling-user-interaction (the form field `payload`).
"""

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from typing import Literal
from urllib.parse import urlencode

import aiohttp

from bot.practice.delivered import PATIENCE_S, Delivered
from bot.practice.model import Json
from bot.practice.slack import SlackSide
from bot.practice.sockets import Sockets

VERIFICATION_TOKEN = "practice-verification-token"  # noqa: S105  Slack's old one, which proves nothing
_FORM = "application/x-www-form-urlencoded"

Mangle = Callable[[dict[str, str], bytes], tuple[dict[str, str], bytes]]
Mode = Literal["auto", "http", "socket"]


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


class Deliveries:
    """Sends to the bot.

    Attributes:
        bot_url: The address that takes deliveries over HTTP, `…/slack/events`.
        mode: `http`, `socket`, or `auto`: over a socket while one is connected, else over HTTP.
    """

    def __init__(self, slack: SlackSide, sockets: Sockets) -> None:
        self.bot_url = ""
        self.mode: Mode = "auto"
        self._slack = slack
        self._sockets = sockets

    @property
    def reachable(self) -> bool:
        """Whether there is a bot to send to."""
        return self._by_socket or bool(self.bot_url)

    @property
    def _by_socket(self) -> bool:
        return self.mode == "socket" or (self.mode == "auto" and bool(self._sockets.connections))

    async def command(self, form: dict[str, str], mangle: Mangle | None = None) -> Delivered:
        """Send a slash command; its error is what the person would be told."""
        if self._by_socket:
            payload: Json = {**form, "is_enterprise_install": False}
            return _told(await self._sockets.send("slash_commands", payload, answerable=True))
        return _told(await self.post(urlencode(form).encode(), mangle=mangle))

    async def interaction(
        self, payload: Json, *, answerable: bool, mangle: Mangle | None = None
    ) -> Delivered:
        """Send a pressed button or a submitted modal; its error is what the person would be told."""
        if self._by_socket:
            return _told(await self._sockets.send("interactive", payload, answerable=answerable))
        return _told(await self.post(urlencode({"payload": json.dumps(payload)}).encode(), mangle=mangle))

    async def event(
        self, payload: Json, *, attempt: int = 0, reason: str = "", mangle: Mangle | None = None
    ) -> Delivered:
        """Send an event.

        Args:
            payload: The whole `event_callback`.
            attempt: How often it was tried before.
            reason: Why the last try failed, as in `X-Slack-Retry-Reason`.
            mangle: May change headers and body after they were signed.
        """
        if self._by_socket:
            why = "timeout" if reason == "http_timeout" else reason
            answer = await self._sockets.send(
                "events_api", payload, answerable=False, attempt=attempt, reason=why
            )
        else:
            again = {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": reason} if attempt else {}
            body = json.dumps(payload).encode()
            answer = await self.post(body, kind="application/json", extra=again, mangle=mangle)
            if HTTPStatus.OK <= answer.status_code < HTTPStatus.MULTIPLE_CHOICES:
                answer = replace(answer, error="")  # of an event any 2xx is good
        kind = str(payload["event"]["type"])
        return replace(answer, event_id=str(payload["event_id"]), event_type=kind, attempts=attempt + 1)

    async def verify_url(self) -> Delivered:
        """Ask the bot to prove that it owns its address, as Slack does when it is entered.

        Returns:
            Its answer, with the error `challenge_failed` where it does not repeat the challenge.
        """
        challenge = secrets.token_urlsafe(32)
        asked = {"token": VERIFICATION_TOKEN, "challenge": challenge, "type": "url_verification"}
        answer = await self.post(json.dumps(asked).encode(), kind="application/json")
        if not answer.error and challenge not in (answer.text.strip(), _challenge(answer)):
            return replace(answer, error="challenge_failed")
        return answer

    async def post(
        self,
        body: bytes,
        *,
        kind: str = _FORM,
        extra: dict[str, str] | None = None,
        mangle: Mangle | None = None,
    ) -> Delivered:
        """Post signed bytes to the bot and wait as long as Slack waits.

        Args:
            body: What is signed.
            kind: Its media type.
            extra: Further headers.
            mangle: May change headers and body after they were signed.
        """
        headers = {
            "Content-Type": kind,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            **sign(self._slack.signing_secret, body, time.time()),
            **(extra or {}),
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
                error = "" if response.status == HTTPStatus.OK else "http_error"
                return Delivered(response.status, text, time.monotonic() - started, names, error)
        except TimeoutError:
            return Delivered(0, "", time.monotonic() - started, error="http_timeout")
        except (aiohttp.ClientError, ValueError) as error:
            return Delivered(0, str(error), time.monotonic() - started, error="connection_failed")


def _told(answer: Delivered) -> Delivered:
    """The same with the error as a person is told of it."""
    if not answer.error:
        return answer
    return replace(answer, error="operation_timeout" if answer.error == "http_timeout" else "dispatch_failed")


def _challenge(answer: Delivered) -> str:
    try:
        body = answer.json()
    except ValueError:
        return ""
    return str(body.get("challenge", "")) if isinstance(body, dict) else ""

"""Slack's HTTP requests: signed, legible, and then Bolt's.

The signature is checked here, over the very bytes that came, because Bolt reads a request before it checks
it and trips over one that is garbled.
Source: https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import structlog
from slack_bolt.async_app import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.signature import SignatureVerifier

log = structlog.get_logger()

TIMESTAMP = "x-slack-request-timestamp"
SIGNATURE = "x-slack-signature"
MOST_DIGITS = 12
# What Bolt trips over in a body that is not as Slack makes them; the last, where JSON is nested too deep.
UNREADABLE = (ValueError, TypeError, AttributeError, KeyError, RecursionError)

Dispatch = Callable[[AsyncBoltRequest], Awaitable[BoltResponse]]


@dataclass(frozen=True, slots=True)
class SlackRequests:
    """Answers what comes to `/slack/events`.

    Attributes:
        dispatch: The listeners.
        verifier: Knows the signing secret.
    """

    dispatch: Dispatch
    verifier: SignatureVerifier

    async def answer(self, headers: Mapping[str, str], body: bytes) -> BoltResponse:
        """Answer one request: 401 where it is not Slack's, 400 where it cannot be read.

        Args:
            headers: By lower-case name.
            body: The bytes as they came.
        """
        try:
            text = body.decode()
        except UnicodeDecodeError:
            text = None
        if text is None or not self._signed(headers, text):
            return BoltResponse(status=401, body="This is not signed by Slack.")
        try:
            request = AsyncBoltRequest(body=text, headers={name: [value] for name, value in headers.items()})
        except UNREADABLE as error:
            log.warning("Slack's request cannot be read", why=type(error).__name__)
            return BoltResponse(status=400, body="This is no request as Slack makes them.")
        return await self.dispatch(request)

    def _signed(self, headers: Mapping[str, str], text: str) -> bool:
        """Whether the signature holds; the verifier trips over headers that are no plain ASCII."""
        timestamp, signature = headers.get(TIMESTAMP, ""), headers.get(SIGNATURE, "")
        if not (timestamp.isascii() and timestamp.isdigit() and signature.isascii()):
            return False
        return self.verifier.is_valid(text, timestamp[:MOST_DIGITS], signature)

"""Bolt's listeners: each reads a payload, does one short transaction, and acks.

Bolt runs with `process_before_response=True`: what a listener answers is the ack. What has to ask Slack is an
errand beside it.
"""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from pydantic import ValidationError
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltRequest
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.response import BoltResponse
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient

from bot.delivery.slack_errors import answered
from bot.errors import LegworkError
from handlers.slack import buttons, hearing, mentions, typed
from handlers.slack.acting import Acting
from handlers.slack.commands import Commands
from handlers.slack.errands import Errands
from handlers.slack.naming import learn_name
from handlers.slack.payloads import (
    Changed,
    Deleted,
    Envelope,
    Message,
    Outline,
    Press,
    Said,
    Submission,
    problems,
)
from handlers.slack.requests import Dispatch, SlackRequests
from storage import database

log = structlog.get_logger()

COMMANDS = re.compile("^/(agent|task)$")
EVENTS = ("message", "app_mention")
EVERY = re.compile("")
TAKEN = "eyes"
NAME_S = 1.0


@dataclass(frozen=True, slots=True)
class SlackDoor:
    """What the door needs to know.

    Attributes:
        client: Speaks for the bot.
        signing_secret: Proves that a request is Slack's.
        acting: Runs commands.
        now: The clock.
        errands: What is done after the ack; whoever opens the door closes them.
    """

    client: AsyncWebClient
    signing_secret: str
    acting: Acting
    now: Callable[[], datetime]
    errands: Errands = field(default_factory=Errands)

    def dispatch(self) -> Dispatch:
        """What answers Slack's requests, over whichever way they come."""

        async def authorize(team_id: str | None, enterprise_id: str | None) -> AuthorizeResult:
            """Who the bot is, without asking Slack: an ack waits for no network."""
            return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token=self.client.token)

        app = AsyncApp(
            signing_secret=self.signing_secret,
            authorize=authorize,
            process_before_response=True,
            request_verification_enabled=False,  # SlackRequests has done it, and a websocket is Slack's own
        )
        app.command(COMMANDS)(Commands(self.acting, self.now).answer)
        for event in EVENTS:
            app.event(event)(self._event)
        app.action(EVERY)(self._action)
        app.view(buttons.CALLBACK)(self._submission)

        async def dispatch(request: AsyncBoltRequest) -> BoltResponse:
            try:
                Outline.model_validate(request.body)
            except ValidationError as error:
                log.warning("Slack's request cannot be read", why=problems(error))
                return BoltResponse(status=400, body="This is no request as Slack makes them.")
            return await app.async_dispatch(request)

        return dispatch

    def requests(self, dispatch: Dispatch) -> SlackRequests:
        """What answers Slack's HTTP requests."""
        return SlackRequests(dispatch, SignatureVerifier(self.signing_secret))

    async def _event(self, body: dict[str, Any]) -> BoltResponse:
        """Hear an event; where the database cannot take it, Slack is to send it again."""
        try:
            await self._heard(Envelope.model_validate(body), body["event"])
        except ValidationError as error:
            log.warning("Slack's event cannot be read", why=problems(error))
        except database.Fault as error:
            log.warning("an event was not heard; Slack sends it again", why=str(error))
            return BoltResponse(status=500, body="The database cannot take it now.")
        return BoltResponse(status=200, body="")

    async def _heard(self, envelope: Envelope, event: dict[str, Any]) -> None:
        subtype = event.get("subtype")
        if subtype == "message_changed":
            await self._changed(envelope, Changed.model_validate(event))
        elif subtype == "message_deleted":
            await self._deleted(envelope, Deleted.model_validate(event))
        else:
            await self._said(envelope, Message.model_validate(event))

    async def _said(self, envelope: Envelope, message: Message) -> None:
        words = mentions.read(message.text, envelope.bot)
        if not _counts(envelope, message) or not await database.look(hearing.concerns, message, words):
            return
        stranger = not await database.look(hearing.known, message.user)
        if stranger:
            # The one ack that waits for Slack, which waits 3 s for it: else somebody new is an id in the
            # thread, mails and report of their first task for ever. A later name is learned all the same.
            await asyncio.wait({self._learn(message.user)}, timeout=NAME_S)
        heard = await database.at_once(
            hearing.heard, self.acting, envelope.event_id, message, words, self.now()
        )
        if heard.nameless and not stranger:
            self._learn(message.user)
        if heard.taken:
            self.errands.run(f"react to {message.channel} {message.ts}", self._react(message))

    async def _changed(self, envelope: Envelope, event: Changed) -> None:
        if not await database.look(hearing.kept, event):
            return
        if event.message.subtype == "tombstone":  # what is left of a message with answers
            await database.at_once(hearing.deleted, envelope.event_id, event, self.now())
        elif _counts(envelope, event.message):
            words = mentions.read(event.message.text, envelope.bot)
            await database.at_once(hearing.changed, self.acting, envelope.event_id, event, words, self.now())

    async def _deleted(self, envelope: Envelope, event: Deleted) -> None:
        if await database.look(hearing.kept, event):
            await database.at_once(hearing.deleted, envelope.event_id, event, self.now())

    async def _action(self, ack: AsyncAck, body: dict[str, Any]) -> BoltResponse | None:
        """A pressed button; one that has no command, such as a link, is only acked."""
        try:
            press = Press.model_validate(body)
            if press.from_outside:
                log.info("passed over: pressed by someone of another company", user=press.user.id)
            elif press.button.action_id.startswith(buttons.DO):
                await database.at_once(buttons.pressed, self.acting, press, self.now())
            elif press.button.action_id.startswith(buttons.WHY):
                purpose = await database.look(buttons.purpose, press)
                view = buttons.modal(press, purpose)
                self.errands.run(f"ask why {press.trigger_id}", self._ask_why(press, view))
        except ValidationError as error:
            log.info("a press without a command", why=problems(error))
        except database.Fault as error:
            log.warning("a button did nothing", why=str(error))
            return BoltResponse(status=500, body="The database cannot take it now.")
        return await ack()

    async def _submission(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """A submitted modal; what is wrong is shown in it."""
        try:
            submission = Submission.model_validate(body)
            reply = await database.at_once(buttons.submitted, self.acting, submission, self.now())
        except ValidationError as error:
            log.warning("Slack's submission cannot be read", why=problems(error))
            await ack()
            return
        except database.Fault as error:
            log.warning("a submission did nothing", why=str(error))
            why = f"Nothing was done: the database says “{error}”. Tell an admin."
            await ack(response_action="errors", errors={"why": why})
            return
        if reply is None or reply.ok:
            await ack(response_action="clear")
        else:
            await ack(response_action="errors", errors={"why": typed.shown(reply)})

    async def _ask_why(self, press: Press, view: dict[str, Any]) -> None:
        """Show the modal; Slack lets us for 3 seconds after the press."""
        try:
            await answered(self.client.views_open(trigger_id=press.trigger_id, view=view))
        except LegworkError:
            await database.insist(buttons.unopened, press, self.now())
            raise

    async def _react(self, message: Message) -> None:
        await answered(self.client.reactions_add(channel=message.channel, timestamp=message.ts, name=TAKEN))

    def _learn(self, user_id: str) -> asyncio.Task[None]:
        return self.errands.run(f"name of {user_id}", learn_name(self.client, user_id, self.now))


def _counts(envelope: Envelope, said: Said) -> bool:
    """Whether somebody of the team said it; the bot hears itself, too."""
    if not said.by_a_person or said.user == envelope.bot:
        return False
    if envelope.from_outside(said):
        log.info("passed over: said by someone of another company", user=said.user)
        return False
    return True

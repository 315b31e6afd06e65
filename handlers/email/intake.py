"""Reads the letters that were kept: each is believed or not, acted on once or set aside, and told of.

A letter is read outside of any transaction, and settled in one together with all that it brings about: killed
at any point, it is acted on exactly once.
"""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot import people, stream
from bot.actors import Actor
from bot.events import LetterQuarantined
from bot.reply_address import AskReply, ReplyAddresses, TaskReply
from bot.reports.markdown import fence
from bot.reports.visible import revealed
from bot.stream import bell
from bot.work.keys import key
from handlers.email import told
from handlers.email.acting import Acting
from handlers.email.allowance import HOUR, Allowance
from handlers.email.authentication import dmarc
from handlers.email.calls import Asking
from handlers.email.letter import Letter, read
from handlers.email.mailboxes import house_mailbox, subscription_of
from handlers.email.proven import Proven
from storage import database, inbox, letters, notices
from storage import people as rows
from storage.tables import Letters, Subscriptions

log = structlog.get_logger()

BATCH = 100
LARGE_BYTES = 32 * 1024  # what takes longer to read than the loop may stand still
FORWARDED_CHARS = 2_000
NULL_SENDERS = ("", "<>")


@dataclass(frozen=True, slots=True)
class Rules:
    """Whom letters are believed, and how many.

    Attributes:
        domain: Whose mail reaches us.
        authserv_id: The name that our own mail server signs Authentication-Results with; empty where none
            does: then nobody decides by mail.
        admins: Slack ids and addresses of those who are admins by the settings.
        letters_per_hour: Of one sender.
        max_chars: The longest command that is read.
        ask_for: How long a question that is asked again may be answered.
        letter_days: Days after which nothing is kept of a letter but what became of it.
    """

    domain: str
    authserv_id: str
    admins: tuple[str, ...]
    letters_per_hour: int
    max_chars: int
    ask_for: timedelta
    letter_days: float = 30


@dataclass(frozen=True, slots=True)
class _Doubt:
    """Why a letter is not acted on: a kind, a sentence for admins, and one for whom it claims to be from."""

    kind: str
    why: str
    told: str


class Intake:
    """Settles the letters that were kept, until cancelled.

    Args:
        addresses: Knows the reply addresses that we made.
        rules: Whom letters are believed, and how many.
        now: The clock.
    """

    def __init__(self, addresses: ReplyAddresses, rules: Rules, now: Callable[[], datetime]) -> None:
        self._addresses = addresses
        self._rules = rules
        self._now = now
        self._acting = Acting(
            addresses,
            Asking(addresses, rules.ask_for),
            domain=rules.domain,
            authserv_id=rules.authserv_id,
            max_chars=rules.max_chars,
        )
        self._allowance = Allowance(rules.letters_per_hour)
        self._erased: datetime | None = None

    async def drive(self) -> None:
        """Settle whatever was kept, oldest first, and erase what is old, until cancelled."""
        heard = 0
        while True:
            while found := await database.insist(letters.unread, BATCH):
                for letter_id in found:
                    await self._take(letter_id)
            await self._erase()
            heard = await bell.wait(heard)

    async def _erase(self) -> None:
        """Once an hour: keep nothing of old letters but what became of them."""
        now = self._now()
        if self._erased and now - self._erased < HOUR:
            return
        self._erased = now
        old = now - timedelta(days=self._rules.letter_days)
        after = 0
        while last := await database.insist(letters.erase, old, after, BATCH):
            after = last

    async def _take(self, letter_id: int) -> None:
        """Settle a letter; one that trips over a bug is set aside, and holds up no other."""
        try:
            row = await database.insist(letters.get, letter_id)
            content = bytes(row.content)
            letter = await asyncio.to_thread(read, content) if len(content) > LARGE_BYTES else read(content)
            await database.insist(self._settle, letter_id, letter, hashlib.sha256(content).hexdigest())
        except Exception as error:
            log.exception("letter set aside", letter=letter_id)
            await database.insist(self._set_aside, letter_id, type(error).__name__)

    def _settle(self, letter_id: int, letter: Letter, digest: str) -> None:
        """One transaction: what becomes of a letter, and all that it brings about."""
        row = letters.get(letter_id)
        if row.state != "new":
            return  # another process was first
        target = self._addresses.read(row.rcpt)
        heard = subscription_of(target) if target else None
        to_house = house_mailbox(row.rcpt, self._rules.domain)
        about = f"{heard.task_id}.{heard.id}" if heard else to_house
        named = hashlib.sha256(f"{letter.message_id or digest} {about}".encode(errors="replace")).hexdigest()
        if letter.auto_reply or letter.bounce or row.mail_from in NULL_SENDERS:
            letters.settle(letter_id, "ignored", "A machine sent it.")
        elif not about:
            letters.settle(letter_id, "ignored", "Its address leads nowhere any more.")
        elif not letters.first_time(letter_id, named):
            letters.settle(letter_id, "ignored", "It came before.")
        elif heard and target:
            self._judge(row, letter, target, heard)
        else:
            self._forward(row, letter, to_house)

    def _judge(
        self, row: Letters, letter: Letter, target: TaskReply | AskReply, heard: Subscriptions
    ) -> None:
        """Act on a letter from whom its address was made for; set any other aside, and say so."""
        now = self._now()
        sender = people.from_address(heard.address, self._rules.admins, now)
        verdict = dmarc(letter.authentication, letter.from_, self._rules.authserv_id)
        doubt = self._doubt(row, letter, heard, sender, forged=verdict == "fail")
        if doubt:
            self._quarantine(row, letter.from_ or row.mail_from, doubt.why, heard.task_id)
            self._warn(doubt, heard, sender, now)
            return
        asked = target if isinstance(target, AskReply) else None
        proven = Proven(
            letter,
            heard,
            sender,
            authentic=verdict == "pass",
            approval=asked.approval if asked else 0,
            expired=asked is not None and asked.expires <= now,
        )
        letters.settle(row.id, "done", self._acting.act(proven, now), heard.task_id)

    def _doubt(
        self, row: Letters, letter: Letter, heard: Subscriptions, sender: Actor, *, forged: bool
    ) -> _Doubt | None:
        """Why a letter is not believed; None where it is."""
        task, shown = key(heard.task_id), letter.from_ or "nobody who can be told"
        if letter.from_ not in (heard.address, *people.addresses(sender)):
            why = f"It is from {shown}, and its address was made for {heard.address}."
            return _Doubt("stranger", why, told.STRANGER.format(task=task, sender=shown, bound=heard.address))
        if forged:
            return _Doubt("forged", f"DMARC failed for {shown}.", told.FORGED.format(task=task))
        if not self._allowance.take(f"person {sender.id}", row.id, row.at):
            most = self._rules.letters_per_hour
            why = f"More than {most} letters came from {shown} within an hour."
            return _Doubt("flood", why, told.FLOOD.format(most=most, task=task))
        return None

    def _warn(self, doubt: _Doubt, heard: Subscriptions, person: Actor, now: datetime) -> None:
        """Tell whom the address was made for, once a day of each kind; in Slack if they are there."""
        if not inbox.first_time(f"letter {doubt.kind}:{heard.address}:{now.date()}", now):
            return
        if found := rows.values(person.id, "slack"):
            notices.add("slack", found[0], doubt.told, now)
        else:
            subject = f"[{key(heard.task_id)}] A mail was not acted on"
            reply_to = self._addresses.task(heard.task_id, heard.id)
            notices.add("email", heard.address, doubt.told, now, subject=subject, reply_to=reply_to)

    def _forward(self, row: Letters, letter: Letter, mailbox: str) -> None:
        """Show the admins what was written to the house (RFC 2142)."""
        now, sender = self._now(), letter.from_ or row.mail_from
        if not self._rules.admins:
            self._quarantine(row, sender, f"It is for {mailbox}, and LEGWORK_ADMINS names nobody.")
            return
        if not self._allowance.take(mailbox, row.id, row.at):
            most = self._rules.letters_per_hour
            self._quarantine(row, sender, f"More than {most} letters came for {mailbox} within an hour.")
            return
        subject = _clean(letter.subject)
        written = _clean(letter.text or letter.elided)[:FORWARDED_CHARS]
        letter_shown = fence(f"From: {_clean(sender)}\nSubject: {subject}\n\n{written}")
        text = told.FORWARDED.format(mailbox=mailbox, letter=letter_shown)
        for admin in self._rules.admins:
            outlet = "email" if "@" in admin else "slack"
            notices.add(outlet, admin, text, now, subject=f"[{mailbox}] {subject}")
        letters.settle(row.id, "done", "It was forwarded to the admins.")

    def _set_aside(self, letter_id: int, error: str) -> None:
        row = letters.get(letter_id)
        self._quarantine(row, row.mail_from, f"Reading it failed ({error}): an admin can report this.")

    def _quarantine(self, row: Letters, sender: str, why: str, task_id: int | None = None) -> None:
        """Keep a letter that is not acted on, where admins find it."""
        if letters.settle(row.id, "quarantined", why, task_id):
            kept = LetterQuarantined(letter=row.id, sender=sender, why=why)
            stream.record(stream.HOUSE, "mail", kept, self._now())


def _clean(text: str) -> str:
    """A text that can be stored and shown, whatever was in it."""
    return revealed(text.encode(errors="replace").decode())

"""Which letters are taken, and how they are kept: the answers to RCPT and DATA (RFC 5321).

What was answered with 250 is on the disk.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session

from bot.reply_address import ReplyAddresses, redacted
from bot.stream import bell
from handlers.email.allowance import Allowance
from handlers.email.mailboxes import house_mailbox, is_served
from storage import database, letters

log = structlog.get_logger()

HOUSE = "the house"
SHOWN_CHARS = 120
BARE = (
    "554 5.6.0 The letter has a line feed or a carriage return alone, by which a second letter could be "
    "hidden in it. End every line with both."
)
LATER = "451 4.3.0 The letter cannot be kept at the moment. Try again later."
BUSY = "450 4.2.1 Too many letters came for postmaster and abuse. Try again in an hour."
UNKNOWN = "550 5.1.1 There is no such address here. Answer a mail of Legwork, to its Reply-To as it stands."


@dataclass(frozen=True, slots=True)
class MailDoor:
    """What the door needs to know.

    Attributes:
        addresses: Knows the reply addresses that we made.
        domain: Whose mail reaches us.
        letter_bytes: The largest letter.
        recipients: Of one letter, at most.
        connections: At a time, at most.
        idle_s: Seconds that a connection may do nothing, and that each piece of a letter may take.
        now: The clock.
        house_bytes: The largest letter to `postmaster` or `abuse`: anybody may write to them.
        house_letters_per_hour: Of those, both together.
    """

    addresses: ReplyAddresses
    domain: str
    letter_bytes: int
    recipients: int
    connections: int
    idle_s: float
    now: Callable[[], datetime]
    house_bytes: int = 256 * 1024
    house_letters_per_hour: int = 20


class Reception:
    """What aiosmtpd asks; it finds these by their names.

    Args:
        door: What it knows.
        to_house: How many letters to the house are taken, over all connections.
    """

    def __init__(self, door: MailDoor, to_house: Allowance) -> None:
        self._door = door
        self._to_house = to_house

    async def handle_EHLO(  # noqa: N802
        self, _server: SMTP, session: Session, _envelope: Envelope, name: str, answers: list[str]
    ) -> list[str]:
        """A greeting: what is spoken here (RFC 5321, section 4.1.1.1)."""
        session.host_name = name
        return [*answers[:-1], "250-PIPELINING", answers[-1]]

    async def handle_MAIL(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, sender: str, options: list[str]
    ) -> str:
        """The sender of a letter."""
        if not _is_text(sender):
            return "553 5.1.7 The sender is no text in UTF-8."
        envelope.mail_from = sender
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """A recipient: one that we made, or the house, and not too often."""
        if len(envelope.rcpt_tos) >= self._door.recipients:
            return (
                f"452 4.5.3 A letter may have {self._door.recipients} recipients. Send it to the rest again."
            )
        house = house_mailbox(address, self._door.domain)
        if house and not self._to_house.has_room(HOUSE, self._door.now()):
            log.warning("too many letters to the house", peer=str(session.peer))
            return BUSY
        try:
            known = house or await self._was_made(address)
        except database.Fault as error:
            log.warning("a recipient cannot be looked up", why=str(error))
            return "451 4.3.0 The address cannot be looked up at the moment. Try again later."
        if not known:
            shown = redacted(address[:SHOWN_CHARS])
            log.info("recipient refused", address=shown, peer=str(session.peer))
            return UNKNOWN
        envelope.rcpt_tos.append(address.lower())
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """A letter: it is kept, or refused for good, or for now."""
        content = envelope.original_content or b""
        ends = content.count(b"\r\n")
        if content.count(b"\n") != ends or content.count(b"\r") != ends:
            log.info("letter with bare line ends refused", peer=str(session.peer))
            return BARE
        to_house = any(house_mailbox(one, self._door.domain) for one in envelope.rcpt_tos)
        if to_house and len(content) > self._door.house_bytes:
            return (
                f"552 5.3.4 A letter to postmaster or abuse may have {self._door.house_bytes >> 10} kB. "
                "Send less."
            )
        try:
            numbers = await database.durably(self._keep, envelope, content)
        except Exception:
            log.exception("letter not kept; it will be sent again")
            return LATER
        if to_house:
            self._to_house.take(HOUSE, numbers[0], self._door.now())
        log.info("letter kept", letters=numbers, bytes=len(content))
        return "250 2.0.0 It is kept."

    async def handle_exception(self, error: Exception) -> str:
        """A command that was badly made in a way that aiosmtpd did not foresee, or a bug; nothing is lost."""
        log.warning("a command was not understood", error=type(error).__name__)
        return "451 4.3.0 That could not be understood. Try again later."

    async def _was_made(self, address: str) -> bool:
        target = self._door.addresses.read(address)
        return target is not None and await database.look(is_served, target)

    def _keep(self, envelope: Envelope, content: bytes) -> list[int]:
        """One transaction: a row for each recipient, and whoever reads them is woken once it is committed."""
        now, sender = self._door.now(), envelope.mail_from or ""
        recipients = dict.fromkeys(envelope.rcpt_tos)
        kept = [letters.add(content, sender, recipient, now) for recipient in recipients]
        database.after_commit(bell.ring)
        return kept


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True

"""One letter of the mailbox."""

from dataclasses import dataclass
from datetime import datetime
from email.utils import parseaddr
from pathlib import Path

from bot.practice.letters import Parsed, Part


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter that arrived.

    Attributes:
        number: Counted from 1.
        at: When it arrived.
        sender: The envelope's sender; empty for a bounce.
        recipients: The envelope's recipients.
        raw: The bytes as they came.
        parsed: What they say.
        path: The `.eml` file with the raw bytes.
    """

    number: int
    at: datetime
    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    parsed: Parsed
    path: Path
    version: int

    @property
    def subject(self) -> str:
        """The decoded subject."""
        return self.parsed.header("Subject")

    @property
    def text(self) -> str:
        """The plain part."""
        return self.parsed.text

    @property
    def html(self) -> str:
        """The HTML part."""
        return self.parsed.html

    @property
    def attachments(self) -> tuple[Part, ...]:
        """What is attached."""
        return self.parsed.attachments

    @property
    def message_id(self) -> str:
        """The Message-ID, in its angle brackets."""
        return self.parsed.header("Message-ID")

    @property
    def references(self) -> tuple[str, ...]:
        """The Message-IDs of the conversation before it."""
        return tuple(self.parsed.header("References").split())

    @property
    def reply_to(self) -> str:
        """The bare address that an answer goes to: Reply-To, else From, else the envelope's sender."""
        for name in ("Reply-To", "From"):
            if address := parseaddr(self.parsed.header(name))[1]:
                return address
        return self.sender

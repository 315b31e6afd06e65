"""A task by mail, through the SMTP server of the settings."""

import asyncio
import contextlib
import smtplib
import ssl
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from bot.artifacts import Artifacts
from bot.delivery import mail_of_task, mail_plan
from bot.delivery.envelope import Sender, message_id, of_notice, of_task, subject
from bot.delivery.mail_view import Answer
from bot.delivery.outlet import AccessError, Attachment, Letter, Message, Recipient, Sent
from bot.errors import LegworkError, Permanent, Retry
from bot.events import ApprovalAsked, ApprovalReminded, ArtifactSaved, Event
from bot.reply_address import ReplyAddresses
from storage.tables import Notices

DEFAULT_PORTS = {"smtp": 587, "smtps": 465}
REFUSED, REFUSED_FOR_GOOD = 400, 500
NO_ENTRY = {530, 534, 535, 538}  # the login is missing or wrong: RFC 4954, section 6


class Mailer:
    """Hands mails to one SMTP server (RFC 5321).

    Args:
        url: `smtp://user:password@host:port`; TLS is used where the server offers it. `smtps://` speaks TLS
            from the start. A server with a login is never spoken to without TLS.
        timeout_s: Seconds to wait for each of its answers.

    Raises:
        LegworkError: The address cannot be used.
    """

    def __init__(self, url: str, timeout_s: float) -> None:
        parts = urlsplit(url)
        if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
            raise LegworkError("LEGWORK_MAIL_URL must look like smtp://user:password@host:587 or smtps://…")
        self._tls = parts.scheme == "smtps"
        self._host = parts.hostname
        self._port = parts.port or DEFAULT_PORTS[parts.scheme]
        self._user = unquote(parts.username or "")
        self._password = unquote(parts.password or "")
        self._timeout_s = timeout_s

    def send(self, mail: EmailMessage, sender: str, recipient: str) -> None:
        """Hand over one mail; blocks.

        Raises:
            AccessError: The server does not let us in.
            Retry: It is down or busy.
            Permanent: It refuses the mail for good.
        """
        content = mail.as_bytes()
        handed_over = False
        try:
            with self._connected() as server:
                _check(*server.mail(sender), "refuses the sender")
                _check(*server.rcpt(recipient), f"refuses {recipient}")
                handed_over = True
                _check(*server.data(content), "refuses the mail")
        except smtplib.SMTPResponseException as error:
            raise _refusal(error.smtp_code, error.smtp_error, "refuses") from error
        except (smtplib.SMTPException, OSError) as error:
            raise Retry(f"The mail server cannot be reached: {error}.", unsure=handed_over) from error

    def probe(self) -> None:
        """Connect and log in, and send nothing.

        Raises:
            AccessError: The server does not let us in.
            Retry: It is down or busy.
            Permanent: It refuses to talk.
        """
        try:
            with self._connected():
                pass
        except smtplib.SMTPResponseException as error:
            raise _refusal(error.smtp_code, error.smtp_error, "refuses the login") from error
        except (smtplib.SMTPException, OSError) as error:
            raise Retry(f"The mail server cannot be reached: {error}.") from error

    @contextlib.contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        """A session that is logged in. Its end never fails: a mail that was accepted stays accepted."""
        context = ssl.create_default_context()
        server: smtplib.SMTP
        if self._tls:
            server = smtplib.SMTP_SSL(self._host, self._port, timeout=self._timeout_s, context=context)
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=self._timeout_s)
        try:
            server.ehlo_or_helo_if_needed()
            if not self._tls and server.has_extn("starttls"):
                server.starttls(context=context)
                server.ehlo()
            elif not self._tls and self._user:
                raise smtplib.SMTPException("it offers no TLS, and the password is not sent without")
            if self._user:
                server.login(self._user, self._password)
            yield server
        finally:
            with contextlib.suppress(smtplib.SMTPException, OSError):
                server.quit()
            server.close()


def _check(code: int, answer: bytes | str, what: str) -> None:
    if code >= REFUSED:
        raise _refusal(code, answer, what)


def _refusal(code: int, answer: bytes | str, what: str) -> Retry | Permanent:
    """Tell a refusal for good (5yz) from one for now (4yz): RFC 5321, section 4.2.1."""
    said = answer.decode(errors="replace") if isinstance(answer, bytes) else answer
    why = f"The mail server {what}: {code} {said}."
    if code in NO_ENTRY:
        return AccessError(why)
    return Permanent(why) if code >= REFUSED_FOR_GOOD else Retry(why)


@dataclass(frozen=True, slots=True)
class Manners:
    """How the house writes mails.

    Attributes:
        replies: Makes the addresses that answers go to; None where no mail reaches us.
        first_mail_s: Seconds that a task may take before people are mailed that it was opened.
        ask_days: Days for which a mail that asks for an approval can be answered.
        now: The clock.
    """

    replies: ReplyAddresses | None
    first_mail_s: float
    ask_days: float
    now: Callable[[], datetime]


class EmailOutlet:
    """Tells people by email: that a task was opened, what is asked of them, and how it ended.

    Args:
        mailer: Hands mails over.
        sender: Who they are from.
        artifacts: Where the reports are.
        manners: How they are written.
    """

    name = "email"

    def __init__(self, mailer: Mailer, sender: Sender, artifacts: Artifacts, manners: Manners) -> None:
        self._mailer = mailer
        self._sender = sender
        self._artifacts = artifacts
        self._manners = manners

    def plan(self, events: Sequence[Event], cursor: int, to: Recipient) -> list[Message]:
        """A mail for each milestone that is still news."""
        return mail_plan.plan(events, cursor, to)

    def wait_s(self, letter: Letter) -> float:
        """The first mail waits, since a task that is over in a moment needs but one; others go at once."""
        if letter.message.part != mail_plan.OPENED:
            return 0
        age_s = (self._manners.now() - letter.event.at).total_seconds()
        return max(self._manners.first_mail_s - age_s, 0)

    async def send(self, letter: Letter) -> Sent:
        """Send the mail; one that may have gone out before goes again under the same Message-ID."""
        answer = self._answer(letter)
        view = mail_of_task.view(letter, answer, subject(letter.report))
        files = (*view.files, *await self._files(letter))
        mail = of_task(letter, self._sender, view, answer.address if answer else "", files)
        await self._hand_over(mail, letter.to.address)
        return Sent(message_id(letter, self._sender), maybe_twice=letter.since is not None)

    async def edit(self, letter: Letter) -> None:
        """A mail cannot be changed; `plan` never asks for it."""
        raise Permanent(f"A mail about {letter.report.key} cannot be changed.")

    async def say(self, notice: Notices, attachment: Attachment | None) -> None:
        """Mail a notice; one that is said twice has the same Message-ID."""
        await self._hand_over(of_notice(notice, self._sender, attachment), notice.address)

    async def _hand_over(self, mail: EmailMessage, to: str) -> None:
        await asyncio.to_thread(self._mailer.send, mail, self._sender.address.addr_spec, to)

    def _answer(self, letter: Letter) -> Answer | None:
        """How the mail can be answered: a question by its own address, which runs out."""
        replies = self._manners.replies
        if replies is None:
            return None
        fact = letter.event.fact
        if isinstance(fact, ApprovalAsked | ApprovalReminded):
            until = letter.event.at + timedelta(days=self._manners.ask_days)
            return Answer(replies.ask(fact.approval, letter.to.id, until), until)
        return Answer(replies.task(int(letter.report.key.removeprefix("T-")), letter.to.id))

    async def _files(self, letter: Letter) -> tuple[Attachment, ...]:
        """With a result: its PDF, and those files of the task that fit into a mail."""
        if letter.message.part != mail_plan.RESULT:
            return ()
        report, files = letter.event.fact, mail_of_task.attached(letter.report)
        saved = (report, *files) if isinstance(report, ArtifactSaved) else files
        return tuple([await self._attachment(letter.report.key, one) for one in saved])

    async def _attachment(self, key: str, saved: ArtifactSaved) -> Attachment:
        content = await asyncio.to_thread(self._artifacts.read, key, saved)
        return Attachment(saved.name, saved.media_type, content)

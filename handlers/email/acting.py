"""From a letter that is believed to the act of the one command layer, and the answer that goes back.

An answer only ever goes to the address that the reply address was made for, whatever the letter asks for.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot import stream
from bot.actors import Actor, Door, Origin
from bot.commands import grammar, registry, spoken
from bot.errors import UserMistake
from bot.replies import Reply
from bot.reply_address import ReplyAddresses
from bot.reports import summary
from bot.reports.markdown import fence
from bot.reports.visible import revealed
from bot.work import approvals
from bot.work.keys import approval_key, key
from handlers.email import told
from handlers.email.letter import Letter
from storage import inbox, notices, tasks
from storage.tables import Subscriptions

DECISIONS = ("approve", "deny")
SUBJECT_CHARS = 120


@dataclass(frozen=True, slots=True)
class Proven:
    """A letter from whom its address was made for.

    Attributes:
        letter: The letter.
        heard: The subscription that the address was made for, with its task.
        sender: Who acts.
        authentic: Our own mail server vouches that the letter is from that domain.
        approval: Number of the approval that the address is about; 0 where it is about the whole task.
        expired: The address decides no more.
    """

    letter: Letter
    heard: Subscriptions
    sender: Actor
    authentic: bool
    approval: int = 0
    expired: bool = False

    @property
    def task(self) -> str:
        """What people call the task."""
        return key(self.heard.task_id)

    @property
    def origin(self) -> Origin:
        """Where it came from."""
        return Origin(Door.EMAIL, thread=self.letter.message_id)


@dataclass(frozen=True, slots=True)
class Acting:
    """How letters are acted on; in the caller's transaction.

    Attributes:
        addresses: Makes the addresses that answers are answered to.
        authserv_id: Our own mail server's name; empty where none vouches for senders.
        max_chars: The longest command that is read.
        ask_for: How long a question that is asked again may be answered.
    """

    addresses: ReplyAddresses
    authserv_id: str
    max_chars: int
    ask_for: timedelta

    def act(self, proven: Proven, now: datetime) -> str:
        """Do what a letter says, and answer it where its task's own mails do not.

        Returns:
            What became of it, as a sentence or more.
        """
        replies, reply_to = self._done(proven, now)
        said = [reply.text for reply in replies if not (reply.ok and reply.shown)]
        if proven.letter.attachments and inbox.first_time(f"attachments:{proven.heard.id}", now):
            said.append(told.ATTACHED)
        if said:
            notices.add(
                "email",
                proven.heard.address,
                "\n\n".join(said),
                now,
                subject=_subject(proven),
                thread=proven.letter.message_id,
                reply_to=reply_to or self.addresses.task(proven.heard.task_id, proven.heard.id),
            )
        return "\n\n".join(reply.text for reply in replies)

    def _done(self, proven: Proven, now: datetime) -> tuple[list[Reply], str]:
        """What the letter's commands answer, and where an answer to that goes if not to the task."""
        first, below = _parted(proven.letter.text)
        command = _meant(proven, first)
        if not first:
            replies = [registry.mistake(told.EMPTY.format(task=proven.task))]
        elif command is None:
            replies = [self._say(proven, proven.letter.text.strip(), now)]
        elif command.split()[1] in DECISIONS:
            return self._decide(proven, command, below, now)
        else:
            replies = self._steer(proven, command, below, now)
        return replies, ""

    def _decide(self, proven: Proven, command: str, below: str, now: datetime) -> tuple[list[Reply], str]:
        """Approve or deny, where our mail server vouches for the sender and the question is not too old."""
        if not proven.authentic:
            return [registry.mistake(self._unproven(proven))], ""
        if proven.expired and (asked := self._asked_again(proven)):
            until = now + self.ask_for
            return [asked], self.addresses.ask(proven.approval, proven.heard.id, until)
        if command.split()[1] == "deny":
            return [self._run(proven, _with_reason(command, below), now)], ""
        approved = self._run(proven, command, now)
        return [approved, *([self._say(proven, below, now)] if approved.ok and below else [])], ""

    def _steer(self, proven: Proven, command: str, below: str, now: datetime) -> list[Reply]:
        """Run a command that decides nothing; what stands below it is said before the task may be stopped."""
        said = [self._say(proven, below, now)] if below else []
        return [*said, self._run(proven, command, now)]

    def _say(self, proven: Proven, text: str, now: datetime) -> Reply:
        state = tasks.get(proven.heard.task_id).state
        if state not in tasks.OPEN:
            return registry.mistake(told.OVER.format(task=proven.task, state=state))
        return self._run(proven, f"task say {proven.task} -- {text}", now)

    def _run(self, proven: Proven, text: str, now: datetime) -> Reply:
        """Run the text of a command with the sender's own rights."""
        try:
            parsed = grammar.parse(text, self.max_chars)
        except UserMistake as error:
            return registry.mistake(str(error), "usage")
        return registry.run(registry.Call(parsed.name, parsed.arguments, proven.sender, proven.origin), now)

    def _unproven(self, proven: Proven) -> str:
        name = approval_key(proven.approval) if proven.approval else proven.task
        domain = proven.letter.from_.rpartition("@")[2]
        return (told.UNPROVEN if self.authserv_id else told.NO_SERVER).format(name=name, domain=domain)

    def _asked_again(self, proven: Proven) -> Reply | None:
        """The question of an address that decides no more; None where it is not open or not theirs to see."""
        name = approval_key(proven.approval)
        try:
            found = approvals.find(name, proven.sender, proven.origin)
        except UserMistake:
            return None  # the command itself says so
        report = summary.read(proven.task, stream.replay(proven.heard.task.stream_id))
        view = next((one for one in report.approvals if one.number == proven.approval), None)
        if found.state != "open" or view is None:
            return None
        return registry.mistake(told.EXPIRED.format(name=name, rule=view.rule, does=fence(view.does)))


def _parted(text: str) -> tuple[str, str]:
    """The first line of a text, and what stands below it."""
    first, _, below = text.strip().partition("\n")
    return first.strip(), below.strip()


def _meant(proven: Proven, line: str) -> str | None:
    """The command that a first line stands for; on the address of a question, decisions are about that."""
    if line.strip(" .!").casefold() in _offered(proven):
        return None  # an answer that the agent itself offers, whatever else the word may mean
    if not proven.approval:
        return spoken.in_task(line, proven.task, spoken.IN_MAIL)
    decision = spoken.in_task(line, approval_key(proven.approval), DECISIONS)
    return decision or spoken.in_task(line, proven.task, spoken.IN_MAIL.difference(DECISIONS))


def _offered(proven: Proven) -> set[str]:
    """What the agent offers as answers, where it waits for one."""
    if proven.heard.task.waiting_for != "reply":
        return set()
    report = summary.read(proven.task, stream.replay(proven.heard.task.stream_id))
    return {
        option.strip(" .!").casefold() for view in report.questions if view.open for option in view.options
    }


def _with_reason(command: str, below: str) -> str:
    """A denial whose reason goes on below its first line."""
    *denial, reason = [*command.split(maxsplit=3), ""][:4]
    return f"{' '.join(denial)} -- {reason}\n{below}" if below else command


def _subject(proven: Proven) -> str:
    subject = proven.letter.subject
    if not subject:
        subject = f"[{proven.task}] {revealed(proven.heard.task.title)}"
    return (subject if subject.lower().startswith("re:") else f"Re: {subject}")[:SUBJECT_CHARS]
